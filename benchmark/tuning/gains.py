"""What tuning won: every method as it was chosen beside its defaults, on test accuracy, by the tests of boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.leaderboard.ranking.before_after import Change, Runs, changes
from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.confirming import DEFAULTS, best
from lnlbench.leaderboard.ranking.selection import rank_correlation
from lnlbench.leaderboard.results.form import TUNED, UNCONFIRMED
from lnlbench.leaderboard.results.interval import difference_text
from lnlbench.leaderboard.results.listing import listed
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, can_score, score, scored_run
from lnlbench.leaderboard.show.words import flags, interval, p_value

FEWEST_ORDERED = 4
"""Methods from which on it is said what became of their order."""

Told = Mapping[tuple[str, str], dict[str, Any]]
"""What each search says, by method and reference setting."""


@dataclass(frozen=True, kw_only=True)
class Gains:
    """The methods of one setting, in the order of the searches; accuracies in percent, under the primary rule.

    `said` is what the search of each says. `alone` is the choice of the search alone beside the defaults, where both
    were run; `chosen` the choice in the end. All tests are one `family`.
    """

    setting: str
    said: dict[str, dict[str, Any]]
    alone: dict[str, Change]
    chosen: dict[str, Change]

    @property
    def family(self) -> int:
        """Return over how many comparisons p is Holm's."""
        return max((change.family for change in [*self.alone.values(), *self.chosen.values()]), default=0)

    @property
    def confirmed(self) -> bool:
        """Return whether fresh draws confirmed a choice."""
        return any("confirming" in search for search in self.said.values())

    @property
    def compared(self) -> dict[str, tuple[Cell, Change]]:
        """Return the methods whose defaults were run too: the cell of these, and the change; a reading is its host."""
        rows = {label: (change.before, change) for label, change in self.chosen.items() if not change.as_host}
        return {label: (before, change) for label, (before, change) in rows.items() if before is not None}

    @property
    def sentences(self) -> list[str]:
        """Return what tuning changed, in words: who surely gained or lost, what confirming changed, and the order."""
        rows = self.compared
        if not rows:
            return []
        changes = {label: change for label, (_, change) in rows.items()}
        kept = sum(change.same for change in changes.values())
        lines = [f"Tuned, {_moved(changes)}; {kept or 'none'} {'keeps its' if kept < 2 else 'keep their'} defaults."]
        first = {label: self.alone[label] for label in rows if label in self.alone}
        others = [label for label, change in first.items() if change.after.scores != changes[label].after.scores]
        if self.confirmed and others:
            named = [
                f"{label} {difference_text(first[label].difference or 0.0, first[label].half)}" for label in others
            ]
            lines.append(
                f"As the search alone would have chosen, {_moved(first)}; it differs in {listed(named, 'and')}."
            )
        tau = rank_correlation([(before.mean, change.after.mean) for before, change in rows.values()])
        if len(rows) >= FEWEST_ORDERED and tau is not None:
            best_before = max(rows, key=lambda label: rows[label][0].mean)
            best_after = max(rows, key=lambda label: rows[label][1].after.mean)
            tuned = "and tuned too" if best_after == best_before else f"{best_after} tuned"
            lines.append(
                f"By means {best_before} is first with its defaults, {tuned}; "
                f"Kendall's τ of the two orders is {tau:.2f}."
            )
        return lines


def _moved(changes: Mapping[str, Change]) -> str:
    """Return how many methods are surely above and below their defaults, and which."""
    above, below = (
        [label for label, change in changes.items() if change.decided and (change.difference or 0.0) * sign > 0]
        for sign in (1, -1)
    )
    methods = "1 method" if len(changes) == 1 else f"{len(changes)} methods"
    return (
        f"{_counted(above)} of {methods} {_be(above)} surely above {'its' if len(above) < 2 else 'their'} "
        f"defaults{_named(above)}, {_counted(below)} {_be(below)} surely below{_named(below)}"
    )


def _counted(names: Sequence[str]) -> str:
    return str(len(names) or "none")


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) < 2 else "are"


def _named(names: Sequence[str]) -> str:
    return f" ({listed(names, 'and')})" if names else ""


def told_by(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the searches say that chose something."""
    return {(o.spec.run.label, o.spec.run.setting.name): o.said(o.winner) for o in outcomes if not o.lost}


def gains(setting: str, results: Sequence[Result], told: Told, hosts: Mapping[str, Result] = {}) -> Gains:
    """Compare what was chosen with the defaults.

    Args:
        setting: whose runs to compare.
        results: of the default track and those of searches.
        told: what each search says; else the records do. A run that two searches chose was made once, and its record
            tells of the first.
        hosts: results by key that readings are of, beside the others. A reading without its host has no score, and no
            row.
    """
    runs: dict[str, dict[str, dict[int, Result]]] = {"default": {}, UNCONFIRMED: {}, TUNED: {}}
    hosts = {**hosts, **{result.key: result for result in results}}
    for result in results:
        if result.setting == setting and result.track in runs and can_score(result, PRIMARY, hosts):
            runs[result.track].setdefault(result.label, {})[result.replicate] = result
    made = {track: {label: _runs(row, hosts) for label, row in rows.items()} for track, rows in runs.items()}
    records = {label: next(iter(row.values())).identity["tuning"] for label, row in runs[TUNED].items()}
    said = {label: told.get((label, record.get("reference", "")), record) for label, record in records.items()}
    alone = {label: row for label in said if (row := made[_alone(said[label])].get(label))}
    before, after = changes(made["default"], alone, made[TUNED])
    order = {label: place for place, (label, _) in enumerate(told)}
    chosen = dict(sorted(after.items(), key=lambda item: order.get(item[0], len(order))))
    return Gains(setting=setting, said=said, alone=before, chosen=chosen)


def _runs(row: Mapping[int, Result], hosts: Mapping[str, Result]) -> Runs:
    """Return what counts of runs by replicate under the primary rule: of readings, their hosts."""
    scored = {i: scored_run(run, PRIMARY, hosts) for i, run in row.items()}
    return Runs(
        scores={i: 100 * score(run, PRIMARY, hosts) for i, run in scored.items()},
        diverged=sum(run.diverged for run in scored.values()),
        reading=any(run.host is not None for run in row.values()),
    )


def _alone(search: dict[str, Any]) -> str:
    """Return the track that holds what the search alone would have chosen."""
    first = best(dict(enumerate(validation for validation, _ in search["scores"])))
    return TUNED if first == search["trial"] else "default" if first == DEFAULTS else UNCONFIRMED


def score_text(cell: Cell | None) -> str:
    """Return the mean with its interval, and `!1` for a diverged run, `=` for the runs of a host, as boards do."""
    return "–" if cell is None else interval(cell) + flags(cell)


def change_texts(change: Change) -> list[str]:
    """Return the difference with its interval, and p."""
    if change.same:
        return ["the same runs", "–"]
    if change.difference is None:
        return ["–", "–"]
    return [difference_text(change.difference, change.half), "–" if change.p is None else p_value(change.p)]
