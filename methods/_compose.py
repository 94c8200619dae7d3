"""Methods made of parts: `perturb` is chained, memories are joined, any part may stop; other hooks have one owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from lnlbench.methods._errors import MethodError
from lnlbench.methods._registry import file_of
from lnlbench.methods.base import HOOKS, Batch, Clock, History, Method, Params, Predict, Record, Task

SHARED = {"perturb", "stop", "start", "carry", "remember", "observe"}  # hooks that several parts may answer
READING = {"stop", "report"}  # a part that answers nothing else only reads its host's history


@dataclass(frozen=True)
class Composition(Method):
    """Parts that answer different hooks, as one method; without parts it is cross-entropy.

    Raises:
        MethodError: two parts answer a hook that can have only one owner, the message names both; or are of one name.
    """

    parts: tuple[Method, ...] = ()

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise MethodError(f"{twice!r} is {names.count(twice)} times in one composition; name it once")
        for hook in HOOKS:
            owners = [part.name for part in self.parts if part.answers(hook)]
            if len(owners) > 1 and hook not in SHARED:
                raise MethodError(f"{' and '.join(map(repr, owners))} both answer `{hook}`: they cannot be combined")
        told = {fact for part in self.parts for fact in part.told}
        object.__setattr__(self, "networks", max((part.networks for part in self.parts), default=1))
        object.__setattr__(self, "views", max((part.views for part in self.parts), default=1))
        object.__setattr__(self, "strong", max((part.strong for part in self.parts), default=0))
        object.__setattr__(self, "ensemble", any(part.ensemble for part in self.parts))
        object.__setattr__(self, "stackable", all(map(_stackable, self.parts)))
        object.__setattr__(self, "told", tuple(sorted(told)))

    def __str__(self) -> str:
        return " + ".join(map(str, self.parts)) or "ce"

    def answers(self, hook: str) -> bool:
        return any(part.answers(hook) for part in self.parts)

    def tensors(self, device: torch.device, dtype: torch.dtype = torch.float32) -> Self:
        return replace(self, parts=tuple(part.tensors(device, dtype) for part in self.parts))

    @property
    def values(self) -> dict[str, Any]:
        """Every hyper-parameter by part and name, `gce.q`: columns to sort and filter by."""
        return {f"{part.name}.{f.name}": getattr(part, f.name) for part in self.parts for f in fields(part)}

    @property
    def sources(self) -> tuple[str, ...]:
        """Hashes of the code of user-defined parts: an edited part is another method."""
        return tuple(part.source for part in self.parts if part.source)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the user's own files that parts were loaded from."""
        found = [file_of(type(part)) for part in self.parts]
        return tuple(dict.fromkeys(file.name for file in found if file is not None))

    @property
    def host(self) -> Composition:
        """The method that is trained: without the parts that only read the history."""
        return Composition(tuple(part for part in self.parts if not _reads(part)))

    @property
    def is_reading(self) -> bool:
        """Whether some part only reads the history of a run, so that its host can be trained once for all readings."""
        return any(map(_reads, self.parts))

    def owner(self, hook: str) -> Method:
        """Return the part that answers a hook, or the base class where none does."""
        return next((part for part in self.parts if part.answers(hook)), _DEFAULT)

    def joined(self, hook: str, ask: Callable[[Method], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the memories of all parts that answer a hook.

        Raises:
            MethodError: two parts use the same name.
        """
        found: dict[str, Tensor] = {}
        owners: dict[str, str] = {}
        for part in self.parts:
            for name, rows in ask(part).items() if part.answers(hook) else ():
                if name in found:
                    raise MethodError(
                        f"{owners[name]!r} and {part.name!r} both remember {name!r}: they cannot be combined"
                    )
                found[name], owners[name] = rows, part.name
        return found

    def start(self, task: Task) -> dict[str, Tensor]:
        return self.joined("start", lambda part: part.start(task))

    def carry(self, task: Task) -> dict[str, Tensor]:
        return self.joined("carry", lambda part: part.carry(task))

    def perturb(self, batch: Batch, clock: Clock) -> Batch:
        for part in self.parts:
            batch = part.perturb(batch, clock)
        return batch

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        return self.owner("guess").guess(predict, batch, clock)

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        return self.joined("remember", lambda part: part.remember(logits, batch, clock))

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return self.owner("loss").loss(logits, batch, clock)

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return self.owner("select").select(losses, logits, batch, clock)

    def gradient(self, grads_at: Callable[[Params], Params], params: Params, batch: Batch, clock: Clock) -> Params:
        return self.owner("gradient").gradient(grads_at, params, batch, clock)

    def average(self, params: Params, averaged: Params, clock: Clock) -> Params:
        return self.owner("average").average(params, averaged, clock)

    def renew(self, depth: Tensor, clock: Clock) -> Tensor:
        return self.owner("renew").renew(depth, clock)

    def freeze(self, depth: Tensor, clock: Clock) -> Tensor:
        return self.owner("freeze").freeze(depth, clock)

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        return self.joined("observe", lambda part: part.observe(record, clock))

    def due(self, epoch: int, epochs: int) -> bool:
        return bool(self.observing(epoch, epochs).parts)

    def observing(self, epoch: int, epochs: int) -> Composition:
        """Return the parts whose `observe` is due before an epoch; the others are not asked."""
        return Composition(tuple(p for p in self.parts if p.answers("observe") and p.due(epoch, epochs)))

    def stop(self, history: History) -> bool:
        return any(part.stop(history) for part in self.parts)

    def report(self, history: History) -> int:
        return self.owner("report").report(history)


_DEFAULT = Method()


def _stackable(part: Method) -> bool:
    one_view = part.views == 1 and part.strong == 0
    return part.stackable and one_view and not part.ensemble and not part.answers("guess")


def _reads(part: Method) -> bool:
    answered = {hook for hook in HOOKS if part.answers(hook)}
    return bool(answered) and answered <= READING
