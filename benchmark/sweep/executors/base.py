"""What an executor is: places in which tasks are done, and in which a task may die without harm to the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

PATIENCE = 0.5  # seconds after which `Executor.step` comes back even if nothing happened

Send = Callable[[Any], None]
"""What a task tells while it works; the object must be picklable."""

Task = Callable[[Send], None]
"""What is done: a picklable object that is called once, in whatever process."""


@dataclass(frozen=True)
class Message:
    """What an executor has to say of a task.

    "said": the task sent `body`; "ended": it is done; "died": its process is gone, or it raised what it should not
    have, and `body` says what is known of that; "broken": the store failed, `body` is the reason.
    """

    ticket: int
    kind: str
    body: Any = None


class Executor(Protocol):
    """Does tasks, `slots` at once. Whoever submits keeps to that number, and decides what is tried again."""

    slots: int

    def submit(self, ticket: int, task: Task) -> None:
        """Begin a task; the ticket names it in messages."""

    def step(self, note: Callable[[Message], None]) -> None:
        """Wait until something happens, for `PATIENCE` at most, and note what did; a task's messages in their order."""

    def close(self) -> None:
        """End all tasks, finished or not, and let go of every process."""
