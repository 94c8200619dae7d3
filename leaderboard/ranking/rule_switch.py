"""The rule switch: the same runs under every rule, and who is first only because the test set chose the epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.results.rules import PRIMARY

ORACLE = "oracle"


@dataclass(frozen=True)
class Switched:
    """One method under every rule: its mean accuracy in percent on the board of that rule, and its place by that mean.

    `change` is the place under the primary rule minus the place under each rule: above 0 the rule flatters the
    method. `gap` is the mean under the oracle minus the mean under each rule, in points: what the test set's choice of
    the epoch is worth.
    """

    name: str
    means: Mapping[str, float]
    places: Mapping[str, int]

    @property
    def change(self) -> dict[str, int]:
        """Places won (above 0) or lost against the primary rule."""
        return {rule: self.places[PRIMARY] - place for rule, place in self.places.items()}

    @property
    def gap(self) -> dict[str, float]:
        """The oracle's mean minus the rule's."""
        return {rule: self.means[ORACLE] - mean for rule, mean in self.means.items()}


def switch(boards: Sequence[Board]) -> tuple[list[Switched], list[str]]:
    """Return every method under the rules of the boards, and a sentence per setting whose winner the rule decides.

    Args:
        boards: of the same runs, one per rule, the primary rule and the oracle among them.

    Methods that are read off others or trained longer are left out: their runs are the others', or not comparable.
    """
    by_rule = {board.rule: board for board in boards}
    average = {rule: {row.name: row.score.mean for row in board.rows if row.score} for rule, board in by_rule.items()}
    ranked = [row.name for row in by_rule[PRIMARY].rows if row.status == "ranked" and not row.reading]
    names = [name for name in ranked if all(name in row for row in average.values())]
    average = {rule: {name: row[name] for name in names} for rule, row in average.items()}
    settings = [c.setting for c in by_rule[PRIMARY].columns if c.counted]
    if not names or not settings:
        return [], []
    means: dict[str, dict[str, dict[str, float]]] = {}  # rule → setting → method → mean
    for rule, board in by_rule.items():
        rows = {row.name: row for row in board.rows}
        means[rule] = {s: {name: rows[name].cells[s].mean for name in names} for s in settings}
    found = [
        Switched(name, {r: average[r][name] for r in by_rule}, {r: _place(average[r], name) for r in by_rule})
        for name in names
    ]
    return sorted(found, key=lambda row: (row.places[PRIMARY], row.name)), _winners(means, settings)


def _place(means: Mapping[str, float], name: str) -> int:
    return 1 + sum(other > means[name] + 1e-9 for other in means.values())


def _winners(means: Mapping[str, Mapping[str, Mapping[str, float]]], settings: Sequence[str]) -> list[str]:
    """Say in which settings another method has the highest mean once the test set chooses the epoch."""
    found = []
    for setting in settings:
        chosen, looked = means[PRIMARY][setting], means[ORACLE][setting]
        best = [name for name in looked if _place(looked, name) == 1]
        only = [name for name in best if _place(chosen, name) > 1]
        if only:
            first = ", ".join(name for name in chosen if _place(chosen, name) == 1)
            places = ", ".join(f"{name} (place {_place(chosen, name)} under {PRIMARY})" for name in only)
            found.append(f"{setting}: {places} leads only if the test set chooses the epoch; else {first} does.")
    return found
