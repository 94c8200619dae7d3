"""Results to work with from Python: as tables, curves, boards and plots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, overload

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.ranking.build import build, grouped
from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.ranking.scored import measurable
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES, can_score, score
from lnlbench.leaderboard.results.standing import Standings
from lnlbench.leaderboard.show.formats import to_markdown
from lnlbench.leaderboard.show.html_table import to_html
from lnlbench.leaderboard.show.words import interval, rank_range

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHOWN = 12
"""Rows of a board in a `repr`."""


class ShownBoard(Board):
    """A board that notebooks show as a table, and `print` as Markdown; see `Board` for what is in it."""

    def __repr__(self) -> str:
        return "\n".join(_lines(self))

    def __str__(self) -> str:
        return to_markdown(self)

    def _repr_html_(self) -> str:
        return to_html(self)


class Results(Sequence[Result]):
    """The results of runs, in order; a sequence of `Result`, with views of all of them together.

    Args:
        results: of any settings, methods and replicates. Readings have their hosts among them, or no score but under
            "final".
        standings: how far they were checked, by key, where that is kept.
    """

    def __init__(self, results: Sequence[Result], standings: Standings | None = None) -> None:
        self._results, self._standings = tuple(results), standings

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: int | slice) -> Result | Results:
        if isinstance(index, slice):
            return Results(self._results[index], self._standings)
        return self._results[index]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list: what equals a list has its hash, none

    def __repr__(self) -> str:
        methods, settings = {*board_labels(self).values()}, {run.setting for run in self}
        lines = [
            f"{len(self)} results: {len(methods)} methods in {len(settings)} setting{'s' if len(settings) != 1 else ''}"
        ]
        return "\n".join([*lines, *(line for board in self.boards() for line in _lines(board))])

    def _repr_html_(self) -> str:
        return "\n".join(to_html(board) for board in self.boards())

    def frame(self) -> pd.DataFrame:
        """Return a row per run: setting, method, replicate, accuracy in % under every rule, seconds, and its key.

        Of a user's own method file the runs of the latest version alone, as on boards.
        """
        import pandas as pd

        hosts, labels = {run.key: run for run in self}, board_labels(self)
        rows = [
            {
                "setting": run.setting,
                "method": labels[run.key],
                "replicate": run.replicate,
                **{r: 100 * score(run, r, hosts) if can_score(run, r, hosts) else math.nan for r in RULES},
                "seconds": run.cost.get("total_seconds", math.nan),
                "diverged": run.diverged,
                "noise": run.noise,
                "track": run.track,
                "length": run.length,
                "precision": run.environment.get("precision"),
                "text": run.method,
                "key": run.key,
            }
            for run in self
            if run.key in labels
        ]
        return pd.DataFrame(rows)

    def curves(self) -> pd.DataFrame:
        """Return the curves in long form: setting, method, replicate, epoch from 1, quantity, value or NaN.

        Of the runs that `frame` has.
        """
        import pandas as pd

        labels = board_labels(self)
        parts = [
            pd.DataFrame({"epoch": range(1, run.trained + 1), **run.curves})
            .melt("epoch", var_name="quantity")
            .assign(setting=run.setting, method=labels[run.key], replicate=run.replicate)
            for run in self
            if run.key in labels
        ]
        columns = ["setting", "method", "replicate", "epoch", "quantity", "value"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def boards(self, rule: str = PRIMARY) -> list[ShownBoard]:
        """Return a board per suite, track, length and protocol: what may be compared."""
        return [
            _shown(build(runs, rule, suite=suite, standings=self._standings))
            for (suite, *_), runs in grouped(self._results).items()
            if measurable(runs, rule)
        ]

    def board(self, rule: str = PRIMARY) -> ShownBoard:
        """Return the board of these results.

        Args:
            rule: which epoch counts; one of "noisy_val", "final", "mean10", "oracle".

        Raises:
            ValueError: an unknown rule, no results, or results that may not be compared; `boards` has one for each.
        """
        boards = self.boards(rule)
        if len(boards) != 1:
            titles = "; ".join(board.title for board in boards)
            raise ValueError(
                f"one board needs results of one suite, track, length and protocol; got {titles or 'none'}"
            )
        return boards[0]

    def plot(self, quantity: str = "test_accuracy", setting: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw a curve per method: the mean over replicates, and a band from the lowest to the highest.

        Args:
            quantity: name of a curve, such as "test_accuracy" or "memorised"; the beginning is enough where one fits.
            setting: which one; needed where there are several.
            ax: where to draw; by default new axes.

        Returns:
            the axes.

        Raises:
            ValueError: there is no such setting or quantity; the message lists what there is.
        """
        runs = [run for run in self if run.host is None]
        setting = _one("setting", setting, sorted({run.setting for run in runs}))
        labels = board_labels(self)
        runs = [run for run in runs if run.setting == setting and run.key in labels]
        name = _one("quantity", quantity, sorted({name for run in runs for name in run.curves}))
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure(figsize=(7, 4), layout="constrained").subplots()
        percent = 100.0 if "accuracy" in name or name.startswith(("memorised", "corrected")) else 1.0
        import numpy as np

        for label in dict.fromkeys(labels[run.key] for run in runs):
            curves = [run.curves[name] for run in runs if labels[run.key] == label and name in run.curves]
            values = percent * np.array(_padded(curves))  # [replicates, epochs]
            measured = np.flatnonzero(~np.isnan(values).all(axis=0))  # some are measured at a few epochs alone
            values, epochs = values[:, measured], 1 + measured
            (line,) = ax.plot(epochs, np.nanmean(values, axis=0), label=label)
            if len(curves) > 1:
                low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
                ax.fill_between(epochs, low, high, alpha=0.15, color=line.get_color())
        ax.set(xlabel="epoch", ylabel=name.replace("_", " ") + (", %" if percent == 100 else ""), title=setting)
        ax.legend(frameon=False)
        return ax


