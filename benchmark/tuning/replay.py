"""The trials of searches as a tabular benchmark: the results of a configuration are looked up, not trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lnlbench.benchmark.tuning.tabular import SHIPPED, read
from lnlbench.methods._split import split_methods

if TYPE_CHECKING:
    import pandas as pd

_PERCENT = ("validation_accuracy", "test_accuracy", "memorised", "corrected")
_FACTS = ("setting", "label", "study", "configuration", "stage", "place", "data", "seconds", "epochs", "failed")


def table(setting: str = "", *, methods: str | Sequence[str] = (), source: str | Path | None = None) -> pd.DataFrame:
    """Return the trainings of searches, a row each: a configuration, its results and its cost.

    Args:
        setting: its name, or how it begins, as in "digits/symmetric-0.4"; all by default.
        methods: labels, as in "ce, gce" or ["ce", "gce"]; all by default.
        source: a file that `lnlbench tune --curves` wrote; by default those that come with the package.

    Returns:
        a frame with the columns setting, label, study, configuration, stage ("search" or "confirm"), place (in the
        budget), data (equal for trainings on the same noise draw and split), seconds, epochs, failed (the reason, or
        nothing), validation (noisy, at its best epoch) and test there; a column per hyper-parameter, such as `lr` and
        `gce.q`; and as lists, a number per epoch, `validation_accuracy`, `test_accuracy`, `memorised`, `corrected`.
        Accuracies and shares are in percent.

    Raises:
        TuneError: there is no such file, or it holds no trials of this setting and these methods.
    """
    import pandas as pd

    from lnlbench.benchmark.tuning.budget import TuneError

    wanted = split_methods(methods) if isinstance(methods, str) else methods
    paths = [Path(source)] if source is not None else sorted(SHIPPED.glob("*.jsonl.xz"))
    every = [row for path in paths for row in read(path)]
    rows = [_row(r) for r in every if r["setting"].startswith(setting) and (not wanted or r["label"] in wanted)]
    if not rows:
        known = sorted({f"{row['label']} on {row['setting']}" for row in every})
        raise TuneError(f"no trials of {', '.join(wanted) or 'anything'} on {setting!r}; there are {', '.join(known)}")
    return pd.DataFrame(rows)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    def percent(value: float | None) -> float | None:
        return None if value is None else 100 * value

    curves = {n: [percent(v) for v in row["curves"].get(n, ())] for n in _PERCENT}
    scores = {name: percent(row[name]) for name in ("validation", "test")}
    values: dict[str, Any] = row["values"]
    return {name: row[name] for name in _FACTS} | scores | values | curves


class Asking(Protocol):
    """The part of Optuna's trial that a replay needs."""

    def suggest_categorical(self, name: str, choices: Sequence[int], /) -> Any:
        """Return one of the choices."""

    def set_user_attr(self, key: str, value: Any, /) -> None:
        """Keep a value with the trial."""


class Replay:
    """An objective for Optuna that answers from a table, in microseconds, instead of training.

    A trial suggests the number of a configuration and gets its mean noisy validation accuracy over the trainings of the
    search, in percent; the mean test accuracy is kept in the trial's user attributes, out of the sampler's sight.

    Args:
        table: of one method in one setting, as `table` returns it.

    Raises:
        ValueError: the table is of several searches, or empty.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        if table["study"].nunique() != 1:
            raise ValueError(f"a replay needs the trials of one search; got {table['study'].nunique()}")
        searched = table[(table["stage"] == "search") & (table["failed"] == "")]
        means = searched.groupby("configuration")[["validation", "test"]].mean()
        self.scores: dict[int, tuple[float, float]] = {
            int(number): (float(row["validation"]), float(row["test"])) for number, row in means.iterrows()
        }

    def __call__(self, trial: Asking) -> float:
        """Return the noisy validation accuracy, in percent."""
        number = trial.suggest_categorical("configuration", list(self.scores))
        validation, test = self.scores[number]
        trial.set_user_attr("test", test)
        return validation
