"""Write what the pages say of results anew from the results themselves: `python docs/scripts/boards.py [--check]`.

A block stands between `<!-- NAME SOURCE RULE … -->` and `<!-- /NAME -->`. The source is a file of results or a folder
of submissions; `settings=…` (suites too) and `methods=…`, with commas, choose what of it counts. The blocks are

    board       every board of the source, without a title: the page has a heading above the block
    best        which methods could be best in each of the settings, the first and `most=…` more, in a column per rule
                of `RULE,RULE`; the source is a folder of suites
    cost        what a run of each of `methods=…` costs beside one of cross-entropy, under whatever rule; the source is
                a folder of suites
    top         the first `rows=…` methods and cross-entropy, who leads, and how many beat cross-entropy
    decided     how many pairs of methods are told apart
    replicates  what the first `fewer=…` replicates would have decided, beside the first `more=…`
    gap         what each method wins back of what cross-entropy loses by memorising, in the first `first=…` replicates
    ranks       how far the order of methods in one setting is that in another

With `--check` nothing is written, and the exit code is 1 where a page is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import best
import board_table
import rank_correlation
import replicates
import run_cost

from lnlbench.benchmark.protocol.settings import find
from lnlbench.leaderboard.ranking import gap
from lnlbench.leaderboard.ranking.board import Board, Cell
from lnlbench.leaderboard.ranking.build import build, grouped
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import results_of
from lnlbench.leaderboard.show.words import DOT, interval

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/index.md", "docs/results*.md")
NAMES = "board|best|cost|top|decided|replicates|gap|ranks"
LONG = 20
"""Lines of a table of the gap beyond which it is folded."""
BLOCK = re.compile(rf"<!-- ({NAMES}) (\S+) (\S+)((?: \w+=\S+)*) -->\n.*?<!-- /\1 -->", re.S)

Choice = Mapping[str, str]


@cache
def results(source: str) -> list[Result]:
    """Return the results of a file or folder in the repository, without predictions, which boards do not need."""
    return [*results_of(ROOT / source, predictions=False)]


def selected(source: str, choice: Choice) -> list[Result]:
    """Return those results of a file or folder that `choice` says."""
    settings = {setting.name for setting in find(_names(choice, "settings"))}
    methods = _names(choice, "methods")
    return [
        result
        for result in results(source)
        if (not settings or result.setting in settings) and (not methods or result.label in methods)
    ]


def boards(source: str, rule: str, choice: Choice) -> list[Board]:
    """Return the boards of a file or folder under a rule."""
    groups = sorted(grouped(selected(source, choice)).items())
    return [build(runs, rule, suite=suite) for (suite, *_), runs in groups]


def board(source: str, rule: str, choice: Choice) -> str:
    """Return every board as Markdown."""
    return "\n".join(map(board_table.to_markdown, boards(source, rule, choice)))


def leading(source: str, rules: str, choice: Choice) -> str:
    """Return which methods could be best in every setting, of suites that lie in a folder each, under every rule."""
    settings = [setting.name for setting in find(_names(choice, "settings"))]
    held = _suites(source, settings)
    found = {
        rule: [made for name in held for made in boards(f"{source}/{name}", rule, choice)] for rule in rules.split(",")
    }
    return best.to_markdown(found, settings, int(choice["most"]))


def spent(source: str, rule: str, choice: Choice) -> str:
    """Return what methods cost in suites that lie in a folder each; of all runs, whatever `rule` says."""
    settings = [setting.name for setting in find(_names(choice, "settings"))]
    only = {"settings": choice["settings"]}
    tasks = {name: selected(f"{source}/{name}", only) for name in _suites(source, settings)}
    return run_cost.to_markdown(tasks, _names(choice, "methods"))


def top(source: str, rule: str, choice: Choice) -> str:
    """Return the first rows of the one board, without intervals of settings, and its first two sentences."""
    (found,) = boards(source, rule, choice)
    columns = [column.setting for column in found.counted]
    rows = [row for row in found.rows if row.score][: int(choice["rows"])]
    lines = [
        [
            f"{DOT if row.score.could_be_best else ''}{'…' if row not in rows else ''} `{row.name}`".strip(),
            interval(row.score),
            "–".join(map(str, row.score.rank or ())),
            *(_short(row.cells[column]) for column in columns),
        ]
        for row in (*rows, *(row for row in found.rows if row.name == found.reference and row not in rows))
        if row.score
    ]
    names = [column.partition("/")[2].replace("-", " ") for column in columns]
    head = ["", found.score_name, "rank", *names]
    leader, sign, rest = found.sentences[0].partition(";")
    against = next((i for i, text in enumerate(found.sentences) if text.startswith("Against")), 0)
    said = " ".join([f"**{leader}**{sign}{rest}", *found.sentences[1 : against + 1]])
    return f"{table(head, lines, 'lr')}\n\n{said}\n"


def decided(source: str, rule: str, choice: Choice) -> str:
    """Say how many pairs of methods are told apart in each setting of the one board."""
    (found,) = boards(source, rule, choice)
    counts = [
        f"{sum(pair.decided(found.alpha) for pair in column.tests.pairs):,} at {column.setting}"
        for column in found.columns
        if column.tests
    ]
    pairs = {len(column.tests.pairs) for column in found.columns if column.tests}
    of = " to ".join(f"{count:,}" for count in sorted({min(pairs), max(pairs)}))
    said = _listed(counts).replace(" at ", " are decided at ", 1)
    return f"Of {of} pairs of methods {said} (rule `{rule}`, Holm over all).\n"


def fewer(source: str, rule: str, choice: Choice) -> str:
    """Return what fewer replicates would have said."""
    counts = int(choice["fewer"]), int(choice["more"])
    return replicates.to_markdown(replicates.agreements(selected(source, choice), rule, *counts), *counts)


def closed(source: str, rule: str, choice: Choice) -> str:
    """Return the share of cross-entropy's gap that each method closes; of its own rules, whatever `rule` says."""
    found = gap.gaps([run for run in selected(source, choice) if run.replicate < int(choice["first"])])
    parts = []
    for setting in dict.fromkeys(one.setting for one in found):
        head, _, rows = gap.to_markdown([one for one in found if one.setting == setting]).partition("\n\n")
        if rows.count("\n") > LONG:
            rows = f"<details><summary>the methods, most first</summary>\n\n{rows}\n\n</details>"
        parts.append(f"{head}\n\n{rows}\n")
    return "\n".join(parts)


