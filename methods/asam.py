"""Adaptive sharpness-aware minimisation: SAM whose neighbourhood grows with the weights."""

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import tuned
from lnlbench.methods.sam import SAM


@register("asam")
class ASAM(SAM):
    """SAM with e = ρ T² g / ‖T g‖₂, T = |w| + 0.01 for weights and 1 for biases, and its own range for ρ.

    Source: Kwon et al., "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural
    Networks", ICML 2021, algorithm 1; defaults of section 5.
    """

    paper = Paper(
        "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks",
        "Jungmin Kwon, Jeongseop Kim, Hyunseo Park, In Kwon Choi",
        "ICML",
        2021,
        arxiv="2102.11600",
        code="https://github.com/SamsungLabs/ASAM",
    )

    rho: float = tuned(0.5, 0.1, 4.0, log=True, valid=(0.0, 10.0), many=1.0, origin="paper")
    adaptive: bool = True
