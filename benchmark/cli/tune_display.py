"""What `tune` shows at its end: what it won in each setting, and what its searches chose."""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lnlbench.benchmark.cli.display import Rows, cell_text
from lnlbench.leaderboard.results.rules import PRIMARY
from lnlbench.leaderboard.show.terminal import Fitted, glued
from lnlbench.leaderboard.show.words import flags

if TYPE_CHECKING:
    from lnlbench.benchmark.tuning.gains import Gains
    from lnlbench.benchmark.tuning.pipeline import Done


def ended(found: Done) -> Any:
    """Return what a tuning won in each setting, what its searches chose, and one line of next steps."""
    from rich.console import Group

    parts: list[Any] = []
    won = [one for one in found.won if one.chosen]
    for one in won:
        parts += [
            Text(f"{one.setting}: test accuracy in %, {PRIMARY}", "bold"),
            _gains(one),
            *map(Text, one.sentences),
            "",
        ]
    for setting, rows in groupby(found.rows, lambda row: row["setting"]):
        parts += [Text(f"searched at {setting}", "bold"), _searches(list(rows)), ""]
    parts.append(Text("Trial 0 is the defaults. Validation labels are as noisy as those of training."))
    shown = [cell for one in won for change in one.chosen.values() for cell in (change.before, change.after) if cell]
    if any(map(flags, shown)):
        parts.append(Text("!2 two runs diverged, and score chance · = runs of its host, tested once"))
    if won:
        if not any(change.before for one in won for change in one.chosen.values()):
            parts.append(Text("The same command with `--compare` runs the defaults too, and nothing else again."))
        settings = shlex.join(one.setting for one in won)
        parts.append(Text(f"Next: `lnlbench leaderboard {settings} --track tuned` ranks what was tuned."))
    return Group(*parts)


def _gains(one: Gains) -> Fitted:
    """Return the methods of a setting as they were chosen, beside their defaults where these are stored."""
    from lnlbench.benchmark.tuning.gains import change_texts, score_text

    both = any(change.before for change in one.chosen.values())
    rows = []
    for label, change in one.chosen.items():
        before = [score_text(change.before)] if both else []
        texts = [*before, score_text(change.after), *(change_texts(change) if both else []), str(change.after.n)]
        rows.append([label, *map(glued, texts)])
    compared = ["tuned − default", f"p (Holm, {one.family})"] if both else []
    return Fitted(["method", *(["default"] if both else []), "tuned", *compared, "n"], rows, repeated=1)


def _searches(rows: Rows) -> Fitted:
    """Return searches of one setting as a table: cost, and the trial that was chosen; no row names its setting."""
    lines = []
    for row in rows:
        chosen = row["winner"]
        if row["search alone"] != chosen:
            chosen = f"{chosen}, by the search alone {row['search alone']}"
        seen = None if row["validation"] is None else f"{100 * row['validation']:.2f}"
        told = (row["trials"], row["failed"], row["seconds"], chosen, seen, row["values"] or None)
        lines.append([row["method"], *map(cell_text, told)])
    header = ["method", "trials", "failed", "seconds", "chosen trial", "validation, %", "its values"]
    return Fitted(header, lines, repeated=1)