def ranks(source: str, rule: str, choice: Choice) -> str:
    """Return how the orders of methods in the settings correlate."""
    return rank_correlation.to_markdown(selected(source, choice), rule)


MAKERS: dict[str, Callable[[str, str, Choice], str]] = {
    "board": board, "best": leading, "cost": spent, "top": top, "decided": decided, "replicates": fewer,
    "gap": closed, "ranks": ranks,
}  # fmt: skip


def written(page: str) -> str:
    """Return a page with its blocks made anew."""

    def made(found: re.Match[str]) -> str:
        name, source, rule, words = found.groups()
        choice = dict(word.split("=", 1) for word in words.split())
        text = MAKERS[name](source, rule, choice)
        return f"<!-- {name} {source} {rule}{words} -->\n\n{text}\n<!-- /{name} -->"

    return BLOCK.sub(made, page)


def main(check: bool) -> int:
    """Write the pages, or only compare them, and return the exit code."""
    old = []
    for path in sorted(path for pattern in PAGES for path in ROOT.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        if (new := written(text)) != text:
            old.append(path.name)
            if not check:
                path.write_text(new, encoding="utf-8")
    sys.stdout.write(f"{'out of date' if check else 'written'}: {', '.join(old) or 'nothing'}\n")
    return int(check and bool(old))


def _names(choice: Choice, field: str) -> list[str]:
    return choice[field].split(",") if field in choice else []


def _suites(source: str, settings: Iterable[str]) -> list[str]:
    """Return the suites of settings that have a folder of results."""
    return [name for name in dict.fromkeys(s.partition("/")[0] for s in settings) if (ROOT / source / name).is_dir()]


def _short(cell: Cell) -> str:
    mark = cell.against.mark if cell.against else ""
    return f"{DOT if cell.could_be_best else ''} {cell.mean:.2f} {mark}".strip()


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
