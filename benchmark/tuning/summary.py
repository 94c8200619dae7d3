"""The summary of a closed search: a row of a table, and numbers, figures and a note in MLflow."""

from __future__ import annotations

from typing import Any

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.space import values_text
from lnlbench.leaderboard.ranking.confirming import DEFAULTS
from lnlbench.leaderboard.results.form import TRIAL
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store


def row(outcome: Outcome) -> dict[str, Any]:
    """Summarise a search in a row; without a winner where every trial failed."""
    won = None if outcome.lost else outcome.winner
    values = "" if won is None else values_text(won.values)
    return {
        "study": outcome.spec.name,
        "setting": outcome.spec.run.setting.name,
        "method": outcome.spec.run.label,
        "trials": outcome.spent,
        "failed": _failed(outcome),
        "seconds": round(outcome.seconds, 1),
        "search alone": None if won is None else outcome.searched.number,
        "winner": None if won is None else won.number,
        "validation": None if won is None else round(won.validation or 0.0, 4),
        "values": values,
    }


def in_vain(outcome: Outcome) -> str:
    """Return a sentence on a search whose every trial failed; empty for any other."""
    return f"every trial failed, the first: {outcome.lost}" if outcome.lost else ""


def _failed(outcome: Outcome) -> int:
    return sum(training.validation is None for training in outcome.runs)


def record(outcome: Outcome, store: Store) -> None:
    """Write budget, winner and figures onto the search's parent run in MLflow, unless they are there."""
    spec, cell = outcome.spec, store.cell(_parent(outcome))
    about = f"`{spec.run.label}` in **{spec.run.setting.name}**, {outcome.spent} trials"
    numbers = {
        "trials": float(outcome.spent),
        "device_seconds": round(outcome.seconds, 3),
        "failed": float(_failed(outcome)),
    }
    if outcome.lost:
        store.annotate(cell, numbers, {}, f"{about}: {in_vain(outcome)}")
        return
    winner = outcome.winner
    numbers |= {
        "validation/winner": winner.validation or 0.0,
        "validation/defaults": outcome.trials[DEFAULTS].validation or 0.0,
    }
    if outcome.choice is not None:
        numbers |= {"confirming/gain": outcome.choice.gain, "confirming/error": outcome.choice.error}
    known = store.numbers(cell)  # written after the files
    if all(known.get(name) == value for name, value in numbers.items()):
        return
    numbers |= {f"importance/{name}": round(value, 4) for name, value in outcome.importance.items()}
    files = {"budget.svg": figures.budget([outcome])} | outcome.plots
    store.annotate(cell, numbers, files, f"{about}: `{winner.values}`")


def _parent(outcome: Outcome) -> RunInfo:
    spec, trial = outcome.spec, outcome.spec.trial(0, None)
    return RunInfo(
        key=trial.key,
        dataset=trial.setting.dataset,
        setting=trial.setting.name,
        noise=trial.setting.noise,
        method=trial.label,
        label=trial.label,
        replicate=0,
        length=trial.setting.length,
        track=TRIAL,
        study=spec.name,
        precision=trial.precision,
    )
