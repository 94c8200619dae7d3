"""Making a stored run again: the same to the bit here, within a band elsewhere, and what no rounding explains."""

from dataclasses import replace

import numpy as np
import pytest

from lnlbench.benchmark.verification.likeness import DIFFERS, IDENTICAL, WITHIN, Reproduction
from lnlbench.benchmark.verification.reproduce import ReproductionError, reproduce, run_of
from lnlbench.leaderboard.results.predictions import pack, unpack
from lnlbench.methods._errors import MethodError


@pytest.mark.slow
@pytest.mark.parametrize("label", ["gce", "gce + early_stopping", "co_teaching"])
def test_a_run_is_made_again_to_the_bit(results, label, tmp_path):
    found = reproduce(results[label, 1])
    assert (found.outcome, found.rounded, found.elsewhere) == (IDENTICAL, (), ())
    assert found.sentence.startswith("identical: key, identity, curves of ")
    assert not (tmp_path / "home").exists(), "nothing is stored"


def moved(result, images, epochs=slice(None)):
    """The result with other predictions of so many test images in some epochs, and the accuracies that they have."""
    array = unpack(result.predictions)
    array[epochs, :, :images] = (array[epochs, :, :images] + 1) % result.classes
    shifted = [value - images / array.shape[2] / 2 for value in result.curves["test_accuracy"]]
    return replace(result, predictions=pack(array), curves=result.curves | {"test_accuracy": shifted})


@pytest.fixture
def held(results):
    """Holds what a change makes of a result against the result, as if that had been made again."""
    result = results["ce", 0]
    return lambda change: Reproduction(change(result), result)


def test_a_few_predictions_are_within_the_band_and_many_are_not(held):
    few, many = held(lambda result: moved(result, 6)), held(lambda result: moved(result, 200))
    assert (few.outcome, many.outcome) == (WITHIN, DIFFERS)
    assert set(few.rounded) == {"test_accuracy", "predictions"} and few.moved == pytest.approx(6 / 360)
    assert few.sentence.startswith("within the band: ") and f"final ± {few.bands['final']:.2f}" in few.sentence
    assert many.sentence.startswith("differs in ") and "final" in many.sentence


def test_the_band_is_in_standard_errors_of_the_test_accuracy(held):
    found = held(lambda result: result)
    accuracy = found.made.curves["test_accuracy"][-1]
    error = 100 * np.sqrt(accuracy * (1 - accuracy) / 360)
    validation = np.mean(found.made.curves["validation_accuracy"])
    own = 100 * np.sqrt(validation * (1 - validation) / 144)
    wide = {"mean10": 4 * error, "final": 8 * error, "noisy_val": 10 * error, "validation": 6 * own}
    assert found.bands == pytest.approx(wide)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"networks": 2}, "networks: 2, made again 1", id="networks"),
        pytest.param({"key": "ab" * 16}, "key: ", id="key"),
        pytest.param({"diverged": True}, "diverged: True, made again False", id="diverged"),
        pytest.param({"identity": "noise"}, "identity's noise's labels_sha256 is 'ab'", id="labels"),
    ],
)
def test_no_rounding_explains_another_identity(held, change, fault):
    def changed(result):
        if "identity" in change:
            return replace(
                result, identity=result.identity | {"noise": result.identity["noise"] | {"labels_sha256": "ab"}}
            )
        return replace(result, **change)

    found = held(changed)
    assert found.outcome == DIFFERS and fault in found.sentence


def test_a_record_of_before_the_versions_of_files_is_the_same_run(results):
    result = results["ce", 0]
    assert Reproduction(result, replace(result, identity=result.identity | {"sources": ["ab"]})).outcome == IDENTICAL


def curved(name, change):
    """A change of one curve."""
    return lambda run: replace(run, curves=run.curves | {name: [change(value) for value in run.curves[name]]})


@pytest.mark.parametrize(
    ("forged", "outcome", "rounded"),
    [
        pytest.param(lambda run: moved(run, 150), DIFFERS, "predictions", id="invented predictions"),
        pytest.param(
            curved("validation_accuracy", lambda v: 1 - v / 4), DIFFERS, "validation_accuracy", id="validation"
        ),
        pytest.param(
            curved("validation_accuracy", lambda v: v + 1 / 144), WITHIN, "validation_accuracy", id="a little"
        ),
        pytest.param(curved("objective", lambda v: v / 2), WITHIN, "objective", id="losses"),
        pytest.param(curved("seconds_train", lambda v: v / 2), IDENTICAL, "", id="seconds"),
        pytest.param(lambda run: replace(run, environment={"hardware": "H"}), IDENTICAL, "", id="hardware"),
    ],
)
def test_what_verify_cannot_notice(held, forged, outcome, rounded):
    found = held(forged)
    assert (found.outcome, rounded in " ".join(found.rounded)) == (outcome, True)


def test_what_is_not_as_it_was_is_named(held):
    found = held(lambda result: replace(moved(result, 1), environment=result.environment | {"torch": "2.0"}))
    assert found.elsewhere[0].startswith("torch 2.0, here ")
    assert found.why == "other software or hardware"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        pytest.param({"replicate": 7}, ReproductionError, "its replicate is 0, and here 7", id="replicate"),
        pytest.param({"method": "gce(q=0.5)"}, ReproductionError, "cannot be made again", id="method"),
        pytest.param({"method": "ce_sr(revision=1)"}, MethodError, "revision", id="an older formula"),
        pytest.param({"identity": {}}, ReproductionError, "does not read", id="no identity"),
        pytest.param({"identity": {"setting": {"x": 1}}}, ReproductionError, "does not read", id="another recipe"),
        pytest.param({"method": "theirs"}, MethodError, "unknown method 'theirs'.*--plugin$", id="unknown method"),
    ],
)
def test_what_cannot_be_made_again_is_said(results, change, error, message):
    with pytest.raises(error, match=message):
        run_of(replace(results["ce", 0], **change))


def test_a_file_without_predictions_can_be_reproduced(held):
    found = held(lambda result: replace(result, predictions=""))
    assert found.outcome == IDENTICAL and found.sentence.endswith("it has no predictions")
