"""Criteria, outcomes, the registry, the store and the page: with a study that takes no time, and over the real ones."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from lnlbench.benchmark.studies import report
from lnlbench.benchmark.studies.base import (
    FAST,
    FULL,
    HELD_TO,
    LAPTOP,
    Context,
    Criterion,
    Evidence,
    Study,
    StudyError,
    Verdict,
    judge,
)
from lnlbench.benchmark.studies.outcome import FIGURE, RECORD, execute, from_json, record
from lnlbench.benchmark.studies.registry import find, register, studies
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.store import Store


@dataclass(frozen=True)
class Toy:
    value: float = 1.0


class ToyStudy(Study[Toy]):
    """Measures what its configuration says."""

    name, title, source, claim, caption = "TOY", "A toy", "nobody, 2000", "It holds.", "A line."
    fast, full = Toy(), Toy(3.0)
    criteria = (
        Criterion("T1", "the value", "value", 0, 2, ours="Two is enough."),
        Criterion("T2", "only at full length", "value", low=1.0, only=FULL),
        Criterion("T3", "shown", "value", high=-1, gates=False),
    )
    analysis = {"T1": "Three is more than two."}  # noqa: RUF012
    discrepancies = ("The paper says four.",)

    def measure(self, config, context):
        steps = np.arange(5)
        return Evidence({"value": [config.value, config.value / 2]}, {"a/line": (steps, steps * config.value)})

    def draw(self, evidence, figure):
        figure.subplots().plot(*evidence.curves["a/line"])


TOY = ToyStudy()


class HeavyToy(ToyStudy):
    """The same, with a length between."""

    name, laptop, less = "TOY-H", Toy(2.0), "Two beside three."


@pytest.mark.parametrize(
    ("values", "low", "high", "passed"),
    [
        pytest.param([0.0, 2.0], 0, 2, True, id="ends included"),
        pytest.param([1.0, 2.1], 0, 2, False, id="one seed outside"),
        pytest.param([float("nan")], -np.inf, np.inf, False, id="not a number"),
        pytest.param([-5.0], -np.inf, 2, True, id="no lower end"),
    ],
)
def test_a_criterion_holds_if_every_seed_is_within(values, low, high, passed):
    toy = ToyStudy()
    toy.criteria = (Criterion("X", "x", "x", low, high),)
    (verdict,) = judge(toy, FAST, Evidence({"x": values}, {}))
    assert verdict.passed is passed


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        pytest.param(0, 2, "0 to 2", id="both"),
        pytest.param(1, 1, "= 1", id="equal"),
        pytest.param(-np.inf, 2, "≤ 2", id="upper"),
        pytest.param(0.5, np.inf, "≥ 0.5", id="lower"),
        pytest.param(-np.inf, np.inf, "", id="none"),
    ],
)
def test_thresholds_in_words(low, high, shown):
    assert Criterion("X", "x", "x", low, high).threshold == shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        pytest.param([2.0], "2", id="one"),
        pytest.param([2.0, 2.0], "2 (of 2)", id="equal"),
        pytest.param([2.0, 1234.5, 0.12345], "0.1235 to 1,234 (of 3)", id="a range"),
        pytest.param([2.0, float("nan")], "2 (of 2, never in 1)", id="some are none"),
        pytest.param([float("nan")] * 2, "never", id="all are none"),
    ],
)
def test_values_in_words(values, shown):
    assert Verdict(Criterion("X", "x", "x"), tuple(values)).measured == shown


def test_criteria_of_the_other_length_are_not_judged():
    assert [v.criterion.name for v in judge(TOY, FAST, TOY.measure(TOY.fast, Context()))] == ["T1", "T3"]


def test_a_laptop_is_held_to_the_criteria_of_the_full_length():
    heavy = HeavyToy()
    at_full, on_laptop = (judge(heavy, n, heavy.measure(heavy.configuration(n), Context())) for n in (FULL, LAPTOP))
    assert [v.criterion for v in on_laptop] == [v.criterion for v in at_full] == list(TOY.criteria)
    assert [v.values[0] for v in on_laptop] == [2.0] * 3


def test_a_length_that_a_study_lacks_is_an_error_that_names_those_it_has():
    assert list(HeavyToy().lengths) == list(HELD_TO) == [FULL, LAPTOP, FAST] and list(TOY.lengths) == [FULL, FAST]
    with pytest.raises(StudyError, match="TOY has no length 'laptop'; it has: full, fast"):
        TOY.configuration(LAPTOP)
    assert HeavyToy().configuration(FAST, {"value": 150}).value == 150.0


def test_a_criterion_about_nothing_measured_is_an_error():
    with pytest.raises(StudyError, match="criterion T1 needs 'value'"):
        judge(TOY, FAST, Evidence({}, {}))


@pytest.mark.slow
def test_an_outcome_survives_json():
    outcome, files, points = execute(TOY, FULL, Context())
    assert [v.criterion.name for v in outcome.failed] == ["T1"]
    assert from_json(files[RECORD]) == replace(outcome, seconds=round(outcome.seconds, 1))
    assert files[FIGURE].startswith(b"\x89PNG")
    assert len(points) == 5


@pytest.mark.parametrize("text", ["", "[]", '{"criteria": 1}', '{"criteria": [{"low": 1}]}'])
def test_what_is_no_outcome_is_refused(text):
    with pytest.raises(StudyError, match="not the outcome of a study"):
        from_json(text)


@pytest.mark.slow
def test_the_store_gives_the_last_run_back_and_ranks_none(url, tmp_path):
    store = Store(url)
    for length in (FAST, FULL, FAST):
        store.record_study(record(*execute(TOY, length, Context())))
    kept = store.studies((RECORD, FIGURE))
    assert sorted(from_json(files[RECORD]).length for files in kept) == [FAST, FULL]
    assert store.results() == [] and store.stored() == {}
    with pytest.raises(StoreError):
        store.studies(("nothing.txt",))
    store.close()

    report.export(kept, tmp_path)
    page = report.write([TOY], tmp_path).read_text()
    assert "[TOY](#toy-a-toy)" in page and "figures/TOY.full.png" in page
    assert "**T1 fails.** Three is more than two." in page
    assert (
        "| T1 | the value | 1.5 to 3 (of 2) | 0 to 2 [ours] | **fails** |" in page and "[ours] Two is enough." in page
    )
    assert "The paper says four." in page and "full: 1 of 2 criteria hold; fast: 1 of 1 criteria hold" in page
    assert (tmp_path / "figures" / "TOY.full.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_without_runs_says_the_command(tmp_path):
    page = report.write([TOY, HeavyToy()], tmp_path).read_text()
    assert "`lnlbench study run TOY --fast`: not yet run." in page and "run TOY --laptop" not in page
    assert "`lnlbench study run TOY-H --laptop`: not yet run." in page


def test_the_page_shows_the_longest_run_first_and_which_is_missing(tmp_path):
    for length in (FAST, LAPTOP):
        _, files, _ = execute(HeavyToy(), length, Context())
        report.export([{RECORD: files[RECORD].encode(), FIGURE: b""}], tmp_path)
    page = report.write([HeavyToy()], tmp_path).read_text()
    assert [found.length for found in report.outcomes("TOY-H", tmp_path)] == [LAPTOP, FAST]
    assert "laptop: 2 of 2 criteria hold; fast: 1 of 1 criteria hold" in page and "figures/TOY-H.laptop.png" in page
    assert "**What `laptop` has less of than `full`:** Two beside three." in page
    assert page.index("--laptop`: ") < page.index("--fast`: ") < page.index("--full`: not yet run.")


def test_beside_a_longer_run_fast_is_one_line(tmp_path):
    for length in (FAST, FULL):
        _, files, _ = execute(TOY, length, Context())
        report.export([{RECORD: files[RECORD].encode(), FIGURE: b""}], tmp_path)
    page = report.write([TOY], tmp_path).read_text()
    assert page.count("Configuration: ") == 1 and "run TOY --fast`: 1 of 1 criteria hold" in page


def test_what_must_be_known_of_an_outcome_stands_first_until_another_commit_makes_it(tmp_path):
    _, files, _ = execute(TOY, FULL, Context())
    old = json.loads(files[RECORD])
    old["made"] |= {"commit": "0ld"}
    report.export([{RECORD: json.dumps(old).encode(), FIGURE: b""}], tmp_path)
    told = ToyStudy()
    told.notes = {"0ld": "outdated"}
    page = report.write([told], tmp_path).read_text()
    assert "## TOY A toy\n\n**`full` is outdated.**\n" in page and "criteria hold; `full` is outdated |" in page
    told.notes = {"another": "outdated"}
    assert "outdated" not in report.write([told], tmp_path).read_text()


def test_a_claim_of_an_old_outcome_is_judged_and_told_as_today(tmp_path):
    """It ended at 100 then, and the interval of a share reached beyond."""
    claim = Criterion("C", "a share", "x", 95, gates=False, interval=True, share=True)
    toy = ToyStudy()
    toy.criteria = (replace(claim, claim="the share", high=100, share=False),)
    toy.measure = lambda *_: Evidence({"x": [99.0, 100.5]}, {"a/line": (np.arange(2), np.arange(2))})
    _, files, _ = execute(toy, FULL, Context())
    assert '"passed": false' in files[RECORD]
    report.export([{RECORD: files[RECORD].encode(), FIGURE: b""}], tmp_path)
    toy.criteria = (claim,)
    assert "| C | a share | 99 to 100 | ≥ 95 | supported |" in report.write([toy], tmp_path).read_text()


def test_an_older_run_does_not_replace_a_newer_one_on_the_page(tmp_path):
    outcome, files, _ = execute(TOY, FAST, Context())
    old = json.loads(files[RECORD]) | {"seconds": 99.0}
    old["made"] = {**old["made"], "date": "2001-01-01"}
    for content in (files[RECORD], json.dumps(old)):
        report.export([{RECORD: content.encode(), FIGURE: b""}], tmp_path)
    assert report.outcomes(TOY.name, tmp_path)[0].made["date"] == outcome.made["date"]


def test_names_are_found_in_any_case_and_unknown_ones_get_a_hint():
    assert find("e000-a") is studies()["E000-A"]
    with pytest.raises(StudyError, match="did you mean 'E000-A'"):
        find("E000A")


def test_two_studies_of_one_name_are_refused():
    find("E000-A")
    with pytest.raises(StudyError, match="two studies are called 'E000-A'"):
        register("E000-A")(ToyStudy)


@pytest.mark.parametrize("study", studies().values(), ids=studies())
def test_every_study_says_what_it_is(study):
    assert study.title and study.source and study.claim and study.caption
    assert study.fast is not None and study.full is not None
    assert study.criteria and all(c.only in ("", *HELD_TO.values()) for c in study.criteria)
    assert study.laptop is None or (study.heavy and type(study.laptop) is type(study.full))
    assert bool(study.less) == (study.laptop is not None), "a reader wants to know what it has less of"
    assert set(study.analysis) <= {c.name for c in study.criteria}
