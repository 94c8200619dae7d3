"""Losses from 2023 on: linear in label weights, and the penalty of active negative losses.

Their values are compared with official codes in tests/benchmark/conformance/test_official.py.
"""

import pytest
import torch

from lnlbench.methods import Batch

LOSSES = [
    "focal", "logit_clip", "logit_clip(delta=2.5)", "ce_eps_mae", "nce_aul", "nce_ael", "nfl_rce", "nce_amse", "vce",
    "vce(alpha=10)", "vel", "anl_ce", "anl_fl",
]  # fmt: skip


@pytest.mark.parametrize("text", LOSSES)
def test_loss_is_linear_in_label_weights(text, at_work, clock_at):
    logits = torch.tensor([[[1.0, -0.5, 3.0, 0.0]]], dtype=torch.float64)

    def loss(targets):
        batch = Batch(torch.zeros(1, 1), torch.tensor([targets], dtype=torch.float64), torch.arange(1), {})
        return at_work(text).loss(logits, batch, clock_at()).item()

    both = 0.3 * loss([1, 0, 0, 0]) + 0.7 * loss([0, 0, 0, 1])
    assert loss([0.3, 0, 0, 0.7]) == pytest.approx(both, rel=1e-12)


@pytest.mark.parametrize("text", ["anl_ce(delta=0.1)", "anl_fl(delta=0.1)"])
def test_the_penalty_adds_the_sign_of_every_parameter(text, at_work):
    params = [{"w": torch.tensor([2.0, -3.0, 0.0]), "b": torch.tensor([-0.5])}]
    method = at_work(text)
    grads = method.gradient(lambda at: [{n: torch.ones_like(p) for n, p in at[0].items()}], params, None, None)
    assert grads[0]["w"].tolist() == pytest.approx([1.1, 0.9, 1.0])
    assert grads[0]["b"].tolist() == pytest.approx([0.9])


def test_a_clipped_prediction_keeps_its_direction_and_no_logit_is_lost_at_zero(at_work, clock_at):
    z = torch.zeros(1, 1, 3, dtype=torch.float64, requires_grad=True)
    batch = Batch(torch.zeros(1, 1), torch.eye(3, dtype=torch.float64)[:1], torch.arange(1), {})
    loss = at_work("logit_clip").loss(z, batch, clock_at())
    (gradient,) = torch.autograd.grad(loss.sum(), z)
    assert gradient.flatten().tolist() == pytest.approx([-2 / 3, 1 / 3, 1 / 3]), "below the bound: cross-entropy"
