"""bf16 on a processor without it: the same rounding as autocast's, in kernels that are fast there."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lnlbench.benchmark.engine import rounding
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.models import build

CPU = torch.device("cpu")
SHAPES = {"mlp": (1, 28, 28), "cnn_folded_small": (3, 32, 32)}


@pytest.fixture
def no_bf16(monkeypatch):
    """A processor that lacks the instructions."""
    monkeypatch.setattr(rounding, "has_bf16", lambda device: False)


def passed(name, context):
    """Return logits and gradients of a network, its inputs and labels drawn anew."""
    torch.manual_seed(0)
    inputs, labels = torch.randn(32, *SHAPES[name]), torch.randint(10, (32,))
    model = build(name, 10, SHAPES[name], 0)
    with context:
        logits = model(inputs)
    assert logits.dtype == (torch.float32 if context is EXACT else torch.bfloat16)
    grads = torch.autograd.grad(F.cross_entropy(logits.float(), labels), list(model.parameters()))
    return logits.float().detach(), torch.cat([grad.flatten() for grad in grads])


EXACT = torch.autocast("cpu", torch.bfloat16, enabled=False)


def apart(ours, theirs):
    """Return how far logits and gradients lie apart, as shares of their norms."""
    return [float((one - other).norm() / other.norm()) for one, other in zip(ours, theirs, strict=True)]


@pytest.mark.parametrize("name", SHAPES)
def test_networks_compute_what_autocast_computes(name, no_bf16):
    """Closer to autocast than to fp32: what differs is the order of sums, not what is rounded."""
    ours = passed(name, rounding.autocast(CPU))
    theirs = passed(name, torch.autocast("cpu", torch.bfloat16))
    exact = passed(name, EXACT)
    for close, far in zip(apart(ours, theirs), apart(exact, theirs), strict=True):
        assert close < far / 2
        assert close < 0.1


def test_a_product_is_rounded_once_at_its_end(no_bf16):
    x, weight = (torch.randn(40, 300, dtype=torch.float64).bfloat16() for _ in range(2))
    with rounding.autocast(CPU):
        found = F.linear(x.float(), weight.float())
    expected = (x.double() @ weight.double().T).bfloat16()
    assert found.dtype == torch.bfloat16 and (found != expected).float().mean() < 0.01
    assert torch.allclose(found.float(), expected.float(), rtol=2**-7)


def test_gradients_are_rounded_as_autocast_rounds_them(no_bf16):
    layer, x = nn.Linear(300, 40), torch.randn(64, 300, requires_grad=True)
    with rounding.autocast(CPU):
        layer(x).float().square().sum().backward()
    for grad in (x.grad, layer.weight.grad):
        assert grad.dtype == torch.float32 and torch.equal(grad, grad.bfloat16().float())


def test_what_is_no_float_stays_as_it_is(no_bf16):
    q, mask = torch.randn(1, 2, 5, 8), torch.ones(5, 5, dtype=torch.bool).tril()
    with rounding.autocast(CPU):
        found = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
        exact = torch.softmax(q, -1)
    assert found.dtype == torch.bfloat16 and exact.dtype == torch.float32
    assert torch.allclose(found.float(), F.scaled_dot_product_attention(q, q, q, attn_mask=mask), atol=0.02)


def test_nothing_is_left_of_it_afterwards(no_bf16):
    x = torch.randn(4, 300)
    with rounding.autocast(CPU), pytest.raises(RuntimeError):
        F.linear(x, torch.randn(3, 7))
    assert not torch.is_autocast_enabled("cpu") and F.linear(x, x).dtype == torch.float32


@pytest.mark.parametrize(("told", "kernels"), [(False, "fp32"), (True, "bf16")])
def test_a_record_can_tell_how_products_were_computed(told, kernels, monkeypatch):
    for module in ("rounding", "device"):
        monkeypatch.setattr(f"lnlbench.benchmark.engine.{module}.has_bf16", lambda device: told)
    assert Compute(CPU, "bf16").kernels == kernels
    assert Compute(CPU, "fp32").kernels == "fp32" and Compute(CPU, "fp64").kernels == "fp64"


def test_it_goes_by_the_processors_instructions_alone(monkeypatch):
    for found, expected in ({"amx_bf16": True}, True), ({"avx512_f": True, "avx512_bf16": False}, False), ({}, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        rounding.has_bf16.cache_clear()
        assert rounding.has_bf16(CPU) is expected
    assert rounding.has_bf16(torch.device("cuda"))
    monkeypatch.undo()
    rounding.has_bf16.cache_clear()
