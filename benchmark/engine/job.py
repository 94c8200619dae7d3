"""The inputs and the outputs of training, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Split
from lnlbench.methods._compose import Composition
from lnlbench.methods.base import History


class FactError(ValueError):
    """A fact required by the method is missing or invalid."""


@dataclass(frozen=True)
class Job:
    """One run to train: setting, method, replicate, and the data that training may see."""

    setting: Setting
    method: Composition
    replicate: object  # names the run's seeds, together with their purpose
    split: Split
    told: dict[str, Any] = field(default_factory=dict)  # facts by name; a method gets those that it declares
    cancelled: bool = field(default=False, init=False, compare=False)

    def facts(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return the side information that the method declares in `told`, as tensors.

        Raises:
            FactError: a fact is missing.
        """
        if missing := [name for name in self.method.told if name not in self.told]:
            raise FactError(f"{self.method} must be told {', '.join(missing)}, but the job says {list(self.told)}")
        found = {name: torch.as_tensor(self.told[name], device=device) for name in self.method.told}
        return {name: fact.to(dtype) if fact.is_floating_point() else fact for name, fact in found.items()}

    def cancel(self) -> None:
        """Stop training after the epoch that was yielded last."""
        object.__setattr__(self, "cancelled", True)


@dataclass(frozen=True)
class Samples:
    """Numbers of M single training samples for K networks, on the CPU."""

    index: Tensor  # int64 [M]
    loss: Tensor  # [K, M] cross-entropy against the given label
    prediction: Tensor  # int64 [K, M] arg-max
    residual: Tensor  # [K, M] 1 - p of the given label
    weight: Tensor | None = None  # [K, M] of the selection, where the method selects
    margin: Tensor | None = None  # [K, M] logit of the given label minus the largest other one
    mean_margin: Tensor | None = None  # [K, M] mean of all epochs so far
    suspected: Tensor | None = None  # bool [K, M] whether the network is confident of another class than the given one


@dataclass(frozen=True)
class Epoch:
    """The numbers of one epoch."""

    epoch: int  # from 0
    lr: float
    loss: float  # mean over steps and networks of the method's own objective
    online: Samples  # from the training pass, before each update; the probe's where the method changes the inputs
    exact: Samples | None  # of the probe in evaluation mode, after epochs 1, 2, 4, ... and the last
    validation_accuracy: float  # against the given labels, mean of the networks
    validation_predictions: Tensor  # uint8 [K, V]
    predictions: dict[str, Tensor]  # probe -> uint8 [K, T]; K is 1 for a method that is scored by its ensemble
    ensemble: dict[str, Tensor]  # probe -> uint8 [T], arg-max of the mean softmax; empty for one network
    weight_norm: float  # Euclidean, of all networks together
    distance: float  # of the weights from their start, likewise
    train_seconds: float
    evaluate_seconds: float  # validation, probes and diagnostics
    forward: float  # passes for each training sample
    backward: float
    diverged: bool  # a loss or a weight is not finite: there is no next epoch
    last: bool  # no epoch follows: the planned length is reached, the method stops, or training diverged
    history: History  # what `stop` and `report` read
    state: Callable[[], dict[str, Any]]  # all that is needed to go on; call it before the next epoch begins
    weights: Callable[[], dict[str, Any]]  # `networks` of the state alone, as copies; likewise
    stacked: int = 0  # slots of the stack that trained it; none where the run was trained by itself
    replayed: bool = False  # whether its steps were replayed from a recorded one
