"""The form of records: what a run wrote is read, and what no run can have written is refused by name."""

import copy
import json

import pytest

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import from_json, to_json


def put(*path, value):
    def change(record):
        place = record
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value

    return change


DEEP: list = []
for _ in range(20):
    DEEP = [DEEP]

BENT = [
    pytest.param(put("curves", "test_accuracy", value=[0.5, 1.5, 0.6]), "test_accuracy of epoch 1", id="above 1"),
    pytest.param(put("curves", "test_accuracy", value=[0.5, -0.1, 0.6]), "test_accuracy of epoch 1", id="below 0"),
    pytest.param(
        put("curves", "test_accuracy", value=["nan", 0.5, 0.6]), "test_accuracy of epoch 0", id="not a number"
    ),
    pytest.param(put("curves", "test_accuracy", value=[0.5, None, 0.6]), "epoch 1 is missing", id="an epoch missing"),
    pytest.param(put("curves", "validation_accuracy", value=[None] * 3), "is missing", id="no validation"),
    pytest.param(put("curves", "test_accuracy", value=[0.5, 10**400, 0.6]), "not a number", id="a huge integer"),
    pytest.param(
        put("curves", "seconds_train", value=[1.0, -1.0, 1.0]), "seconds_train of epoch 1", id="minus seconds"
    ),
    pytest.param(put("curves", "objective", value=["inf", 1, 1]), None, id="an endless loss is one"),
    pytest.param(put("curves", "a\x1b[2J", value=[1.0, 1.0, 1.0]), "control character", id="escape in a curve's name"),
    pytest.param(put("label", value="ce\x1b]0;x\x07"), "'label' .* control character", id="escape in the label"),
    pytest.param(put("label", value="ce\u202e"), "control character", id="a label that turns around"),
    pytest.param(put("label", value="ce\ud800"), "control character", id="half a character"),
    pytest.param(put("label", value=""), "'label' .* empty", id="no label"),
    pytest.param(put("label", value="x" * 20_000), "characters, over", id="an endless label"),
    pytest.param(put("told", value=[1]), "told", id="told a number"),
    pytest.param(put("told", value=["a\n"]), "control character", id="told two lines"),
    pytest.param(put("classes", value=0), "'classes'", id="no classes"),
    pytest.param(put("replicate", value=-1), "'replicate'", id="replicate -1"),
    pytest.param(put("networks", value=0), "'networks'", id="no network"),
    pytest.param(put("protocol", value=0), "'protocol'", id="protocol 0"),
    pytest.param(put("identity", "noise", value=[]), "'noise' .* object", id="noise is a list"),
    pytest.param(put("identity", "split", value="x"), "'split' .* object", id="split is a text"),
    pytest.param(put("identity", "noise", "realised_rate", value="0.4"), "realised_rate", id="a rate as text"),
    pytest.param(put("identity", "noise", "realised_rate", value=1.4), "realised_rate", id="a rate above 1"),
    pytest.param(put("identity", "split", "validation", value="many"), "split.validation", id="a size as text"),
    pytest.param(put("identity", "sources", value="abc"), "sources", id="sources that are a text"),
    pytest.param(put("identity", "sources", value=[1]), "sources", id="a source that is a number"),
    pytest.param(put("identity", "tuning", value={"scores": [[1]]}), "scores", id="scores that are no pairs"),
    pytest.param(put("identity", "tuning", value={"confirming": [{"trial": 0}]}), "confirms", id="no fresh draws"),
    pytest.param(put("identity", "tuning", value={"scores": 3}), "scores|object", id="scores that are a number"),
    pytest.param(put("identity", "dataset", value={"name": DEEP}), "levels deep", id="nested without end"),
    pytest.param(put("cost", "train_seconds", value="much"), "'train_seconds'", id="cost as text"),
    pytest.param(put("cost", "train_seconds", value=-1), "'train_seconds'", id="negative cost"),
    pytest.param(put("cost", "train_seconds", value="nan"), "'train_seconds'", id="no cost"),
    pytest.param(put("environment", "hardware", value="\x1b[2J"), "control character", id="escape in the hardware"),
]


@pytest.mark.parametrize(("change", "message"), BENT)
def test_what_no_run_can_have_written_is_refused_by_name(change, message, make):
    record = copy.deepcopy(json.loads(to_json(make())))
    change(record)
    if message is None:
        assert from_json(json.dumps(record))
        return
    with pytest.raises(StoreError, match=message) as error:
        from_json(json.dumps(record))
    assert "\n" not in str(error.value) and "\x1b" not in str(error.value)


def test_a_trial_has_no_test_accuracy(make):
    trial = make(track="tuning", test=[None] * 3, validation=[0.1, 0.2, 0.3])
    assert from_json(to_json(trial)) == trial


def test_losses_of_a_diverged_run_may_be_anything(make):
    diverged = make(diverged=True, more={"objective": [1.0, float("inf"), float("-inf")], "distance": [0.0, 1.0, None]})
    assert from_json(to_json(diverged)) == diverged


@pytest.mark.slow
def test_all_results_that_were_ever_shipped_have_the_form_and_make_boards(package, methods_on_mnist, grid_on_mnist):
    """To be read is to have the form."""
    for found in (package, methods_on_mnist, grid_on_mnist):
        assert boards(found)
