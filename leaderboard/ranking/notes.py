"""What a reader must know of a board, one sentence each."""

from collections.abc import Sequence

from lnlbench.leaderboard.ranking.across import Across
from lnlbench.leaderboard.ranking.board import Column, Row
from lnlbench.leaderboard.ranking.letters import LEGIBLE
from lnlbench.leaderboard.ranking.power import DIFFERENCE, POWER
from lnlbench.leaderboard.results.rules import RANKED


def notes(
    rule: str, columns: Sequence[Column], ranked: Sequence[Row], rows: Sequence[Row], across: Across, groups: int
) -> list[str]:
    """Return the sentences: what does not rank and why, what the flags mean, what the tests can tell.

    Args:
        rule: name of the rule.
        columns: of the board.
        ranked: the rows that rank.
        rows: all rows.
        across: the tests over settings.
        groups: how many sets of methods those leave together.
    """
    found = []
    if rule not in RANKED:
        found.append(f"The rule {rule!r} looks at the test set and does not rank.")
    for column in columns:
        cells = [row.cells[column.setting] for row in ranked if column.setting in row.cells]
        if not column.counted:
            missing = ", ".join(row.name for row in ranked if column.setting not in row.cells)
            found.append(f"{column.setting} is out of all ranks: no result of {missing}.")
        elif any(cell.rank is None for cell in cells):
            found.append(f"{column.setting} has no ranks: tests and intervals need two common replicates or more.")
        else:
            found += _crowded(f"{column.setting}: its tests leave", column.groups or 0)
        if rule == "noisy_val" and not column.guaranteed:
            found.append(
                f"† {column.setting}: its noise may depend on the image, so noisy validation is not guaranteed."
            )
    if len(ranked) > 1:
        crowded = _crowded("Tests across settings leave", groups)
        found += [across.sentence, *crowded, *_needed(columns, len(ranked))]
    cells = [cell for row in rows for cell in row.cells.values()]
    if any(cell.diverged for cell in cells):
        found.append("! diverged runs score chance and count.")
    if any(cell.same_as_host for cell in cells):
        found.append("= same as host: read off another method's runs, ranked under 'final' alone.")
    if longer := [row.name for row in rows if row.reference]:
        found.append(f"Trained longer, for comparison at equal passes, and not ranked: {', '.join(longer)}.")
    if told := [row for row in rows if row.told]:
        found.append("Told beyond the labels: " + "; ".join(f"{row.name}: {', '.join(row.told)}" for row in told) + ".")
    return found


def _crowded(beginning: str, groups: int) -> list[str]:
    """The sentence on groups that are too many for letters."""
    if groups <= LEGIBLE:
        return []
    return [
        f"{beginning} {groups} groups that overlap, too many for letters; a rank is one more than the number of "
        "methods significantly better, and `--format json` has every test."
    ]


def _needed(columns: Sequence[Column], methods: int) -> list[str]:
    """The sentence on the replicates that half a point would need."""
    known = [column for column in columns if column.pairs]
    if not known:
        return []
    pairs = methods * (methods - 1) // 2
    how = f"paired t, Holm's first step over {pairs} pair{'s' if pairs > 1 else ''}, power {100 * POWER:.0f} %"
    most = {column.setting: "over 100,000" if column.needed is None else str(column.needed) for column in known}
    each = ", ".join(f"{n} in {setting}" for setting, n in most.items())
    return [f"Replicates that a difference of {100 * DIFFERENCE:g} points would need ({how}): {each}."]
