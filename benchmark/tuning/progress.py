"""What `tune` says while it runs: how many trials are made, then how many runs are retrained."""

from __future__ import annotations

from collections.abc import Callable

from lnlbench.benchmark.sweep.worker import Event


class Progress:
    """Says after every ten runs, and of each that fails, how many trials are made, then how many runs are retrained."""

    def __init__(self, trials: int, say: Callable[[str], None]) -> None:
        self.total, self.what, self.say = trials, "trials made", say
        self.over, self.there = set[str](), set[str]()

    def retrain(self, count: int) -> None:
        """From now on count so many runs that are no trials."""
        self.total, self.what = count, "runs retrained"
        self.over, self.there = set(), set()

    def watch(self, event: Event) -> None:
        """Count what is made here; what is stored already was not to be made."""
        if event.kind == "stored":
            self.there.add(event.key)
        elif event.kind in ("done", "failed") and event.key not in self.over:
            self.over.add(event.key)
            if event.kind == "failed" or len(self.over) % 10 == 0:
                done = f"{len(self.over)} of {self.total - len(self.there)} {self.what}"
                self.say(f"{done}. {event.reason}".rstrip())
