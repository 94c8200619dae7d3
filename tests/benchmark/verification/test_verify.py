"""Verifying: what was made verifies, and of every kind of tampering the page says truly whether it is noticed."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lnlbench.benchmark.protocol.keys import PROTOCOL, key_of
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.verification.across import across, fewer
from lnlbench.benchmark.verification.consistency import costs
from lnlbench.benchmark.verification.receipts import PROVED, rows, sentence, verified
from lnlbench.leaderboard.results.result import Result, from_json, pack, to_json, unpack
from lnlbench.methods._parse import parse

PAGE = Path(__file__).parents[3] / "docs" / "trust.md"
UNCHECKED = ("estimator", "peak_memory_mb", "estimate_seconds", "transition_matrix")  # nothing says what they should be


def rekeyed(result: Result) -> Result:
    """The key that goes with everything else: whoever forges a record can compute one."""
    setting = Setting(**result.identity["setting"])
    content = result.identity["dataset"]["fingerprint"]
    key = key_of(PROTOCOL, content, setting.identity(), result.method, result.replicate, result.track)
    return replace(result, key=key)


def bent(result, **identity):
    return replace(result, identity=result.identity | {k: result.identity[k] | v for k, v in identity.items()})


def lifted(result, name, by):
    curve = [value + by for value in result.curves[name]]
    return replace(result, curves=result.curves | {name: curve})


def counted_up(result):
    """A better validation curve that is a share of the validation images, as an honest one is."""
    return lifted(result, "validation_accuracy", 2 / result.identity["split"]["validation"])


def cut(result):
    curves = {name: row[:2] for name, row in result.curves.items()}
    return replace(result, curves=curves, report=1, predictions=pack(unpack(result.predictions)[:2]))


def repredicted(result, accuracy=False):
    """The predictions of a network that knows nothing; with accuracies to match, if asked."""
    from lnlbench.datasets.loading.images import load

    predictions = (unpack(result.predictions) + np.uint8(1)) % 10
    made = replace(result, predictions=pack(predictions))
    if not accuracy:
        return made
    right = [float((epoch == load("digits").test_labels).mean()) for epoch in predictions]
    return replace(made, curves=made.curves | {"test_accuracy": right})


def charged(result, **cost):
    return replace(result, cost=result.cost | {name: change(result.cost[name]) for name, change in cost.items()})


def faster(result):
    """Every second halved, in the curves and in what they add up to."""
    curves = {n: [v / 2 for v in row] if n.startswith("seconds_") else row for n, row in result.curves.items()}
    cost = result.cost | {name: result.cost[name] / 2 for name in ("train_seconds", "total_seconds")}
    cost["samples_per_second"] *= 2
    return replace(result, curves=curves, cost=cost)


def tuned(result, scores=((0.5, 0.6), (0.7, 0.5)), trial=1, validation=0.7):
    said = {"trials": 2, "trial": trial, "validation": validation, "scores": [*map(list, scores)], "seconds": 1.0}
    cost = result.cost | {"tuning_trials": 2, "tuning_seconds": 1.0}
    return rekeyed(replace(result, track="tuned", identity=result.identity | {"tuning": said}, cost=cost))


def confirmed(result, trial=0):
    """Of three trials and four that confirm; the search alone says 1, the fresh draws say the defaults."""
    draws = [{"trial": n, "validation": [0.5 - n / 10, 0.5], "test": [0.6, 0.6]} for n in (0, 1)]
    scores = ((0.5, 0.6), (0.7, 0.5), (0.6, 0.6))
    found = tuned(result, scores=scores, trial=trial, validation=scores[trial][0])
    said = found.identity["tuning"] | {"trials": 7, "confirming": draws}
    cost = found.cost | {"tuning_trials": 7}
    return replace(found, identity=found.identity | {"tuning": said}, cost=cost)


@dataclass(frozen=True)
class Tampering:
    """One change to a result, and what `verify` makes of it."""

    sentence: str  # the line of the page
    change: Callable[[Result], Result]
    what: str  # of the finding; empty where nothing is noticed
    state: str = "wrong"
    label: str = "ce"


CASES = [
    # Scores.
    Tampering("higher test accuracies", lambda r: lifted(r, "test_accuracy", 1 / 360), "scores"),
    Tampering("other predictions", repredicted, "scores"),
    Tampering(
        "predictions of one of two networks",
        lambda r: replace(r, predictions=pack(unpack(r.predictions)[:, :1])),
        "scores",
        label="co_teaching",
    ),
    Tampering(
        "predictions of a part of the test set",
        lambda r: replace(r, predictions=pack(unpack(r.predictions)[..., :99])),
        "scores",
    ),
    Tampering(
        "predictions that do not unpack", lambda r: replace(r, predictions=r.predictions[:-8] + "AAAAAAA="), "scores"
    ),
    Tampering(
        "predictions that claim to be gigabytes", lambda r: replace(r, predictions="xz:3,1,700000000:AAAA"), "scores"
    ),
    Tampering("no predictions", lambda r: replace(r, predictions=""), "scores", "unknown"),
    Tampering(
        "validation accuracies that no count of images gives",
        lambda r: lifted(r, "validation_accuracy", 1e-3),
        "curves",
    ),
    Tampering("accuracies above 1", lambda r: lifted(r, "validation_accuracy", 1.0), "read"),
    # Where training ended.
    Tampering("a run cut off at a good epoch", cut, "epochs"),
    Tampering("another epoch reported", lambda r: replace(r, report=0), "epochs"),
    Tampering("diverged where it did not", lambda r: replace(r, diverged=True), "epochs"),
    # What it is called.
    Tampering(
        "the label of another value: gce(q=0.1) for gce(q=0.7)",
        lambda r: replace(r, label="gce(q=0.1)"),
        "method",
        label="gce",
    ),
    Tampering(
        "the plain label of a method with another value",
        lambda r: rekeyed(replace(r, method="gce(q=0.1)")),
        "method",
        label="gce",
    ),
    Tampering("the label of another method", lambda r: replace(r, label="gce"), "method"),
    Tampering("a label that is markup", lambda r: replace(r, label="<img src=x onerror=alert(1)>"), "method"),
    Tampering("a label with control characters", lambda r: replace(r, label="ce\x1b[2J"), "read"),
    Tampering(
        "another method under the same key",
        lambda r: replace(r, method="gce(q=0.1)", label="gce(q=0.1)"),
        "key",
        label="gce",
    ),
    Tampering(
        "told nothing, where it was told the noise rate", lambda r: replace(r, told=()), "method", label="co_teaching"
    ),
    Tampering(
        "the true noise rate instead of an estimate",
        lambda r: rekeyed(replace(r, method=r.method.replace("[estimated]", "[true]"), told=("noise_rate (true)",))),
        "method",
        label="co_teaching",
    ),
    Tampering(
        "a smaller error of the estimated noise rate",
        lambda r: bent(r, told={"error": {"noise_rate": 0.0}}),
        "method",
        label="co_teaching",
    ),
    Tampering("fewer networks", lambda r: replace(r, networks=1), "method", label="co_teaching"),
    Tampering(
        "the name of another task",
        lambda r: bent(replace(r, setting="mnist-mlp/symmetric-0.4"), setting={"task": "mnist-mlp"}),
        "identity",
    ),
    Tampering(
        "the name of the same task at another length",
        lambda r: bent(replace(r, setting="digits/symmetric-0.4"), setting={"task": "digits"}),
        "identity",
    ),
    Tampering("markup in the name of a task", lambda r: bent(r, setting={"task": "<b>x</b>"}), "identity"),
    Tampering("other noise in the name alone", lambda r: replace(r, noise="clean"), "identity"),
    Tampering("another replicate", lambda r: rekeyed(replace(r, replicate=3)), "identity"),
    Tampering("another track", lambda r: rekeyed(replace(r, track="open")), "identity"),
    Tampering("tuned without a search", lambda r: rekeyed(replace(r, track="tuned")), "identity"),
    Tampering(
        "a search whose winner is not the best by validation", lambda r: tuned(r, trial=0, validation=0.5), "identity"
    ),
    Tampering("a winner that its fresh draws did not confirm", lambda r: confirmed(r, trial=1), "identity"),
    Tampering(
        "a search of more trials than it has scores", lambda r: tuned(r, scores=((0.7, 0.5),), trial=0), "identity"
    ),
    # What made it.
    Tampering("another learning rate", lambda r: rekeyed(bent(r, setting={"lr": 0.5})), "identity"),
    Tampering(
        "another learning rate under the same key",
        lambda r: bent(r, setting={"lr": 0.5, "task": "digits,epochs=3,lr=0.5"}),
        "key",
    ),
    Tampering("a value of the recipe that makes no sense", lambda r: bent(r, setting={"epochs": "many"}), "identity"),
    Tampering("a field that no recipe has", lambda r: bent(r, setting={"secret": 1}), "identity"),
    Tampering("no identity", lambda r: replace(r, identity={}), "identity"),
    Tampering("another key", lambda r: replace(r, key="ab" * 16), "key"),
    Tampering(
        "another data set's fingerprint", lambda r: rekeyed(bent(r, dataset={"fingerprint": "ab"})), "scores", "unknown"
    ),
    Tampering("another revision of the data set", lambda r: bent(r, dataset={"revision": "main"}), "labels and split"),
    Tampering(
        "a data set that is not the official one", lambda r: bent(r, dataset={"official": False}), "labels and split"
    ),
    Tampering("another seed of the noise", lambda r: bent(r, seeds={"noise": 1}, noise={"seed": 1}), "identity"),
    Tampering("another seed of the split", lambda r: bent(r, seeds={"split": 1}), "identity"),
    Tampering("other noisy labels", lambda r: bent(r, noise={"labels_sha256": "ab" * 32}), "labels and split"),
    Tampering("another realised noise rate", lambda r: bent(r, noise={"realised_rate": 0.5}), "labels and split"),
    Tampering(
        "another rate of one class",
        lambda r: bent(r, noise={"class_rates": [0.0, *r.identity["noise"]["class_rates"][1:]]}),
        "labels and split",
    ),
    Tampering(
        "another transition matrix",
        lambda r: bent(r, noise={"transition_matrix": np.eye(10).tolist()}),
        "labels and split",
    ),
    Tampering(
        "another convention of the noise rate", lambda r: bent(r, noise={"convention": "inclusive"}), "labels and split"
    ),
    Tampering("something more in the manifest", lambda r: bent(r, noise={"note": "easy"}), "labels and split"),
    Tampering(
        "something less in the manifest",
        lambda r: replace(
            r, identity=r.identity | {"noise": {k: v for k, v in r.identity["noise"].items() if k != "samples"}}
        ),
        "labels and split",
    ),
    Tampering("another split", lambda r: bent(r, split={"sha256": "ab" * 32}), "labels and split"),
    Tampering(
        "more validation images",
        lambda r: bent(r, split={"validation": 2 * r.identity["split"]["validation"]}),
        "labels and split",
    ),
    Tampering("fewer training images", lambda r: bent(r, split={"train": 1000}), "labels and split"),
    Tampering("fewer test images", lambda r: bent(r, split={"test": 180}), "labels and split"),
    Tampering("another version of the protocol", lambda r: replace(r, protocol=2), "protocol"),
    # What it cost.
    Tampering(
        "fewer seconds of training than the epochs took", lambda r: charged(r, train_seconds=lambda s: s / 2), "cost"
    ),
    Tampering("fewer seconds in all than the epochs took", lambda r: charged(r, total_seconds=lambda s: s / 2), "cost"),
    Tampering("more samples a second", lambda r: charged(r, samples_per_second=lambda s: 2 * s), "cost"),
    Tampering("fewer forward passes", lambda r: charged(r, forward_passes=lambda n: n / 2), "cost"),
    Tampering(
        "fewer backward passes",
        lambda r: charged(r, backward_passes=lambda n: n / 2),
        "cost",
        label="gce + early_stopping",
    ),
    Tampering("fewer epochs", lambda r: charged(r, epochs=lambda n: n - 1), "cost"),
    Tampering("negative seconds", lambda r: charged(r, train_seconds=lambda s: -s), "read"),
    Tampering("a search that cost nothing", lambda r: replace(tuned(r), cost=r.cost), "cost"),
    # Readings.
    Tampering(
        "a reading of a run that is not there",
        lambda r: replace(r, host="ab" * 16),
        "host",
        "unknown",
        "gce + early_stopping",
    ),
    Tampering(
        "a reading without the run that it is of", lambda r: replace(r, host=None), "host", label="gce + early_stopping"
    ),
    Tampering("a run that was trained, as a reading", lambda r: replace(r, host="ab" * 16), "host"),
    Tampering(
        "a reading with other curves than its host",
        lambda r: lifted(r, "objective", 1e-3),
        "host",
        label="gce + early_stopping",
    ),
    Tampering(
        "a reading with other predictions than its host",
        lambda r: repredicted(r, accuracy=True),
        "predictions",
        label="gce + early_stopping",
    ),
    # What nothing in a record can tell: the run has to be made again.
    Tampering("an invented validation curve whose values are counts", counted_up, ""),
    Tampering("invented predictions, and the accuracies that they have", lambda r: repredicted(r, accuracy=True), ""),
    Tampering("every second halved, in the epochs and in the sums", faster, ""),
    Tampering("other losses and diagnostics", lambda r: lifted(r, "loss_wrong_online", 1.0), ""),
    Tampering(
        "other hardware, versions or a date",
        lambda r: replace(r, environment=r.environment | {"hardware": "abacus"}),
        "",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("search", [tuned, confirmed])
def test_a_search_that_says_what_it_chose_and_why_is_believed(search, results):
    found = verified([search(results["ce", 0])], None)[-1]
    assert [f.detail for f in found.findings if f.what in ("identity", "cost") and f.state == "wrong"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_what_is_changed_is_noticed_or_the_page_says_that_it_is_not(case, results):
    changed = case.change(results[case.label, 0])
    if case.what == "read":
        with pytest.raises(ValueError, match=r"record|accuracy"):
            from_json(to_json(changed))
        return
    others = [result for name, result in results.items() if name != (case.label, 0)]
    found = verified([*others, changed], None)[-1]
    states = {(f.what, f.state) for f in found.findings if f.state not in ("ok", "flagged")}
    if not case.what:
        assert states == set()
        return
    assert (case.what, case.state) in states, found.findings
    assert all("\n" not in finding.detail and len(finding.detail) < 2000 for finding in found.findings)


@pytest.mark.parametrize(
    ("forward", "right"),
    [
        pytest.param(lambda host: (sum(host.curves["forward_passes"][:2]) + estimate_of(host)) / 2, True, id="whole"),
        pytest.param(lambda host: host.cost["forward_passes"], True, id="as readings once were charged"),
        pytest.param(lambda host: sum(host.curves["forward_passes"][:2]) / 2, False, id="none of the estimate"),
    ],
)
def test_a_reading_is_charged_the_estimate_of_its_host(forward, right, results):
    host = results["co_teaching", 0]
    read = replace(cut(host), host=host.key)
    seconds = {name: sum(read.curves[name]) for name in ("seconds_train", "seconds_evaluate")}
    estimate = host.cost["estimate_seconds"]
    cost = {
        "train_seconds": seconds["seconds_train"] + estimate,
        "total_seconds": sum(seconds.values()) + estimate,
        "epochs": 2,
        "forward_passes": forward(host),
    }
    assert (costs(replace(read, cost=host.cost | cost), host) == []) is right


def estimate_of(host):
    """The forward passes a sample that an estimate took."""
    return 3 * host.cost["forward_passes"] - sum(host.curves["forward_passes"])


def test_the_page_lists_every_case_as_it_is():
    lines = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    said = dict(lines)
    assert {case.sentence: expected(case) for case in CASES}.items() <= said.items()


def expected(case):
    """What stands on the page beside a case."""
    if not case.what:
        return "**not noticed**: only making it again tells"
    return "refused when it is read" if case.what == "read" else f"{case.state}: {case.what}"


def test_what_was_made_verifies(results):
    found = verified(list(results.values()), None)
    assert (len(found), rows(found)) == (8, [])
    assert sentence(found).startswith("8 of 8 verify. What this proves")
    kinds = {"key", "labels and split", "scores", "host", "cost", "curves", "epochs", "method", "identity"}
    assert kinds <= {f.what for r in found for f in r.findings}


# Beside each other.


def test_a_key_twice(results):
    ce = results["ce", 0]
    found = verified([ce, ce], None)
    assert {(f.what, f.state) for r in found for f in r.findings if f.state == "wrong"} == {("key", "wrong")}


def test_two_keys_never_share_predictions(results):
    ce, gce = results["ce", 0], results["gce", 0]
    curve = {"test_accuracy": gce.curves["test_accuracy"]}
    thief = replace(ce, predictions=gce.predictions, curves=ce.curves | curve)
    found = verified([thief, gce], None)
    details = [(f.what, f.state, f.detail) for r in found for f in r.findings if f.state == "wrong"]
    assert [detail[:2] for detail in details] == [("predictions", "wrong")] * 2
    assert "those of gce digits,epochs=3/symmetric-0.4 s0 too" in details[0][2]


def of_predictions(results):
    """The states of what is found of their predictions."""
    return [f.state for r in verified(results, None) for f in r.findings if f.what == "predictions"]


def in_bf16(result):
    return replace(result, key="b", identity=result.identity | {"precision": "bf16"})


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(tuned, id="to the bit"),
        pytest.param(lambda r: tuned(lifted(r, "objective", 3e-7)), id="rounded by another execution"),
        pytest.param(lambda r: tuned(counted_up(r)), id="validation within the band"),
        pytest.param(lambda r: in_bf16(lifted(r, "objective", 4e-3)), id="another precision"),
    ],
)
def test_one_definition_in_two_tracks_is_no_copy(results, again):
    assert of_predictions([results["gce", 0], again(results["gce", 0])]) == []


@pytest.mark.parametrize(
    ("of", "change"),
    [
        pytest.param(("ce", 0), lambda r: r, id="another method's"),
        pytest.param(("gce", 1), lambda r: r, id="another replicate's"),
        pytest.param(("gce", 0), lambda r: lifted(r, "objective", 0.1), id="its own with another loss"),
        pytest.param(("gce", 0), lambda r: lifted(r, "validation_accuracy", -0.35), id="beyond the band"),
    ],
)
def test_predictions_of_another_training_are_found_in_another_track(results, of, change):
    gce, other = results["gce", 0], results[of]
    curve = {"test_accuracy": gce.curves["test_accuracy"]}
    thief = tuned(change(replace(other, predictions=gce.predictions, curves=other.curves | curve)))
    assert of_predictions([thief, gce]) == ["wrong", "wrong"]


@pytest.mark.parametrize("by", [pytest.param(0.0, id="to the bit"), pytest.param(3e-7, id="rounded")])
def test_a_whole_training_under_two_keys_is_flagged_since_methods_can_coincide(results, by):
    gce = results["gce", 0]
    method = str(parse("gce(q=0.6)"))
    twin = rekeyed(lifted(replace(gce, method=method, label="gce(q=0.6)"), "objective", by))
    found = verified([twin, gce], None)
    assert [receipt.state for receipt in found] == ["ok", "ok"]
    assert all("only making it again tells" in row["detail"] for row in rows(found))
    assert "2 are flagged" in sentence(found)


def test_runs_that_diverged_share_nothing(results):
    ce, gce = results["ce", 0], results["gce", 0]
    nothing = pack(np.zeros_like(unpack(ce.predictions)))
    found = verified([replace(ce, predictions=nothing), replace(gce, predictions=nothing)], None)
    assert not [f for r in found for f in r.findings if f.what == "predictions"]


def test_missing_replicates_are_flagged(results):
    kept = [result for name, result in results.items() if name != ("ce", 0)]
    found = verified(kept, None)
    assert all(receipt.state == "ok" for receipt in found)
    assert [(row["what"], row["state"], row["detail"]) for row in rows(found)] == [
        ("replicates", "flagged", "ce on digits,epochs=3/symmetric-0.4 lacks 0: was a replicate left out?")
    ]


def numbered(result, *replicates):
    return [replace(result, replicate=number, key=f"{result.label} {number}") for number in replicates]


def test_a_gap_in_its_own_replicates_is_flagged_and_fewer_than_others_noted_once(results):
    some = {label: numbered(results[label, 0], 0, 1, 2) for label in ("ce", "co_teaching", "gce + early_stopping")}
    held = [*numbered(results["gce", 0], *range(5)), *(run for runs in some.values() for run in runs)]
    assert across(held, {}) == {}
    assert [(where, note.state, note.detail) for where, note in fewer(held)] == [
        (
            "digits,epochs=3/symmetric-0.4, track default",
            "note",
            "ce, co_teaching and 1 more have replicates 0-2 of 0-4",
        )
    ]
    gap = numbered(results["ce", 0], 0, 1, 4)
    found = across([*gap, *held[:5]], {})
    assert [f.detail.partition(" lacks ")[2] for place in found.values() for f in place] == [
        "2, 3: was a replicate left out?"
    ] * 3
    assert fewer([*gap, *held[:5]]) == [], "what is flagged is not noted too"


def test_a_note_flags_no_result(results):
    found = verified([run for name, run in results.items() if name != ("ce", 1)], None)
    assert [(row["state"], row["detail"]) for row in rows(found)] == [("note", "ce has replicate 0 of 0-1")]
    assert sentence(found).startswith("7 of 7 verify. What this proves")


def test_of_two_precisions_each_has_replicates_of_its_own(results):
    rounded = replace(results["ce", 0], key="b", identity=results["ce", 0].identity | {"precision": "bf16"})
    assert across([results["ce", 0], results["gce", 0], rounded], {}) == {}
    assert across([results["ce", 1], rounded], {})[0][0].detail.endswith("lacks 0: was a replicate left out?")


def test_a_replicate_under_another_spelling_is_not_missing(results):
    spelled = [
        replace(run, label="gce(q=0.70)") if (run.label, run.replicate) == ("gce", 1) else run
        for run in results.values()
    ]
    assert across(spelled, {}) == across([*results.values()], {})


def test_two_results_of_one_replicate_are_flagged(results):
    ce = results["ce", 0]
    other = rekeyed(replace(bent(ce, dataset={"fingerprint": "ab"})))
    found = verified([ce, other], None)
    assert [f.detail for f in found[0].findings if f.state == "flagged"] == [
        "there are 2 results of one method, setting and replicate; boards count the last"
    ]


@pytest.mark.slow
def test_no_record_makes_a_traceback(results):
    """Values of every wrong kind in every place of a record: a finding, or a record that is not read."""
    ce = results["co_teaching", 0]
    wrongs = (None, -1, 1e308, "x", [], {}, [[]], True)
    places = [("identity", part, name) for part in ce.identity for name in ce.identity[part]]
    places += [("identity", part) for part in ce.identity] + [("cost", name) for name in ce.cost]
    for place in places:
        for wrong in wrongs:
            if place[0] == "cost":
                changed = replace(ce, cost=ce.cost | {place[1]: wrong})
            elif len(place) == 2:
                changed = replace(ce, identity=ce.identity | {place[1]: wrong})
            else:
                changed = bent(ce, **{place[1]: {place[2]: wrong}})
            (found,) = verified([changed], None)
            assert all("\n" not in finding.detail for finding in found.findings)
            assert found.state != "ok" or changed == ce or place[-1] in UNCHECKED, (place, wrong)


@pytest.mark.slow
@pytest.mark.realdata("ylecun/mnist")
def test_shipped_results_verify(data_dir: Path):
    from lnlbench.leaderboard.shipped import shipped

    found = verified(shipped(suites=["mnist-fast"], methods=["ce", "gce", "dal"], predictions=True), data_dir)
    assert rows(found) == [] and len(found) == 18


def test_the_page_ends_its_tables_with_what_is_proved_and_what_is_not():
    page = " ".join(PAGE.read_text().replace("\n> ", "\n").split())
    assert PROVED in page and "What it does not: " in PROVED
