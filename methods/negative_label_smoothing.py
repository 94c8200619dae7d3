"""Negative label smoothing: after a warm-up, the label's weight exceeds one and those of other classes are negative."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned
from lnlbench.methods.label_smoothing import smoothed


@register("negative_label_smoothing")
class NegativeLabelSmoothing(Method):
    """L = (1 - r) CE + r mean_k(-log p_k) with r < 0, after a share `warmup` of plain cross-entropy.

    The loss has no lower bound: logits grow as long as it is trained.

    Source: Wei et al., "To Smooth or Not? When Label Smoothing Meets Noisy Labels", ICML 2022, eq. 2. r = -0.2 after 2
    of 100 epochs as in its replication. Differences: the paper chooses r, down to -8, for each setting, and the
    authors' code starts its second phase from the best epoch of the first and runs it at a learning rate of 1e-6, where
    here the setting's schedule continues.
    """

    paper = Paper(
        "To Smooth or Not? When Label Smoothing Meets Noisy Labels",
        "Jiaheng Wei, Hangyu Liu, Tongliang Liu, Gang Niu, Masashi Sugiyama, Yang Liu",
        "ICML",
        2022,
        arxiv="2106.04149",
        code="https://github.com/UCSC-REAL/negative-label-smoothing",
    )
    family = "regularisation"

    smoothing: float = tuned(-0.2, choices=(-0.2, -0.4, -0.8, -1.0, -2.0, -4.0, -6.0), origin="other code")
    warmup: float = tuned(0.02, 0.01, 0.8, log=True, valid=(0.0, 1.0), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        sharpened = smoothed(batch.targets, self.smoothing)
        return cross_entropy(logits, torch.where(clock.progress < self.warmup, batch.targets, sharpened))
