"""The savings of giving up trials early, and their price."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lnlbench.benchmark.tuning.outcome import Outcome


def pruning(outcomes: Sequence[Outcome]) -> str:
    """Return a sentence: epochs and seconds that were not trained, and the best that was given up beside the winner.

    Trials that were given up count with their accuracy at that moment; their final one is not known.
    """
    runs = [training for outcome in outcomes for training in outcome.runs if not training.reason]
    given_up = [training for training in runs if training.pruned]
    planned = sum(training.run.setting.epochs for training in runs)
    if not given_up:
        return f"Pruning gave up none of {len(runs)} trials."
    left = sum(training.run.setting.epochs - training.epochs for training in given_up)
    seconds = math.fsum(training.seconds * (training.run.setting.epochs / training.epochs - 1) for training in given_up)
    said = (
        f"Pruning gave up {len(given_up)} of {len(runs)} trials and saved {left} of {planned} epochs, about "
        f"{seconds:.0f} device-seconds."
    )
    lost = [outcome.spec.run.label for outcome in outcomes if _better(outcome)]
    if lost:
        return f"{said} For {', '.join(lost)} a trial that was given up had a higher test accuracy than the winner."
    return f"{said} No trial had a higher test accuracy than the winner of its search when it was given up."


def _better(outcome: Outcome) -> bool:
    tests = [
        training.test
        for trial in outcome.trials
        for training in trial.runs
        if training.pruned and training.test is not None
    ]
    winner = outcome.winner.test
    return bool(tests) and winner is not None and max(tests) > winner
