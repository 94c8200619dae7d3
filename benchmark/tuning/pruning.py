"""The savings of giving up trials early, and their price."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lnlbench.benchmark.tuning.outcome import Outcome


def pruning(outcomes: Sequence[Outcome]) -> str:
    """Return a sentence: epochs and seconds that were not trained, and the best that was given up beside the winner.

    Trials that were given up count with their accuracy at that moment; their final one is not known.
    """
    runs = [made for outcome in outcomes for made in outcome.runs if not made.reason]
    given_up = [made for made in runs if made.pruned]
    planned = sum(made.run.setting.epochs for made in runs)
    if not given_up:
        return f"Pruning gave up none of {len(runs)} trials."
    left = sum(made.run.setting.epochs - made.epochs for made in given_up)
    seconds = math.fsum(made.seconds * (made.run.setting.epochs / made.epochs - 1) for made in given_up)
    said = (
        f"Pruning gave up {len(given_up)} of {len(runs)} trials and saved {left} of {planned} epochs, about "
        f"{seconds:.0f} device-seconds."
    )
    lost = [outcome.spec.run.label for outcome in outcomes if _better(outcome)]
    if lost:
        return f"{said} For {', '.join(lost)} a trial that was given up had a higher test accuracy than the winner."
    return f"{said} No trial had a higher test accuracy than the winner of its search when it was given up."


def _better(outcome: Outcome) -> bool:
    tests = [made.test for told in outcome.trials for made in told.runs if made.pruned and made.test is not None]
    winner = outcome.winner.test
    return bool(tests) and winner is not None and max(tests) > winner
