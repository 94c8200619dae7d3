"""PES: the network is stopped early, its later stages anew and earlier; then it is trained on what it confirms."""

import torch
from torch import Tensor

from lnlbench.methods._epochs import NEAR, Number, whole_epochs
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Record, Task, tuned


@register("pes")
class PES(Method):
    """Progressive early stopping: three phases, each shorter than the one before, then confident samples alone.

    The whole network is trained for T₁ epochs; the stages deeper than `split` are re-initialised and trained for T₂
    with the others frozen; so is the head alone, for T₃. From then on the whole network is trained on the samples whose
    given label it predicts, as determined before each epoch, weighted by class: w_c = n̄ / n_c, n_c of the n confident
    samples in class c, n̄ their mean over the classes that have any. Phases last whole epochs, rounded up.

    Source: Bai et al., "Understanding and Improving Early Stopping for Learning with Noisy Labels", NeurIPS 2021,
    algorithm 1 without its semi-supervised part; of the 200 epochs of its code T₁ is 25 (CIFAR-100: 30), T₂ 7, T₃ 5
    (its script: 7), and what is re-initialised is the last of a ResNet's four layers, with the head. Differences: T₂
    and T₃ are part of the training length, to which the code adds them; optimiser and schedule are always those of the
    setting, in the code Adam at 1e-4 for the second and third phase; after these the whole network is trained, as in
    algorithm 1, in the code all but what was re-initialised, whose new tensors its optimiser does not hold: they stay
    as Adam left them; confident samples are those of one prediction without augmentation, in the code of the mean
    softmax of two augmented views.
    """

    paper = Paper(
        "Understanding and Improving Early Stopping for Learning with Noisy Labels",
        "Yingbin Bai, Erkun Yang, Bo Han, Yanhua Yang, Jiatong Li, Yinian Mao, Gang Niu, Tongliang Liu",
        "NeurIPS",
        2021,
        arxiv="2106.15853",
        code="https://github.com/tmllab/PES",
    )
    family = "stopping"

    revision = 2  # the first counted blocks, of which a ResNet-34 has more in the same four layers

    whole: float = tuned(0.125, 0.05, 0.5, valid=(0.0, 1.0), many=0.15, origin="code", costs=True)
    later: float = tuned(0.035, 0.01, 0.2, valid=(0.0, 1.0), origin="code", costs=True)
    head: float = tuned(0.025, 0.01, 0.2, valid=(0.0, 1.0), origin="code", costs=True)
    split: float = tuned(0.7, 0.3, 0.9, valid=(0.0, 1.0), origin="code")

    def start(self, task: Task) -> dict[str, Tensor]:
        given = task.targets.bool().expand(task.networks, -1, -1)
        return {"given": given.clone(), "confident": task.targets.new_ones(given.shape[:2])}

    def renew(self, depth: Tensor, clock: Clock) -> Tensor:
        first, second, third = self.ends(clock.epochs)
        later = (clock.epoch == first) & (first < second) & self.deep(depth)
        return later | (clock.epoch == second) & (second < third) & (depth >= 1)

    def freeze(self, depth: Tensor, clock: Clock) -> Tensor:
        first, second, third = self.ends(clock.epochs)
        earlier = (first <= clock.epoch) & (clock.epoch < second) & ~self.deep(depth)
        return earlier | (second <= clock.epoch) & (clock.epoch < third) & (depth < 1)

    def due(self, epoch: int, epochs: int) -> bool:
        return bool(epoch >= self.ends(float(epochs))[2])

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        given = record.memory["given"]  # [K, N, C]
        agree = given.gather(-1, record.prediction.long().unsqueeze(-1)).to(record.loss.dtype)
        counts = (given * agree).sum(-2, keepdim=True)  # [K, 1, C]
        mean = counts.sum(-1) / (counts > 0).sum(-1).clamp(min=1)
        return {"confident": (given * agree * mean.unsqueeze(-1) / counts.clamp(min=1)).sum(-1)}

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        early = clock.epoch < self.ends(clock.epochs)[2]
        return torch.where(early, torch.ones_like(losses), batch.memory["confident"].to(losses.dtype))

    def deep(self, depth: Tensor) -> Tensor:
        """Return which parameters are trained in the second phase; those of the head always are."""
        return (depth > self.split + NEAR) | (depth >= 1)

    def ends(self, epochs: Number) -> tuple[Number, Number, Number]:
        """Return the epochs at which the phases end."""
        first = whole_epochs(self.whole, epochs)
        second = first + whole_epochs(self.later, epochs)
        return first, second, second + whole_epochs(self.head, epochs)
