"""JoCoR against its formula, written with torch's own divergence."""

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch


def reference(logits, labels, lam):
    first, second = logits
    divergence = functional.kl_div(
        second.log_softmax(-1), first.log_softmax(-1), log_target=True, reduction="none"
    ) + functional.kl_div(first.log_softmax(-1), second.log_softmax(-1), log_target=True, reduction="none")
    supervised = sum(functional.cross_entropy(z, labels, reduction="none") for z in logits)
    return (1 - lam) * supervised + lam * divergence.sum(-1)


@pytest.mark.parametrize("lam", [0.5, 0.85, 1.0])
def test_the_two_rows_add_up_to_the_joint_loss_and_its_gradient(at_work, clock_at, lam):
    logits = (2 * torch.randn(2, 32, 10, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(10, (32,))
    batch = Batch(torch.zeros(32, 1), functional.one_hot(labels, 10).double(), torch.arange(32), {})
    found = at_work(f"jocor(lam={lam})").loss(logits, batch, clock_at(50))
    expected = reference(logits, labels, lam)
    torch.testing.assert_close(found.sum(0), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(found[0], found[1]), "both networks must select the same samples"
    gradients = [torch.autograd.grad(x.sum(), logits, retain_graph=True)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_both_networks_train_on_the_same_small_losses(at_work, clock_at):
    losses = torch.rand(64, dtype=torch.float64).expand(2, -1)
    batch = Batch(None, None, None, {}, {"noise_rate": torch.tensor(0.5)})
    weights = at_work("jocor(forget=0.5)").select(losses, losses, batch, clock_at(50))
    assert torch.equal(weights[0], weights[1])
    assert weights[0].sum() == 48
    assert losses[weights == 1].max() < losses[weights == 0].min()
