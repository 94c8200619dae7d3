"""Clean validation: the same rule, on accuracies that only a method gets which declares it."""

import pytest
import torch

from lnlbench.benchmark import Job, Split, train
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.methods import History, MethodError, parse


def test_waits_for_the_clean_accuracy():
    history = History(10, [0.1, 0.2, 0.3], [1.0] * 3, (), [0.1, 0.5, 0.4])
    assert parse("clean_early_stopping(patience=0.1)").stop(history)
    assert parse("clean_early_stopping").report(history) == 1
    assert parse("early_stopping").report(history) == 2


def test_says_what_it_is_told_and_its_host_is_told_nothing():
    method = parse("ce + clean_early_stopping")
    assert method.told == ("clean_validation",)
    assert method.host.told == ()


def test_a_history_without_true_labels_is_refused():
    with pytest.raises(MethodError, match="needs the clean validation accuracy"):
        parse("clean_early_stopping").report(History(10, [0.5], [1.0]))


@pytest.mark.parametrize("execution", ["loop", "stack"])
def test_in_training_only_a_method_that_declares_it_sees_true_labels(execution):
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (110, 1, 8, 8), generator=source).to(torch.uint8)
    given, true = torch.randint(10, (2, 110), generator=source)
    split = Split(images[:90], given[:90], images[90:], given[90:], 10, (0.3,), (0.4,), {"test": images[90:]})
    recipe = setting("digits/clean").override(epochs=2)
    for text, told in (("ce", 0), ("clean_early_stopping(patience=1)", 2)):
        job = Job(recipe, parse(text), 0, split, {"clean_validation": true[90:]})
        *_, (_, last) = train([job], device="cpu", precision="fp64", execution=execution)
        assert len(last.history.clean_validation) == told
    accuracy = (last.validation_predictions == true[90:]).double().mean().item()
    assert last.history.clean_validation[-1] == pytest.approx(accuracy)
