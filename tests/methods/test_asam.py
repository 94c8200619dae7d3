"""ASAM is adaptive SAM, with radii of its own."""

import torch

from lnlbench.methods import parse


def test_is_sam_with_an_adaptive_neighbourhood(at_work):
    params = [{"a.weight": torch.randn(3, 4).double(), "a.bias": torch.randn(3).double()}]

    def bowl(at):
        return [{name: (1 + i) * w for i, (name, w) in enumerate(network.items())} for network in at]

    found, expected = (
        at_work(text).gradient(bowl, params, None, None)[0] for text in ("asam", "sam(rho=0.5, adaptive=True)")
    )
    for name in expected:
        assert torch.equal(found[name], expected[name])


def test_the_radius_depends_on_the_number_of_classes_alone():
    assert [parse("asam", classes).parts[0].rho for classes in (10, 100)] == [0.5, 1.0]
    assert parse("asam").parts[0].space()["rho"].high == 4.0
