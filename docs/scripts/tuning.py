"""Gather what the searches found into the first table of the page on tuning: `python docs/scripts/tuning.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

from lnlbench.leaderboard.results.markdown import table

DOCS = Path(__file__).parents[1]
PAGE, SEARCHES = DOCS / "tuning.md", DOCS / "tuning-searches.md"
BEGIN, END = "<!-- before and after -->", "<!-- end before and after -->"
SAME, NONE = "the same runs", "–"
WAYS = {"alone": ("− default", "tuned − default"), "confirmed": ("confirmed − default",), "regret": ("regret",)}
"""What a table of a section says of both choices, by the names of its columns; without confirming there is one."""
OBJECTIVES = ("epoch", "window")
_TABLE = re.compile(r"^### (\S+) by (\w+)\n\n((?:\|.*\n)+)", re.MULTILINE)
_CHANGE = re.compile(r"([+-][\d.]+) ± ([\d.]+)")


def sections(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield setting, objective and the cells, by the names of their columns, of every row of a section's comparison."""
    for setting, objective, lines in _TABLE.findall(text):
        header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines.splitlines())
        for row in rows:
            yield setting, objective, dict(zip(header, row, strict=True))


def below(change: str) -> bool:
    """Whether a difference is negative by more than its interval."""
    found = _CHANGE.fullmatch(change)
    return found is not None and float(found[1]) + float(found[2]) < 0


def summary(text: str) -> str:
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
    """Return the page with its table of all sections of the searches made again."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{summary(searches)}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    found = SEARCHES.read_text(encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
