"""Sharpness-aware minimisation: the gradient is taken where the loss is worst nearby."""

from collections.abc import Callable

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Params, tuned

TINY = 1e-12
ETA = 0.01  # the floor of ASAM's scale, so that small weights can move too


@register("sam")
class SAM(Method):
    """Step from ∇L(w + e) with e = ρ g / ‖g‖₂; one norm per network.

    With `adaptive`, e = ρ T² g / ‖T g‖₂ with T = |w| + 0.01 for weights and 1 for biases (ASAM).

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021, eq. 2;
    Kwon et al., "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks",
    ICML 2021, algorithm 1.
    """

    paper = Paper(
        "Sharpness-Aware Minimization for Efficiently Improving Generalization",
        "Pierre Foret, Ariel Kleiner, Hossein Mobahi, Behnam Neyshabur",
        "ICLR",
        2021,
        arxiv="2010.01412",
        code="https://github.com/google-research/sam",
    )
    family = "optimisation"

    rho: float = tuned(0.1, 0.01, 0.5, log=True, valid=(0.0, 10.0), origin="paper")
    adaptive: bool = False

    def gradient(self, grads_at: Callable[[Params], Params], params: Params, batch: Batch, clock: Clock) -> Params:
        grads = grads_at(params)
        return grads_at([self.worst(*network) for network in zip(params, grads, strict=True)])

    def worst(self, params: dict[str, Tensor], grads: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the parameters of one network, moved to where the loss is worst within ρ to first order."""
        scale = {
            n: p.detach().abs() + ETA if self.adaptive and n.endswith("weight") else 1.0 for n, p in params.items()
        }
        norm = torch.stack([(scale[n] * g).square().sum() for n, g in grads.items()]).sum().sqrt()
        step = self.rho / (norm + TINY)
        return {n: p.detach() + step * scale[n] ** 2 * grads[n] for n, p in params.items()}
