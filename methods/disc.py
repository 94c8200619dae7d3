"""DISC: labels that views predict more confidently than usual are clean or hard; those they contradict are replaced."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._beta import symmetric_beta
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Predict, Task, cross_entropy, tuned
from lnlbench.methods.gce import box_cox

LEFT_OUT, CLEAN, HARD, PURIFIED = range(4)
HIGHEST = 0.9  # of the threshold above which a label is replaced


@register("disc")
class DISC(Method):
    """Assign samples to three sets, at each visit for the next one, by a threshold for each sample and view.

    τ ← m τ + (1 - m) max p, starting at 1/N. A sample is clean where p_y > τ in both views and hard where in one of
    them; it is purified where in neither and max (p + q)/2 > min(τ̄ + σ, 0.9), and then has the arg-max as its label.
    The loss is CE on clean samples + λ GCE on hard ones, both summed over the views and averaged over the whole batch,
    + CE on mixtures of the three sets within each view, with weights l = max(l', 1 - l'), l' ~ Beta(α, α). During the
    warm-up it is cross-entropy on both views. GCE has q = 0.7.

    Source: Li, Han, Shan and Chen, "DISC: Learning from Noisy Labels via Dynamic Instance-Specific Selection and
    Correction", CVPR 2023, and its code, with its values for CIFAR at symmetric rates up to 0.4; it has m = 0.95 under
    asymmetric noise and at higher rates, and λ = 0.2 at higher rates. Differences: the strong view is the benchmark's,
    in the code two of sixteen operations, each applied half of the time and at a random magnitude, and cutout of 0.15
    of the side; mixtures of all samples are computed, since the batch size is fixed, but only those of the sets count;
    BatchNorm sees them together with the views. In short trainings τ stays low, and most labels count as clean. The
    paper's own table of values was not available.
    """

    paper = Paper(
        "DISC: Learning From Noisy Labels via Dynamic Instance-Specific Selection and Correction",
        "Yifan Li, Hu Han, Shiguang Shan, Xilin Chen",
        "CVPR",
        2023,
        doi="10.1109/CVPR52729.2023.02305",
        code="https://github.com/JackYFL/DISC",
    )
    family = "selection"

    strong = 1

    momentum: float = tuned(0.99, 0.9, 0.999, valid=(0.0, 1.0), origin="code")
    sigma: float = tuned(0.5, 0.1, 0.8, valid=(0.0, 1.0), origin="code")
    lam_h: float = tuned(1.0, 0.1, 2.0, valid=(0.0, 100.0), origin="code")
    alpha: float = tuned(5.0, 0.5, 8.0, log=True, valid=(0.5, 100.0), origin="code")
    warmup: float = tuned(0.1, 0.05, 0.3, valid=(0.0, 1.0), origin="code")

    def start(self, task: Task) -> dict[str, Tensor]:
        size = task.networks, len(task.targets)
        return {
            "usual": task.targets.new_full((*size, 2), 1 / size[1]),  # τ of weak and strong view
            "set": torch.full(size, LEFT_OUT, device=task.targets.device),
            "label": task.targets.argmax(-1).repeat(task.networks, 1),
        }

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        chosen = batch.memory["set"]
        mixing = (chosen != LEFT_OUT) & (clock.progress >= self.warmup)  # [K, B]
        count, size = chosen.shape
        views = [batch.inputs, *batch.strong]
        rows = [view.expand(count, *view.shape) for view in views]
        targets = torch.where((chosen == PURIFIED).unsqueeze(-1), one_hot(batch.memory["label"], batch), batch.targets)
        mixed = []
        for view in views:
            drawn = symmetric_beta(clock.random.uniform([count, 1, 1]).to(targets.dtype), self.alpha)
            share = torch.maximum(drawn, 1 - drawn)
            partner = shuffled(mixing, clock.random.uniform([count, size]))
            wide = share.view(-1, *[1] * view.ndim).to(view.dtype)
            rows.append(torch.lerp(view[partner], view, wide))
            mixed.append(torch.lerp(targets.gather(1, partner.unsqueeze(-1).expand_as(targets)), targets, share))
        memory = {**batch.memory, "sort": chosen, "mixing": mixing, "mixed": torch.stack(mixed)}
        return replace(batch, inputs=torch.cat(rows, 1), memory=memory)

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        p = torch.stack(logits.chunk(4, dim=1)[:2], -1).softmax(-2)  # [K, B, C, 2]
        usual = batch.memory["usual"]
        surer = (p * batch.targets.unsqueeze(-1)).sum(-2) > usual  # [K, B, 2]
        best, label = p.mean(-1).max(-1)
        purified = best > (usual.mean(-1) + self.sigma).clamp(max=HIGHEST)
        chosen = torch.where(purified, PURIFIED, LEFT_OUT)
        chosen = torch.where(surer.any(-1), HARD, chosen)
        chosen = torch.where(surer.all(-1), CLEAN, chosen)
        return {"usual": torch.lerp(p.amax(-2), usual, self.momentum), "set": chosen, "label": label}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        *views, mixed_weak, mixed_strong = logits.chunk(4, dim=1)
        early = clock.progress < self.warmup
        of_views = sum(cross_entropy(view, batch.targets) for view in views)
        robust = sum((batch.targets * box_cox(view, 0.7)).sum(-1) for view in views)
        mixture = torch.stack([mixed_weak, mixed_strong])
        of_mixtures = cross_entropy(mixture, batch.memory["mixed"]).sum(0)
        clean, hard = ((batch.memory["sort"] == kind).to(logits.dtype) for kind in (CLEAN, HARD))
        mixing = batch.memory["mixing"].to(logits.dtype)
        shares = mixing * mixing.shape[-1] / mixing.sum(-1, keepdim=True).clamp(min=1)
        later = clean * of_views + self.lam_h * hard * robust + shares * of_mixtures
        return torch.where(early, of_views, later)


def one_hot(labels: Tensor, batch: Batch) -> Tensor:
    """Return labels [K, B] as one-hot weights [K, B, C], of the type of the batch's targets."""
    classes = torch.arange(batch.targets.shape[-1], device=labels.device)
    return (labels.unsqueeze(-1) == classes).to(batch.targets.dtype)


def shuffled(members: Tensor, uniform: Tensor) -> Tensor:
    """Return a partner [K, B] of each sample: a permutation of the members among themselves, and of the others.

    Args:
        members: bool [K, B].
        uniform: random numbers [K, B] in [0, 1), which determine the permutation.
    """
    others = (~members).to(uniform.dtype)
    place, drawn = others.argsort(dim=-1, stable=True), (others + uniform).argsort(dim=-1)
    return torch.empty_like(place).scatter(-1, place, drawn)
