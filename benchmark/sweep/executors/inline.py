"""The executor that needs no other process: one task at a time, in this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from lnlbench.benchmark.sweep.executors.base import Message, Task


class Inline:
    """Does tasks where it is called; what they raise goes to the caller."""

    slots = 1

    def __init__(self) -> None:
        self._tasks: deque[tuple[int, Task]] = deque()

    def submit(self, ticket: int, task: Task) -> None:
        """Put a task where the next step finds it."""
        self._tasks.append((ticket, task))

    def step(self, note: Callable[[Message], None]) -> None:
        """Do one task."""
        from lnlbench.benchmark.engine.threads import threads  # here: it takes torch, as the task does

        if self._tasks:
            ticket, task = self._tasks.popleft()
            with threads():
                task(lambda body: note(Message(ticket, "said", body)))
            note(Message(ticket, "ended"))

    def close(self) -> None:
        """Forget what was not begun."""
        self._tasks.clear()
