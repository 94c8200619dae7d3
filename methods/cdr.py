"""CDR: only the weights that matter for the gradient are fitted to the labels, the others decay."""

from collections.abc import Callable

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Params, tuned

MATRICES = (2, 4)  # dimensions of what is judged: weights of linear layers and of convolutions


@register("cdr")
class CDR(Method):
    """Scale the gradient g of a weight w by 1 - τ where |g w| is in the largest share 1 - τ of its network, else by 0.

    All weight matrices and convolutions of a network are ranked together; biases and normalisation layers keep their
    gradients. The setting's weight decay applies to all parameters. τ is `forget` times the share of wrong labels,
    which the method is told.

    Source: Xia et al., "Robust early-learning: Hindering the memorization of noisy labels", ICLR 2021, eq. 4 to 7, with
    the factor 1 - τ of its code, which keeps share and factor constant. Differences: the decay is the setting's L2
    penalty, as in the code, not the paper's L1; paper and code take the epoch of the least error on noisy validation
    labels, which `cdr + early_stopping` reports; this method alone is ranked by its last under the rule `final`.
    """

    paper = Paper(
        "Robust early-learning: Hindering the memorization of noisy labels",
        "Xiaobo Xia, Tongliang Liu, Bo Han, Chen Gong, Nannan Wang, Zongyuan Ge, Yi Chang",
        "ICLR",
        2021,
        url="https://openreview.net/forum?id=Eql5b1_hTE4",
        code="https://github.com/xiaoboxia/CDR",
    )
    family = "optimisation"

    told = ("noise_rate",)

    forget: float = tuned(1.0, 0.5, 1.5, valid=(0.0, 10.0), origin="code")

    def gradient(self, grads_at: Callable[[Params], Params], params: Params, batch: Batch, clock: Clock) -> Params:
        kept = (1 - self.forget * batch.told["noise_rate"]).clamp(0.01, 1)
        return [critical(*network, kept) for network in zip(params, grads_at(params), strict=True)]


def critical(params: dict[str, Tensor], grads: dict[str, Tensor], kept: Tensor) -> dict[str, Tensor]:
    """Return the gradients of one network, with those of its least critical weights, a share 1 - `kept`, set to zero.

    Args:
        params: the parameters of one network.
        grads: their gradients.
        kept: the share of critical weights, also the factor of their gradients, [].
    """
    size = {name: (params[name].detach() * g).abs() for name, g in grads.items() if g.ndim in MATRICES}
    if not size:
        return grads
    ordered = torch.cat([x.flatten() for x in size.values()]).sort(descending=True).values
    last = (kept * len(ordered)).floor().clamp(1, len(ordered)).long() - 1
    least = ordered.gather(0, last.view(1))
    return {n: torch.where(size[n] >= least, kept * g, 0.0) if n in size else g for n, g in grads.items()}
