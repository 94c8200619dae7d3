"""The random numbers of hooks: what they are functions of."""

import pytest
import torch

from lnlbench.benchmark.engine.hook_draws import DrawError, Draws, Handed, Request

CPU = torch.device("cpu")


def drawn(step, *names, steps=5):
    draws = Draws(steps, CPU, *names)
    draws.at(step)
    return draws.uniform([4]), draws.normal([2, 3]), draws.integers(7, [5])


def test_ranges_types_and_shapes():
    draws = Draws(2000, CPU, "test")
    rows = []
    for step in range(2000):
        draws.at(step)
        rows.append((draws.uniform([4]), draws.normal([2, 3]), draws.integers(7, [5])))
    uniform, normal, integers = (torch.stack(row) for row in zip(*rows, strict=True))
    assert uniform.shape == (2000, 4) and uniform.dtype == torch.float32
    assert uniform.min() >= 0 and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.02
    assert normal.shape == (2000, 2, 3) and abs(normal.mean()) < 0.05 and abs(normal.var() - 1) < 0.08
    assert integers.dtype == torch.int64
    assert ((integers.flatten().bincount(minlength=7) - 10000 / 7).abs() < 200).all() and integers.max() == 6


@pytest.mark.parametrize(
    ("step", "names", "same"),
    [
        pytest.param(3, (0, 1), True, id="the same"),
        pytest.param(2, (0, 1), False, id="another step"),
        pytest.param(3, (0, 2), False, id="another epoch"),
        pytest.param(3, (1, 1), False, id="another replicate"),
    ],
)
def test_numbers_are_functions_of_names_and_step(step, names, same):
    found = zip(drawn(3, 0, 1), drawn(step, *names), strict=True)
    assert [torch.equal(a, b) for a, b in found] == [same] * 3


def test_steps_that_were_left_out_change_nothing():
    every, some = Draws(6, CPU, 0), Draws(6, CPU, 0)
    rows = []
    for step in range(6):
        every.at(step)
        rows.append(every.uniform([3]))
    some.at(4)
    assert torch.equal(some.uniform([3]), rows[4])


def test_numbers_are_drawn_again_and_others_go_on_behind_them():
    draws = Draws(4, CPU, 0)
    draws.at(1)
    draws.uniform([3])
    place = draws.position
    second, third = draws.uniform([3]), draws.uniform([3])
    with draws.again(place):
        assert torch.equal(draws.uniform([3]), second)
    assert not torch.equal(draws.uniform([3]), third)
    draws.at(1)
    assert not torch.equal(draws.uniform([3]), second)


def begun():
    """Numbers of a later step than the first, whose first draw is known, of an epoch and of one step of a stack."""
    draws = Draws(4, CPU, 0)
    draws.uniform([3])
    draws.at(1)
    return [draws, Handed([torch.zeros(3)], [Request("uniform", ((3,),))])]


@pytest.mark.parametrize("numbers", begun(), ids=["of an epoch", "of a step"])
def test_a_draw_that_another_step_did_not_ask_for_is_refused(numbers):
    message = r"draw 1 of a step was uniform\(\(3,\)\) before, and is normal\(\(3,\)\) now"
    with pytest.raises(DrawError, match=message):
        numbers.normal([3])
    with pytest.raises(DrawError, match=r"uniform\(\(4,\)\) now"):
        numbers.uniform([4])
    assert numbers.uniform([3]).shape == (3,)


def test_the_global_state_is_neither_read_nor_changed():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = drawn(0, "x")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert all(torch.equal(a, b) for a, b in zip(first, drawn(0, "x"), strict=True))
