"""Seeds from names: the same for ever, independent of each other."""

import itertools

import pytest
import torch

from lnlbench.benchmark.protocol.seeds import generator, seed


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("noise", 0), 6185220285475962008, id="noise"),
        pytest.param(("split", 1), 8381020054533099670, id="split"),
        pytest.param(("init", 0, 1), 4358394398178465394, id="init"),
    ],
)
def test_seeds_never_change(names, expected):
    assert seed(*names) == expected, "every stored run would be another one"


def test_seeds_are_different_63_bit_numbers():
    names = [
        ("noise", 1),
        ("noise", 11),
        ("noise", 1, 1),
        ("noise", "1", ""),
        ("split", 1),
        (1, "noise"),
        ("noise1",),
        (),
    ]
    seeds = [seed(*parts) for parts in names]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= value < 2**63 for value in seeds)
    many = [seed("x", i) for i in range(2000)]
    assert 0.45 < sum(value % 2 for value in many) / 2000 < 0.55
    assert 0.45 < sum(value >= 2**62 for value in many) / 2000 < 0.55


def test_a_number_and_its_text_are_one_name():
    assert seed("noise", 3) == seed("noise", "3")


def test_generators_do_not_depend_on_each_other_or_on_the_global_state():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    draws = {}
    for order in itertools.permutations(["a", "b", "c"]):
        for name in order:
            draws.setdefault(name, set()).add(torch.rand(3, generator=generator(name)).sum().item())
    assert all(len(values) == 1 for values in draws.values())
    assert len(set.union(*draws.values())) == 3
    assert torch.equal(torch.get_rng_state(), before)
