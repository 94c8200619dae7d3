"""Sample selection: train on the part of each batch that has the smallest loss."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("small_loss")
class SmallLoss(Method):
    """Keep the share R(t) = 1 - τ min((t / T_k)^c, 1) of the batch, ⌈R B⌉ samples; t is the epoch from 0.

    Source: Han et al., "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels", NeurIPS
    2018, algorithm 1, with one network. τ is `forget` times the share of wrong labels, which the method is told; T_k
    (`ramp`) is a share of the training length: the paper's 10 of 200 epochs. Differences: for c other than 1 the ramp
    is (t / T_k)^c, in the paper t^c / T_k with t in epochs, which cannot be expressed in shares of the training length,
    and in its code linear up to τ^c; c is not searched. Over ten epochs this method steps by τ / 10, the code by τ / 9,
    and the code trains from its second rate on: its first epoch drops τ / 9 and its ninth τ, here 0 and 0.8 τ. It keeps
    ⌊R B⌋ samples. Of a training of 20 epochs the ramp is one, of 10 or 15 less, so that the second epoch drops τ.
    """

    paper = Paper(
        "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels",
        "Bo Han, Quanming Yao, Xingrui Yu, Gang Niu, Miao Xu, Weihua Hu, Ivor Tsang, Masashi Sugiyama",
        "NeurIPS",
        2018,
        arxiv="1804.06872",
        code="https://github.com/bhanML/Co-teaching",
    )
    family = "selection"

    told = ("noise_rate",)

    forget: float = tuned(1.0, 0.5, 1.5, valid=(0.0, 10.0), origin="paper")
    ramp: float = tuned(0.05, 0.02, 0.3, valid=(1e-6, 1.0), origin="paper")
    exponent: float = tuned(1.0, valid=(0.1, 10.0), origin="paper")

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return smallest(losses, self.share(batch, clock))

    def share(self, batch: Batch, clock: Clock) -> Tensor:
        """Return R(t) []."""
        return keep_rate(batch.told["noise_rate"] * self.forget, clock.progress / self.ramp, self.exponent)


def keep_rate(forget: Tensor, ramp: Tensor, exponent: Tensor | float) -> Tensor:
    """Return R = 1 - τ min(ramp^c, 1), but at least 1 %."""
    return (1 - forget * (ramp**exponent).clamp(max=1)).clamp(min=0.01)


def smallest(losses: Tensor, share: Tensor) -> Tensor:
    """Return weight 1 for the ⌈share · B⌉ smallest losses of each row [K, B], 0 for the others."""
    # Float32 noise must not lift an exact R·B, 0.8 · 160 say, over the next integer.
    return (ranks(losses) < share * losses.shape[-1] - 1e-3).to(losses.dtype)


def ranks(losses: Tensor) -> Tensor:
    """Return the rank of each loss in its row [..., B], from 0; the earlier wins a tie, and NaN comes last."""
    return losses.argsort(dim=-1, stable=True).argsort(dim=-1)
