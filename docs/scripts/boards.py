"""Write the boards of the result pages anew from the files they are made of: `python docs/scripts/boards.py [--check]`.

A board stands between `<!-- board FILE RULE -->` and `<!-- /board -->`. With `--check` nothing is written, and the exit
code is 1 where a page is out of date.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

from lnlbench.leaderboard.ranking.build import build, grouped
from lnlbench.leaderboard.results.archive import read
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.show.formats import to_markdown

ROOT = Path(__file__).parents[2]
BOARD = re.compile(r"<!-- board (\S+) (\S+) -->\n.*?<!-- /board -->", re.S)


@cache
def results(name: str) -> list[Result]:
    """Return the results of a file in the repository, without predictions, which boards do not need."""
    return read(ROOT / name, predictions=False)


def boards(name: str, rule: str) -> str:
    """Return the boards of a file under a rule, as Markdown."""
    groups = grouped(results(name))
    return "\n".join(to_markdown(build(runs, rule, suite=suite)) for (suite, *_), runs in sorted(groups.items()))


def written(page: str) -> str:
    """Return a page with its boards made anew."""
    return BOARD.sub(lambda m: f"<!-- board {m[1]} {m[2]} -->\n\n{boards(m[1], m[2])}\n<!-- /board -->", page)


def main(check: bool) -> int:
    """Write the pages, or only compare them, and return the exit code."""
    old = []
    for path in sorted((ROOT / "docs").glob("results*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := written(text)) != text:
            old.append(path.name)
            if not check:
                path.write_text(new, encoding="utf-8")
    sys.stdout.write(f"{'out of date' if check else 'written'}: {', '.join(old) or 'nothing'}\n")
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
