"""Asks a database or a server that is away again, with growing pauses: a restart of it must not end a sweep."""

import time
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from lnlbench.leaderboard.results.errors import StoreAway, StoreError, StoreWarning

OUTAGE = 300.0
"""Seconds for which a sweep waits for a store that is away."""

FIRST, LONGEST = 0.5, 15.0
"""Seconds of the first pause and of the longest; each is twice the one before."""

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Patient(Protocol):
    """What waits for its store."""

    patience: float
    """Seconds; 0 for whoever wants to hear at once that the store is away."""


Asking = TypeVar("Asking", bound=Patient)


def patiently(ask: Callable[[], Answer], patience: float) -> Answer:
    """Return what a question to the store gives, asked again for so many seconds while the store is away.

    Raises:
        StoreError: the store is away for longer, or something else is wrong with it.

    Warns:
        StoreWarning: the store is away, and is waited for.
    """
    begin, pause = time.monotonic(), FIRST
    while True:
        try:
            return ask()
        except StoreAway as error:
            if not patience:
                raise
            if time.monotonic() + pause > begin + patience:
                raise StoreError(f"{error} (waited {patience:g} s for it)") from error
            if pause == FIRST:
                warnings.warn(f"{error}; trying again for up to {patience:g} s", StoreWarning, stacklevel=3)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)


def waits(method: Callable[Concatenate[Asking, Given], Answer]) -> Callable[Concatenate[Asking, Given], Answer]:
    """Let a method that may be called twice without harm wait for its store, as long as its object has patience."""

    @wraps(method)
    def call(self: Asking, /, *args: Given.args, **named: Given.kwargs) -> Answer:
        return patiently(lambda: method(self, *args, **named), self.patience)

    return call
