"""Shared by all executions of a step: the objective, and the numbers of an epoch."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lnlbench.benchmark.engine.confident import NONE, confident_class
from lnlbench.benchmark.engine.job import Samples
from lnlbench.methods._errors import MethodError
from lnlbench.methods.base import History

EVALUATION_BATCH = {"cuda": 2000, "cpu": 100}
"""Images that are evaluated at once: on a CPU so few that they stay in its caches (`docs/performance.md`)."""
PROBE = 5000  # training samples, stratified by given label, of the exact diagnostics


def due(done: int, epochs: int) -> bool:
    """Say whether the exact diagnostics are due after so many epochs: 1, 2, 4, ... and the last."""
    return done == epochs or done & (done - 1) == 0


def weighted_mean(losses: object, weights: Tensor | None) -> Tensor:
    """Return Σ w ℓ / max(Σ w, 1) over the batch of each network: [K, B] to [K].

    Args:
        losses: whatever the method's `loss` returned.
        weights: of the samples [K, B], or none.

    Raises:
        MethodError: no tensor, losses of another shape, or losses from which there is no gradient.
    """
    if not isinstance(losses, Tensor):
        what = "None" if losses is None else f"no tensor but {type(losses).__name__}"
        raise MethodError(f"`loss` returns {what}: return the loss of each sample, a tensor [K, B]")
    if losses.dim() != 2:
        what = "one number" if losses.dim() == 0 else f"a tensor of shape {tuple(losses.shape)}"
        raise MethodError(f"`loss` returns {what}: return the loss of each sample, [K, B], and no mean of them")
    if not losses.requires_grad:  # a stack would train on a gradient of zeros
        raise MethodError("`loss` returns what does not depend on the logits, or was detached: there is no gradient")
    if weights is None:
        return losses.mean(-1)
    return (weights * losses).sum(-1) / weights.sum(-1).clamp(min=1)


def lengthened(past: History, validation: float, loss: float, changes: float, clean: float | None) -> History:
    """Return the history with one more epoch; `clean` is None where the method is told no true labels."""
    known = past.clean_validation if clean is None else (*past.clean_validation, clean)
    return History(past.epochs, (*past.validation, validation), (*past.loss, loss), (*past.changes, changes), known)


def answers_of(logits: Tensor, ensemble: bool) -> Tensor:
    """Return what is scored of logits [K, T, C]: themselves, or the log of their mean softmax [1, T, C]."""
    return logits.softmax(-1).mean(0, keepdim=True).log() if ensemble else logits


def loss_and_prediction(logits: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy against labels int64 [N] and arg-max of logits [K, N, C], each [K, N], on their device.

    Both are equal to those of `samples_of`, whose other numbers are not computed.
    """
    loss = -logits.log_softmax(-1).gather(-1, given.expand(len(logits), -1).unsqueeze(-1)).squeeze(-1)
    return loss, logits.argmax(-1)


def samples_of(index: Tensor, logits: Tensor, given: Tensor, weight: Tensor | None) -> Samples:
    """Return per-sample numbers of the logits [K, M, C] of samples index [M]."""
    given = given[index]
    labels = given.expand(len(logits), -1).unsqueeze(-1)
    logs = logits.log_softmax(-1)
    loss = -logs.gather(-1, labels).squeeze(-1)
    taken_for = confident_class(logs.exp(), given)
    margin = logits.gather(-1, labels).squeeze(-1) - logits.scatter(-1, labels, -torch.inf).amax(-1)
    mine = partial(torch.Tensor.to, device="cpu", copy=True)  # tables are written anew in the next epoch
    return Samples(
        index=mine(index),
        loss=loss.cpu(),
        prediction=logits.argmax(-1).cpu(),
        residual=-torch.expm1(-loss).cpu(),
        weight=None if weight is None else mine(weight),
        margin=margin.cpu(),
        suspected=((taken_for != NONE) & (taken_for != given)).cpu(),
    )
