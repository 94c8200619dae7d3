"""Cross-entropy with sparse regularisation: predictions are drawn towards one class."""

from torch import Tensor

from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("ce_sr")
class SparseCE(Method):
    """L = CE + λ_t Σ_k p_k^{power}, both of p = softmax(z / τ); λ grows geometrically, to `growth` times its start.

    Source: Zhou et al., "Learning with Noisy Labels via Sparse Regularization", ICCV 2021, section 3.3, with the
    values of DAL's code (2023): λ times 1.02 per epoch, 20 over its 150 epochs.
    """

    temperature: float = tuned(0.5, 0.1, 1.0, log=True, valid=(1e-2, 10.0))
    power: float = tuned(0.01, 0.01, 1.0, log=True, valid=(1e-4, 1.0))
    lam: float = tuned(8.0, 0.1, 20.0, log=True, valid=(0.0, 1e3))
    growth: float = tuned(20.0, 1.0, 100.0, log=True, valid=(1.0, 1e4))

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        sharp = logits / self.temperature
        norm = (self.power * sharp.log_softmax(-1)).exp().sum(-1)
        return cross_entropy(sharp, batch.targets) + self.lam * self.growth**clock.progress * norm
