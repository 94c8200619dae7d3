"""Co-teaching+: two networks that teach each other what is easy among the samples on which they disagree."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, tuned
from lnlbench.methods.small_loss import SmallLoss, smallest


@register("co_teaching_plus")
class CoTeachingPlus(SmallLoss):
    """Of the n samples of a batch that the networks predict differently, each trains on the other's ⌈R(t) n⌉ easiest.

    R(t) is that of `small_loss`. During `warmup` all samples of the batch count as different, which is co-teaching. A
    batch without disagreement trains neither network.

    Source: Yu et al., "How does Disagreement Help Generalization against Label Corruption?", ICML 2019, algorithm 1,
    with the first form of λ(e). The warm-up is from its code: 20 of 200 epochs on CIFAR-10, 5 on CIFAR-100, none on
    MNIST. Differences: this is the paper's loss, where the code, once the networks disagree, feeds softmax outputs into
    cross-entropy as if they were logits (the gradients differ in direction, and its losses lie within 1 of each other);
    the code trains on all of a batch without disagreement while epoch × step is below 5,000; optimiser and schedule are
    those of the setting; the loss is divided by the number of kept samples only once.
    """

    paper = Paper(
        "How does Disagreement Help Generalization against Label Corruption?",
        "Xingrui Yu, Bo Han, Jiangchao Yao, Gang Niu, Ivor Tsang, Masashi Sugiyama",
        "ICML",
        2019,
        arxiv="1901.04215",
        code="https://github.com/bhanML/coteaching_plus",
    )

    networks = 2

    warmup: float = tuned(0.1, 0.0, 0.5, valid=(0.0, 1.0), many=0.025, origin="code")

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        predicted = logits[:, : losses.shape[-1]].argmax(-1)  # [2, B]; further rows are other views of these samples
        counts = (predicted != predicted.flip(0)) | (clock.progress < self.warmup)
        share = self.share(batch, clock) * counts.to(losses.dtype).mean(-1, keepdim=True)
        return smallest(torch.where(counts, losses, torch.inf), share).flip(0)