def load(source: str | Path | None = None, settings: Sequence[str] | None = None) -> Results:
    """Return stored results.

    Args:
        source: a file that `lnlbench export` wrote, a folder of submissions, "shipped" for what comes with the
            package, or a store as `run` takes it in `tracking_uri`; by default the store that `run` uses.
        settings: only these, as in "digits/symmetric-0.4", and multiples of their length (`digits,epochs=2x/…`), which
            boards show beside them for reference.

    Raises:
        StoreError: there is no such file or store, or it cannot be read.
    """
    from lnlbench.leaderboard.results.references import is_wanted
    from lnlbench.leaderboard.results.submission import collect
    from lnlbench.leaderboard.shipped import located

    if source is not None and "://" not in str(source):
        path = located(Path(source).expanduser())
        if not path.exists():
            raise StoreError(f"there is no file {path}; a store is written sqlite:///file, postgresql://… or http://…")
        held = collect([path], predictions=True)
        found = [run for run in held.results if settings is None or is_wanted(run.setting, settings)]
        return Results(found, held.standings)
    from lnlbench.leaderboard.store.address import store_address
    from lnlbench.leaderboard.store.reader import existing

    with existing(store_address(None if source is None else str(source), None)) as store:
        return Results(store.results(settings=settings))


def _lines(board: Board) -> Iterator[str]:
    """Yield the first rows of a board: who could be best, with interval and rank range."""
    rows = [row for row in board.rows if row.score][:SHOWN]
    width = max((len(row.name) for row in rows), default=0)
    means = [interval(row.score) for row in rows if row.score]
    wide = max(map(len, means), default=0)
    yield board.title if board.score_name == board.place else f"{board.title}, {board.score_name}"
    for row, mean in zip(rows, means, strict=True):
        assert row.score is not None
        mark = "●" if row.score.could_be_best else " "
        yield f"{mark} {row.name:{width}}  {mean:>{wide}}  {rank_range(row.score)}".rstrip()
    if len(board.rows) > SHOWN:
        yield f"  … and {len(board.rows) - SHOWN} more: print(….board()) has all"


def _shown(board: Board) -> ShownBoard:
    return ShownBoard(**{field.name: getattr(board, field.name) for field in fields(board)})


def _one(kind: str, wanted: str | None, known: Sequence[str]) -> str:
    """Return the name that is meant: the whole name, the only one that begins so, or the only one."""
    if wanted in known:
        return str(wanted)
    fitting = [name for name in known if name.startswith(wanted or "")]
    online = [name for name in fitting if name.endswith("_online")]  # measured at every epoch
    for names in (fitting, online):
        if len(names) == 1:
            return names[0]
    if wanted is None and known:
        raise ValueError(f"there are several: name one, as in {kind}={known[0]!r}; others are {', '.join(known[1:])}")
    raise ValueError(f"{kind} must be one of {', '.join(known) or 'none'}, but got {wanted!r}")


def _padded(curves: Sequence[Sequence[float | None]]) -> list[list[float]]:
    """Curves of one length, with NaN where nothing was measured."""
    length = max(map(len, curves))
    return [
        [math.nan if value is None else value for value in curve] + [math.nan] * (length - len(curve))
        for curve in curves
    ]
