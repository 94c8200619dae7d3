"""The memorisation gap against numbers worked out by hand."""

from dataclasses import replace

import pytest

from lnlbench.leaderboard.ranking.gap import gaps, to_markdown


@pytest.fixture
def runs(make):
    plain = make(test=[0.5, 0.9, 0.7], validation=[0.3, 0.4, 0.5])
    plain = replace(plain, method="ce", label="ce", report=2)
    robust = replace(make(test=[0.5, 0.8, 0.85], validation=[0.3, 0.4, 0.5]), label="gce", report=2)
    return [plain, robust]


def test_share_is_zero_for_the_last_epoch_of_cross_entropy_and_one_for_its_best(runs):
    found = {gap.method: gap for gap in gaps(runs)}
    assert found["ce"].size == pytest.approx(0.2)
    assert found["ce"].closed == pytest.approx(0.0)
    assert found["gce"].closed == pytest.approx(0.75)


def test_without_cross_entropy_in_the_same_replicate_there_is_no_gap(runs):
    assert gaps([replace(runs[1], replicate=7), runs[0]]) == gaps([runs[0]])


def test_without_a_fall_the_share_is_undefined(runs):
    flat = replace(runs[0], curves=runs[0].curves | {"test_accuracy": [0.5, 0.6, 0.7]})
    (found,) = gaps([flat])
    assert found.closed is None


def test_table_has_a_row_a_method_and_the_size_of_the_gap(runs):
    text = to_markdown(gaps(runs))
    assert "20.00 (s0)" in text
    assert text.endswith("| gce | 75 % |\n| ce | 0 % |"), "most first"


def with_last(result, accuracy, **changes):
    """The result with another last test accuracy, and as changed; `precision` is of its identity."""
    precision = changes.pop("precision", "fp32")
    curves = result.curves | {"test_accuracy": [*result.curves["test_accuracy"][:-1], accuracy]}
    return replace(result, curves=curves, identity=result.identity | {"precision": precision}, **changes)


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        pytest.param({"precision": "bf16"}, "bf16", id="precision"),
        pytest.param({"track": "tuned"}, "track tuned", id="track"),
        pytest.param({"track": "tuned", "precision": "bf16"}, "track tuned, bf16", id="both"),
    ],
)
def test_what_is_not_comparable_has_a_table_of_its_own(runs, changes, heading):
    """Cross-entropy falls to 0.7 there and to 0.8 here: what ends at 0.85 closes 75 % and 50 %."""
    other = [with_last(runs[0], 0.8, **changes), with_last(runs[1], 0.85, **changes)]
    first, second = to_markdown(gaps([*runs, *other])).split("\n\n**")
    assert "20.00 (s0)" in first and "| gce | 75 % |" in first
    assert f"({heading}): " in second and "10.00 (s0)" in second and "| gce | 50 % |" in second
    assert "(" not in to_markdown(gaps(other)).partition("**:")[0], "alone it needs no word"


def test_a_label_of_two_methods_is_shown_in_full(runs):
    robust = [replace(runs[1], method="gce(q=0.7)"), with_last(runs[1], 0.8, method="gce(q=0.5)")]
    text = to_markdown(gaps([runs[0], *robust]))
    assert "| gce(q=0.7) | 75 % |" in text and "| gce(q=0.5) | 50 % |" in text


def test_two_spellings_are_one_line(runs):
    more = [replace(run, replicate=1, key=f"{run.key} 1") for run in runs]
    more[1] = replace(more[1], label="gce(q=0.70)")
    assert "| gce | 75 % | 75 % |" in to_markdown(gaps([*runs, *more]))
