"""What is searched: every declared range, learning rate and weight decay for all, nothing that the user wrote."""

import optuna
import pytest

from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.tuning.optuna_search import distribution
from lnlbench.benchmark.tuning.space import LEARNING_RATE, WEIGHT_DECAY, Space, rounded, written
from lnlbench.methods import MethodError, methods, parse

DIGITS, ADAM = setting("digits/symmetric-0.4"), setting("mnist/symmetric-0.4")


def space(text, at=DIGITS):
    return Space(parse(text), at, text)


@pytest.mark.parametrize("name", methods())
def test_every_method_is_searched_in_its_own_ranges_and_in_those_of_all(name):
    ranges = space(name).ranges
    assert list(ranges)[:2] == ["lr", "weight_decay"]
    declared = {
        f"{name}.{field}" for field, span in methods()[name].space().items() if span.low is not None or span.choices
    }
    assert set(ranges) == {"lr", "weight_decay"} | declared


@pytest.mark.parametrize("name", methods())
def test_the_defaults_lie_in_the_ranges_and_make_a_method(name):
    one = space(name)
    method, recipe = one.apply(one.defaults)
    assert str(method) == str(parse(name))
    assert recipe.name == DIGITS.name and recipe.lr == DIGITS.lr
    assert recipe.weight_decay == WEIGHT_DECAY.low, "none is outside of the range"


@pytest.mark.parametrize("name", ["taylor_ce", "label_wave", "nlnl"])
def test_what_a_search_suggests_for_a_whole_number_is_one(name, tmp_path):
    one, storage = space(name), f"sqlite:///{tmp_path / 'searches.db'}"
    spans = {value: distribution(span) for value, span in one.ranges.items()}
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        asked = study.ask(spans).params
        method, _ = one.apply(asked)
        assert str(parse(str(method))) == str(method)
        study.enqueue_trial(asked)  # as the first, of the defaults, is


def test_a_composition_has_the_ranges_of_its_parts():
    assert {"dal.q_s", "sam.rho", "lr", "weight_decay"} <= set(space("dal + sam").ranges)


def test_what_is_written_stays():
    one = space("gce(q=0.5) + sam")
    assert "gce.q" not in one.ranges and "sam.rho" in one.ranges
    method, _ = one.apply({"lr": 0.1, "sam.rho": 0.2})
    assert "gce(q=0.5)" in str(method) and "rho=0.2" in str(method)
    assert written("gce(q=1e+0) + sam") == {("gce", "q")}


def test_adam_has_a_range_of_its_own():
    assert space("ce", ADAM).ranges["lr"] == LEARNING_RATE["adam"] != LEARNING_RATE["sgd"]


def test_values_have_four_digits():
    assert rounded(0.0123456) == 0.01235 and rounded(3) == 3 and rounded("soft") == "soft"


def test_an_unknown_value_is_refused():
    with pytest.raises(MethodError, match=r"no value 'gce\.k' to search"):
        space("gce").apply({"gce.k": 1.0})
