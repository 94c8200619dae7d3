"""The rule switch: the same runs under every rule, and who is first only because the test set chose the epoch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.results.listing import listed
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
    """Return every method under the rules of the boards, and in sentences whether the rule decides who is first.

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
    means: dict[str, dict[str, dict[str, float]]] = {}
    for rule, board in by_rule.items():
        rows = {row.name: row for row in board.rows}
        means[rule] = {s: {name: rows[name].cells[s].mean for name in names} for s in settings}
    found = [
        Switched(name, {r: average[r][name] for r in by_rule}, {r: _place(average[r], name) for r in by_rule})
        for name in names
    ]
    said = [_of_oracle(means, settings), *_of_others(means, settings)]
    return sorted(found, key=lambda row: (row.places[PRIMARY], row.name)), said


def _place(means: Mapping[str, float], name: str) -> int:
    return 1 + sum(other > means[name] + 1e-9 for other in means.values())


Means = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Rule → setting → method → mean."""


def _of_oracle(means: Means, settings: Sequence[str]) -> str:
    """Say whether another method is first once the test set chooses the epoch."""
    if found := _moved(means, ORACLE, settings):
        changes = [
            f"at {setting} {listed(new, 'and')} (place {_place(means[PRIMARY][setting], new[0])} under `{PRIMARY}`) "
            f"would be first instead of {listed(old, 'and')}"
            for setting, (new, old) in found.items()
        ]
        return f"Yes: {'; '.join(changes)}."
    where = "in every setting" if len(settings) > 1 else f"at {settings[0]}"
    return f"No: {where} the same method is first under `{PRIMARY}` and `{ORACLE}`."


def _of_others(means: Means, settings: Sequence[str]) -> Iterator[str]:
    """Say of each rule that does not look at the test set where another method is first than under the primary one."""
    for rule in means:
        if rule not in (PRIMARY, ORACLE) and (found := _moved(means, rule, settings)):
            places = [
                f"{setting} ({listed(new, 'and')} instead of {listed(old, 'and')})"
                for setting, (new, old) in found.items()
            ]
            yield f"Under `{rule}` another method is first at {listed(places, 'and')}."


def _moved(means: Means, rule: str, settings: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the settings in which none of the first under the primary rule is first, and who is, and who was."""
    found = {}
    for setting in settings:
        new, old = (_first(means[name][setting]) for name in (rule, PRIMARY))
        if not {*new} & {*old}:
            found[setting] = new, old
    return found


def _first(means: Mapping[str, float]) -> list[str]:
    return [name for name in means if _place(means, name) == 1]
