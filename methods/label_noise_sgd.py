"""Label-noise SGD: fresh label flips at every step, as an implicit regulariser."""

from dataclasses import replace

import torch

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("label_noise_sgd")
class LabelNoiseSGD(Method):
    """Replace each label, at every step and with probability p, by one of the other C - 1 classes, drawn uniformly.

    The noise that the method adds is redrawn at each step, in addition to the fixed noise of the setting.

    Source: Damian, Ma and Lee, "Label Noise SGD Provably Prefers Flat Global Minimizers", NeurIPS 2021, algorithm 1;
    Blanc et al., "Implicit regularization for deep neural networks driven by an Ornstein-Uhlenbeck like process", COLT
    2020. The code of "On the Learning Dynamics of Two-layer Linear Networks with Label Noise SGD" (AAAI 2026) replaces
    a label with probability 0.5 by one of all C classes, its own among them: for ten classes that is p = 0.45 here.
    That code trains with the squared error, this method with cross-entropy.
    """

    paper = Paper(
        "Label Noise SGD Provably Prefers Flat Global Minimizers",
        "Alex Damian, Tengyu Ma, Jason D. Lee",
        "NeurIPS",
        2021,
        arxiv="2106.06530",
        code="https://github.com/adamian98/LabelNoiseFlatMinimizers",
    )
    family = "regularisation"

    p: float = tuned(0.1, 0.01, 0.3, log=True, valid=(0.0, 1.0), origin="ours")

    def perturb(self, batch: Batch, clock: Clock) -> Batch:
        count, classes = batch.targets.shape[-2:]
        flip = clock.random.uniform([count, 1]) < self.p
        shift = 1 + clock.random.integers(classes - 1, [count, 1])
        shifted = (torch.arange(classes, device=shift.device) - shift) % classes  # [B, C]: where each weight comes from
        moved = batch.targets.gather(-1, shifted.expand(batch.targets.shape))
        return replace(batch, targets=torch.where(flip, moved, batch.targets))
