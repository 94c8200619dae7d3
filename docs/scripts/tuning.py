"""Gather what the searches found into the two tables of the page on tuning: `python docs/scripts/tuning.py`."""

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.results.markdown import table

DOCS = Path(__file__).parents[1]
PAGE, SEARCHES = DOCS / "tuning.md", DOCS / "tuning-searches.md"
OUTCOME, EVERY_ROW = "what came of it", "before and after"
"""The tables, by the comments that enclose them."""
SAME, NONE = "the same runs", "–"
WAYS = {"alone": ("− default", "tuned − default"), "confirmed": ("confirmed − default",), "regret": ("regret",)}
"""What a table of a section says of both choices, by the names of its columns; without confirming there is one."""
OBJECTIVES = ("epoch", "window")
_TABLE = re.compile(r"^### (\S+) by (\w+)\n\n(?:(?![|#]).*\n)*((?:\|.*\n)+)", re.MULTILINE)
_CHANGE = re.compile(r"([+-][\d.]+) ± ([\d.]+)")
_P = re.compile(r"<?([\d.]+)")


def sections(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield setting, objective and the cells, by the names of their columns, of every row of a section's comparison.

    Of two columns of one name the later one counts: p is that of the choice in the end.
    """
    for setting, objective, lines in _TABLE.findall(text):
        header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines.splitlines())
        if "default" in header:
            for row in rows:
                yield setting, objective, dict(zip(header, row, strict=True))


def below(change: str) -> bool:
    """Whether a difference is negative by more than its interval."""
    found = _CHANGE.fullmatch(change)
    return found is not None and float(found[1]) + float(found[2]) < 0


def outcome(text: str) -> str:
    """Return a row for every table of a section: what became of the methods in the end, and the mean regret."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for setting, objective, row in sections(text):
        found.setdefault((setting, objective), []).append(row)
    lines = []
    for (setting, objective), rows in found.items():
        confirmed = "confirmed" in rows[0]
        ends = [_end(row) for row in rows]
        moved = [(_CHANGE.fullmatch(change), sure) for change, sure in ends]
        lines.append(
            [
                setting,
                objective,
                "yes" if confirmed else "no",
                str(len(rows)),
                str(sum(change == SAME for change, _ in ends)),
                *(
                    str(sum(sure and change is not None and change[1][0] == sign for change, sure in moved))
                    for sign in "+-"
                ),
                str(sum(below(change) for change, _ in ends)),
                _regret([row["regret"] for row in rows]) if "regret" in rows[0] else NONE,
            ]
        )
    header = ["setting", "objective", "confirmed", "methods", "keep defaults", "surely above", "surely below"]
    return table([*header, "below by more than the interval", "mean regret"], lines, "lllrrrrrr")


def _end(row: dict[str, str]) -> tuple[str, bool]:
    """Return the difference of the choice in the end to the defaults, and whether it is sure by Holm's p."""
    change = row.get("confirmed − default", row.get("tuned − default", NONE))
    p = _P.fullmatch(next(value for name, value in row.items() if name.startswith("p (Holm")))
    return change, p is not None and float(p[1]) < ALPHA


def _regret(cells: list[str]) -> str:
    parts = zip(*(map(float, cell.split(" → ")) for cell in cells), strict=True)
    return " → ".join(f"{fmean(part):.2f}" for part in parts)


def every_row(text: str) -> str:
    """Return one table of all settings, methods and objectives, and how many rows are below their defaults."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for setting, objective, row in sections(text):
        for way, names in WAYS.items():
            found = next((row[name] for name in names if name in row), NONE)
            cells.setdefault((setting, row["method"]), {})[f"{objective}, {way}"] = found
    columns = [f"{objective}, {way}" for objective in OBJECTIVES for way in WAYS]
    rows = [
        [setting, method, *(_shown(found.get(name, NONE)) for name in columns)]
        for (setting, method), found in cells.items()
    ]
    counts = []
    for name in (name for name in columns if not name.endswith("regret")):
        tried = [found[name] for found in cells.values() if found.get(name, NONE) != NONE]
        counts.append(f"{name}: {sum(map(below, tried))} of {len(tried)}")
    said = f"Below the defaults by more than the interval: {'; '.join(counts)}."
    return f"{table(['setting', 'method', *columns], rows, 'll' + 'r' * len(columns))}\n\n{said}"


def _shown(cell: str) -> str:
    return "0" if cell == SAME else f"**{cell}**" if below(cell) else cell


def renewed(text: str, searches: str) -> str:
    """Return the page with its tables of all sections of the searches made again."""
    for name, content in ((OUTCOME, outcome(searches)), (EVERY_ROW, every_row(searches))):
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{content}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    found = SEARCHES.read_text(encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
