"""The planner: parts in their order, none that cannot end within the budget, none that can stop the others."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lnlbench.benchmark.bench.gpu.folder import Folder, Outcome
from lnlbench.benchmark.bench.gpu.part import Failure, Part, Place, Question, Said
from lnlbench.benchmark.sweep.executors.base import Executor, Message
from lnlbench.datasets.loading.images import locate
from lnlbench.leaderboard.results.errors import StoreError

START = 15.0
"""Seconds that a process is thought to take until it can work, before one did; a tenth of the budget at most."""
PATIENCE, AT_LEAST = 3.0, 20.0
"""A part is ended after so many times what it was expected to take, but not before so many seconds."""
RESERVE = 5.0
"""Seconds for the end, a process that must be killed and the summary; a tenth of the budget at most."""


class Planner:
    """Asks parts in a process of their own, which is replaced when a part has failed: a GPU may be unusable after that.

    Args:
        folder: takes all that is said, and knows what was done before.
        place: where parts work.
        budget: seconds from `began` on.
        began: by the clock.
        executor: makes a new process.
        clock: in seconds.
    """

    def __init__(
        self,
        folder: Folder,
        place: Place,
        budget: float,
        began: float,
        executor: Callable[[], Executor],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.place, self.clock = folder, place, clock
        self.end, self.start = began + budget - min(RESERVE, budget / 10), min(START, budget / 10)
        self._make = executor
        self._executor: Executor | None = None
        self._tickets = itertools.count()

    def run(self, parts: Sequence[Part]) -> None:
        """Ask what was not answered before, as far as the budget goes; what failed in an earlier call comes last."""
        waiting = [part for part in parts if self.folder.state(part) != "done"]
        try:
            for part in sorted(waiting, key=lambda part: self.folder.state(part) == "failed"):
                if absent := [name for name in part.needs if locate(name, self.place.data_dir) is None]:
                    self.folder.leave(part, f"{' and '.join(absent)} not at hand")
                elif self.clock() + (0 if self._executor else self.start) + self.expected(part) > self.end:
                    self.folder.leave(part, "no time")
                else:
                    self.ask(part)
        finally:
            self._close()

    def expected(self, part: Part) -> float:
        """Return the seconds that a part will take: its stated cost, scaled by what earlier parts took against theirs.

        Those of its own group where there are any; else all of them, from which no part is expected to be faster.
        """
        own = self.folder.outcomes(part.group)
        scale = pace(own) if own else max(1.0, pace(self.folder.outcomes()))
        return max(part.cost * scale, self.folder.spent(part))

    def ask(self, part: Part) -> None:
        """Ask a part, until it has ended or has to be ended."""
        executor = self._opened()
        answer, begin, expected = _Answer(part, self.folder), self.clock(), self.expected(part)
        limit = min(self.end, begin + max(PATIENCE * expected, AT_LEAST))
        executor.submit(next(self._tickets), Question(part, self.place))
        while not answer.ended and self.clock() < limit:
            executor.step(answer.note)
        spent = self.clock() - begin
        if not answer.ended:
            answer.state, answer.lines = "cut", (f"after {spent:.1f} s; {expected:.1f} s were expected",)
        if not answer.alive or (answer.state == "failed" and self.place.device != "cpu"):
            self._close()
        self.folder.close(part, Outcome(answer.state, part.cost, spent), answer.lines)

    def _opened(self) -> Executor:
        """Return a process that is ready to work; the time until it is, is charged to no part."""
        if self._executor is None:
            begin, ready = self.clock(), _Answer(Part("start", 0.0, prepare), self.folder)
            self._executor = self._make()
            self._executor.submit(next(self._tickets), Question(ready.part, self.place))
            while not ready.ended and self.clock() < self.end:
                self._executor.step(ready.note)
            if ready.state == "failed":
                raise OSError(f"no work can be done on {self.place.device}: {ready.lines[-1]}")
            self.start = self.clock() - begin
        return self._executor

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()
            self._executor = None


@dataclass
class _Answer:
    """What a part has said so far."""

    part: Part
    folder: Folder
    state: str = ""
    lines: tuple[str, ...] = ()
    ended: bool = False
    alive: bool = False  # its process, once it has ended

    def note(self, message: Message) -> None:
        match message.kind, message.body:
            case "said", Failure(lines=lines):
                self.state, self.lines = "failed", lines
            case "said", said:
                self._keep(said)
            case "ended", _:
                self.state, self.ended, self.alive = self.state or "done", True, True
            case kind, reason:
                self.state, self.lines, self.ended = "failed", (f"its process {kind}: {reason}",), True

    def _keep(self, said: Said) -> None:
        try:
            self.folder.add(self.part, said)
        except StoreError as error:  # of this one; the folder takes what comes after
            self.state, self.lines = "failed", (str(error),)


def pace(outcomes: Iterable[Outcome]) -> float:
    """Return how many times their stated costs parts took; 1 where there were none."""
    every = list(outcomes)
    stated = sum(one.cost for one in every)
    return sum(one.seconds for one in every) / stated if stated else 1.0


def prepare(place: Place) -> Iterator[Said]:
    """Load what parts need, and let the device do something; there is nothing to say."""
    import torch

    import lnlbench.benchmark.engine.models  # noqa: F401 -- with timm, which takes seconds

    if place.device == "cpu":
        torch.set_num_threads(1)  # which is faster for small networks, and far faster on a busy machine
    if "fork" in multiprocessing.get_all_start_methods():  # as in a script; spawned loaders would each import torch
        multiprocessing.set_start_method("fork", force=True)
    torch.ones(8, device=place.device).sum().item()
    yield from ()
