"""The base class of methods, the hooks that the training loop calls, and the values that it passes to them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor

from lnlbench.methods._errors import MethodError as MethodError
from lnlbench.methods._paper import Paper

Params = list[dict[str, Tensor]]
"""One dict name -> parameter for each of the K networks."""


FACTS = {
    "noise_rate": "share of wrong labels, []",
    "transition_matrix": "P(given = j | true = i), [C, C], rows are true classes",
    "clean_validation": "true labels of the validation split, int64 [V]",
}
"""What a method may be told beyond the given labels."""


class Random(Protocol):
    """Random numbers of one run, a function of (seed, purpose, epoch, step): hooks never see a generator."""

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""


class Predict(Protocol):
    """The current networks, as a function that `guess` may call."""

    def __call__(self, inputs: Tensor, training: bool = True, averaged: bool = False, commit: bool = False) -> Tensor:
        """Return the logits [K, B, C] of inputs [B, ...] or [K, B, ...], without gradient.

        `training` selects training or evaluation mode, `averaged` the weights that `average` returned instead of the
        trained ones. With `commit` BatchNorm's running statistics move, as in a pass that is trained on: in training
        mode, at the trained weights.
        """


@dataclass(frozen=True)
class Batch:
    """What one step trains on."""

    inputs: Tensor  # [B, ...], or [K, B, ...] where the networks see different inputs
    targets: Tensor  # [B, C] label weights, or [K, B, C]
    index: Tensor  # [B] positions in the training set
    memory: Mapping[str, Tensor]  # the rows of the method's memory, each [K, B, ...]
    told: Mapping[str, Tensor] = field(default_factory=dict)  # what the method declares in `told`, nothing else
    views: tuple[Tensor, ...] = ()  # the same samples under other augmentations: one fewer than the method's `views`
    carried: Mapping[str, Tensor] = field(default_factory=dict)  # what the method remembers of the run, each [K, ...]
    strong: tuple[Tensor, ...] = ()  # the same samples under strong augmentation: as many as the method's `strong`


@dataclass(frozen=True)
class Clock:
    """The time at which a hook is called, as 0-d tensors, and its source of randomness."""

    epoch: Tensor  # from 0
    epochs: Tensor  # planned length T
    step: Tensor  # from 0, over the whole training
    progress: Tensor  # epoch / epochs, in [0, 1): constant within an epoch
    random: Random


@dataclass(frozen=True)
class Task:
    """What a method knows before the first step."""

    targets: Tensor  # [N, C] one-hot *given* labels
    networks: int
    told: Mapping[str, Tensor]  # what the method declares in `told`, nothing else


@dataclass(frozen=True)
class History:
    """What `stop` and `report` may read: nothing derived from test labels, and true labels only if declared."""

    epochs: int  # planned length
    validation: Sequence[float]  # accuracy on the validation split's given labels, mean of the networks, one per epoch
    loss: Sequence[float]  # mean training objective, one per epoch
    changes: Sequence[float] = ()  # share of the training predictions that differ from an epoch ago; NaN in the first
    clean_validation: Sequence[float] = ()  # as `validation` against true labels, for a method that declares them


@dataclass(frozen=True)
class Record:
    """An exact pass over the training set: evaluation mode, no augmentation, in index order."""

    loss: Tensor  # [K, N] cross-entropy against the given label
    prediction: Tensor  # [K, N] arg-max class
    memory: Mapping[str, Tensor]  # the method's whole memory, each [K, N, ...]
    carried: Mapping[str, Tensor] = field(default_factory=dict)  # as in `Batch`


@dataclass(frozen=True)
class Range:
    """The search range of one hyper-parameter; `choices` wins over the bounds."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None
    valid: tuple[float, float] = (-math.inf, math.inf)
    above: str | None = None
    many: Any = None
    origin: str = ""
    costs: bool = False


EXACT = {int: "a whole number", bool: "True or False"}
"""Types of fields that take no value of another type, which would train as an equal one and have another text."""


