"""The table of docs/fidelity.md: each method, its official code, the largest difference, and why.

python -m lnlbench.benchmark.conformance.fidelity_page docs/fidelity.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from lnlbench.benchmark.conformance.official import Agreement, agreements

BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
ROUNDING = 1e-12  # what sums of other order may differ by


def table() -> str:
    """Return the table in Markdown; cases of one method and code are one row."""
    worst: dict[tuple[str, str], Agreement] = {}
    for case in agreements():
        name = case.method, case.code
        worst[name] = max(worst.get(name, case), case, key=lambda one: one.difference)
    rows = [f"| `{one.method}` | {one.code} | {_written(one.difference)} | {one.why} |" for one in worst.values()]
    head = ["| method | reference | largest difference | what differs, and why |", "|---|---|---|---|"]
    return "\n".join([*head, *sorted(rows)]) + "\n"


def renewed(page: str) -> str:
    """Return a page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


def _written(difference: float) -> str:
    return "rounding" if difference < ROUNDING else f"{difference:.2g}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(renewed(place.read_text(encoding="utf-8")), encoding="utf-8")
