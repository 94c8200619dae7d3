"""What is said of an unknown name."""

import pytest

from lnlbench.benchmark.protocol.unknown_names import unknown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("lop", "unknown execution 'lop'; did you mean 'loop'? known: loop, stack", id="close to one"),
        pytest.param("xyz", "unknown execution 'xyz'; known: loop, stack", id="close to none"),
    ],
)
def test_the_message_names_what_came_and_what_would_be_right(name, message):
    assert unknown("execution", name, ["loop", "stack"]) == message


def test_many_names_are_shown_by_a_command_instead():
    known = ["ce", "dal", "gce", "nce_mae", "ogc"]
    assert unknown("method", "gec", known, "methods") == (
        "unknown method 'gec'; did you mean 'gce' or 'ogc'? `lnlbench list methods` shows them all"
    )
    assert unknown("method", "xyz", known, "methods") == "unknown method 'xyz'; `lnlbench list methods` shows them all"