def tuned(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    log: bool = False,
    choices: Sequence[Any] | None = None,
    valid: tuple[float, float] = (-math.inf, math.inf),
    above: str | None = None,
    many: Any = None,
    origin: str = "",
    costs: bool = False,
) -> Any:
    """Declare a hyper-parameter, its default and its search range on one line.

    Args:
        default: the value of the `default` track, whatever the noise.
        low: lower end of the search range, included.
        high: upper end, included.
        log: search on a logarithmic scale.
        choices: a finite set instead of a range.
        valid: the interval of allowed values, ends included; anything else is refused.
        above: the name of a field that this one must exceed.
        many: the default for data sets of 100 classes or more, where it differs.
        origin: where the default is from, of `ORIGINS`: "paper", "code", "other code" or "ours".
        costs: whether the number of forward and backward passes of a run depends on it.
    """
    span = Range(low, high, log, None if choices is None else tuple(choices), valid, above, many, origin, costs)
    return field(default=default, metadata={"range": span})


@dataclass(frozen=True)
class Method:
    """Base class and default behaviour: plain cross-entropy. Override only the hooks you change.

    Hooks are pure tensor code: no `.item()`, no branch on a tensor, no global state, no dynamic size. While it
    trains, every float field and everything in `clock` is a 0-d tensor on the device. K is the number of networks,
    B the batch, C the classes, N the training samples.
    """

    name: ClassVar[str] = ""
    paper: ClassVar[Paper | None] = None  # the publication that describes it
    family: ClassVar[str] = ""  # what it mainly changes, one of `FAMILIES`
    networks: ClassVar[int] = 1
    stackable: ClassVar[bool] = True
    views: ClassVar[int] = 1  # how often each sample of a batch is augmented
    strong: ClassVar[int] = 0  # strong views in addition: RandAugment and cutout, where the setting augments at all
    ensemble: ClassVar[bool] = False  # whether it is scored by the mean softmax of its networks
    source: ClassVar[str] = ""  # hash of the code of a user's method: an edited method is another method
    revision: ClassVar[int] = 1  # of the formula: raised when the same values give other numbers
    told: ClassVar[tuple[str, ...]] = ()  # facts that it requires, of `FACTS`: the information ledger

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            MethodError: a value of the wrong type, outside its valid range, or not above the field it must exceed.
        """
        for f in fields(self):
            value = getattr(self, f.name)
            for kind, words in EXACT.items():
                if f.type in (kind, kind.__name__) and type(value) is not kind:
                    raise MethodError(f"{self.name}: {f.name} must be {words}, but got {value!r}")
        for name, span in self.space().items():
            value = getattr(self, name)
            if isinstance(value, Tensor):  # a method at work: checked when it was built
                continue
            if span.choices is not None:
                if not any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in span.choices):
                    raise MethodError(f"{self.name}: {name} must be one of {list(span.choices)}, but got {value!r}")
                continue
            if not is_number(value):
                raise MethodError(f"{self.name}: {name} must be a finite number, but got {value!r}")
            if not span.valid[0] <= value <= span.valid[1]:
                raise MethodError(f"{self.name}: {name} must be in {list(span.valid)}, but got {value!r}")
            if span.above is not None and value <= getattr(self, span.above):
                raise MethodError(
                    f"{self.name}: {name} must be above {span.above}, but got "
                    f"{name}={value!r} and {span.above}={getattr(self, span.above)!r}"
                )

    @classmethod
    def space(cls) -> dict[str, Range]:
        """Return the search ranges, by field."""
        return {f.name: f.metadata["range"] for f in fields(cls) if "range" in f.metadata}

    def __str__(self) -> str:
        """Return the name with every value, and the revision from the second on; `parse` reads it back."""
        values = [f"{f.name}={getattr(self, f.name)!r}" for f in sorted(fields(self), key=lambda f: f.name)]
        values += [f"revision={self.revision}"] if self.revision > 1 else []
        return f"{self.name}({', '.join(values)})" if values else self.name

    def answers(self, hook: str) -> bool:
        """Return whether the method overrides a hook."""
        return getattr(type(self), hook) is not getattr(Method, hook)

    def tensors(self, device: torch.device, dtype: torch.dtype = torch.float32) -> Self:
        """Return a copy whose float fields are 0-d tensors, as the training loop requires."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.type in (float, "float")}
        return replace(
            self, **{name: torch.tensor(value, device=device, dtype=dtype) for name, value in values.items()}
        )

    def start(self, task: Task) -> dict[str, Tensor]:
        """Return what is remembered of each sample: named tensors [K, N, ...]. Nothing by default."""
        return {}

    def carry(self, task: Task) -> dict[str, Tensor]:
        """Return the state of the run as a whole: named tensors [K, ...], in `batch.carried`. Nothing by default.

        `remember` and `observe` return new values under the same names, which must differ from those of the memory.
        """
        return {}

    def perturb(self, batch: Batch, clock: Clock) -> Batch:
        """Return what the networks see, drawn once per step. The batch as it is by default."""
        return batch

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        """Return the batch to train on, given current predictions; called after `perturb`, never stacked.

        The batch may be extended by whole batches, one after another, while `index` stays. `loss` may then return one
        value per row, or one per sample that depends on all its rows. The memory may be extended as well, or hold more
        for later hooks; only what `remember` returns is stored.
        """
        return batch

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        """Return the new rows [K, B, ...] of the memory, from detached logits [K, B, C], before the loss sees them.

        It may also return new values of what is carried.
        """
        return {}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        """Return the loss of each sample [K, B] from logits [K, B, C]. Cross-entropy by default."""
        return cross_entropy(logits, batch.targets)

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        """Return the weight of each sample [K, B] from detached losses and logits. All alike by default."""
        return torch.ones_like(losses)

    def gradient(self, grads_at: Callable[[Params], Params], params: Params, batch: Batch, clock: Clock) -> Params:
        """Return the gradient that the optimiser gets. The gradient at the current parameters by default."""
        return grads_at(params)

    def average(self, params: Params, averaged: Params, clock: Clock) -> Params:
        """Return the parameters that are evaluated, after each step. The trained ones by default."""
        return params

    def renew(self, depth: Tensor, clock: Clock) -> Tensor:
        """Return which parameters to re-initialise, bool [P]; called before every epoch but the first, after `observe`.

        `depth` [P] is the share of the network's stages up to and including that of a parameter: in (0, 1], equal
        within a stage, and 1 at the head. A stage is, for example, one of the four layers of a ResNet; in other
        networks, each part that the network lists, in order. The answer holds for all networks, each of which draws its
        own new weights. BatchNorm's running statistics and averaged weights of these stages are reset too, and so is
        the optimiser, for all parameters.
        """
        return torch.zeros_like(depth, dtype=torch.bool)

    def freeze(self, depth: Tensor, clock: Clock) -> Tensor:
        """Return which parameters stay fixed during an epoch, bool [P]; called before each epoch, after `renew`.

        `depth` is as in `renew`. Gradients, the optimiser's moments and BatchNorm's running statistics are still
        updated; weight decay is not applied.
        """
        return torch.zeros_like(depth, dtype=torch.bool)

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        """Return new memory [K, N, ...] from a pass over the whole training set, before each epoch but the first.

        It may also return new values of what is carried.
        """
        return {}

    def due(self, epoch: int, epochs: int) -> bool:
        """Return whether `observe` is due before an epoch, counted from 0. Always by default."""
        return True

    def stop(self, history: History) -> bool:
        """Return whether training ends after the last epoch of `history`. Never by default."""
        return False

    def report(self, history: History) -> int:
        """Return the epoch whose networks the method reports. The last by default."""
        return len(history.validation) - 1


HOOKS = (
    "start", "carry", "perturb", "guess", "remember", "loss", "select", "gradient", "average", "renew", "freeze",
    "observe", "stop", "report",
)  # fmt: skip


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number that fits into a float; True and False are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each sample, linear in the label weights.

    Args:
        logits: [..., C].
        targets: [..., C] label weights.

    Returns:
        [...]
    """
    return -(targets * logits.log_softmax(-1)).sum(-1)


def remembering(batch: Batch, found: Mapping[str, Tensor]) -> Batch:
    """Return the batch with what `remember` returned: new rows of the memory and new values of what is carried."""
    carried = {name: found.get(name, value) for name, value in batch.carried.items()}
    rows = {name: new for name, new in found.items() if name not in carried}
    return replace(batch, memory={**batch.memory, **rows}, carried=carried)
