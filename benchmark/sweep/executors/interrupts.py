"""Interrupts that Python ignores: raised in the callback of a weak reference, say, one is printed and lost."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


def repeat_ignored(interrupt: Callable[[int, object], None]) -> None:
    """Have every interrupt that Python ignores from now on raised once more, a moment later.

    Args:
        interrupt: the handler that raises it.
    """
    before = sys.unraisablehook

    def again(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is KeyboardInterrupt:
            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, 0.01)  # not at once: raised in here it would be lost as well
        else:
            before(lost)

    sys.unraisablehook = again
