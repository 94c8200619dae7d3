"""The command that makes a tuning again, as its report shows it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.leaderboard.results.command import quoted_methods

NAME = "tune"
"""The usual name of a tuning, which begins those of its searches."""


def command(
    targets: Sequence[str],
    methods: str,
    replicates: str,
    budget: Budget,
    *,
    epochs: str | None = None,
    changes: Iterable[str] = (),
    plugins: Iterable[Path] = (),
    precision: str = "auto",
    per_setting: bool = False,
    study: str = NAME,
    compare: bool = False,
) -> str:
    """Return the command line; arguments as it was given them.

    What is as by default is left out, but for the trials and what they score.
    """
    spent = {name: value for name, value in vars(budget).items() if value != getattr(Budget(), name)}
    spent |= {"trials": budget.trials, "objective": budget.objective}
    words = ["lnlbench", "tune", *targets]
    words += [] if epochs is None else ["--epochs", epochs]
    words += [word for change in changes for word in ("--set", change)]
    words += [word for file in plugins for word in ("--plugin", str(file))]
    words += [] if precision == "auto" else ["--precision", precision]
    words += [word for name, value in spent.items() for word in _option(name, value)]
    words += ["--per-setting"] if per_setting else []
    words += [] if study == NAME else ["--study", study]
    words += ["--compare"] if compare else []
    listed = f" --methods {quoted_methods(methods)}" if methods else ""
    return f"{shlex.join(words)}{listed} --replicates {shlex.quote(replicates)}"


def _option(name: str, value: object) -> list[str]:
    if value is True:
        return [f"--{name}"]
    return [f"--{name}", f"{value:.15g}" if isinstance(value, float) else str(value)]
