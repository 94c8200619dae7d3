"""Results shown: as tables, figures and one page."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lnlbench.benchmark.cli.rows import is_named, named
from lnlbench.benchmark.cli.stored import members_of_suites
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.ranking.thresholds import MARGIN
from lnlbench.leaderboard.show.terminal import Fitted, glued

if TYPE_CHECKING:
    from lnlbench.leaderboard.ranking.board import Board
    from lnlbench.leaderboard.results.result import Result
    from lnlbench.leaderboard.results.standing import Standings
    from lnlbench.leaderboard.store.address import StoreAddress

LISTED = 8  # titles in a message
FORMS = ("terminal", "markdown", "latex", "csv", "json")


@dataclass(frozen=True, kw_only=True)
class View:
    """What a reader of boards chose: rules, form, rows, and what stands beside."""

    rules: Sequence[str]
    form: str = FORMS[0]
    methods: str = ""  # the rows to show; all by default
    gap: bool = False
    published: bool = False
    pairs: bool = False
    wide: bool = False
    margin: float = MARGIN
    complete: bool = False
    targets: Sequence[str] = ()
    standings: Standings | None = None
    typed: Sequence[str] = ()  # the options of the command line that choose neither track nor rules


def board_rules(rule: str, form: str, *, gap: bool, published: bool = False, pairs: bool = False) -> list[str]:
    """Return the rules of a comma-separated list, if boards can be shown under them in that form.

    Raises:
        SettingError: an unknown rule or form, or a form that has no place for what shall stand beside.
    """
    from lnlbench.leaderboard.results.rules import rule_named

    rules = [name.strip() for name in rule.split(",")]
    try:
        for name in rules:
            rule_named(name)
    except ValueError as error:
        raise SettingError(str(error)) from None
    if repeated := [name for name, count in Counter(rules).items() if count > 1]:
        raise SettingError(f"the rule {repeated[0]!r} is named more than once")
    if form not in FORMS:
        raise SettingError(f"unknown format {form!r}; known: {', '.join(FORMS)}")
    for name, wanted in (("--gap", gap), ("--published", published)):
        if wanted and form not in FORMS[:2]:
            raise SettingError(f"{name} is a text for {' and '.join(FORMS[:2])}, not for {form}")
    if pairs and form != "csv":
        raise SettingError(f"--pairs is a table for csv (json has all pairs in any case), not for {form}")
    return rules


def leaderboard(results: Sequence[Result], view: View) -> Any:
    """Return the boards of results as a text, or as what rich prints.

    Raises:
        SettingError: a method that nothing is stored of.
        StoreError: a file of methods that nothing is stored of as it is now.
    """
    from rich.console import Group
    from rich.markdown import Markdown

    from lnlbench.leaderboard.published.beside import HEADER, NOTHING, beside
    from lnlbench.leaderboard.published.beside import table as published_rows
    from lnlbench.leaderboard.published.beside import to_markdown as published_table
    from lnlbench.leaderboard.ranking.gap import gaps
    from lnlbench.leaderboard.ranking.gap import to_markdown as gap_table
    from lnlbench.leaderboard.show.formats import pairs_to_csv, to_csv, to_json, to_markdown
    from lnlbench.leaderboard.show.latex import to_latex
    from lnlbench.leaderboard.show.terminal_board import TerminalBoard

    results, shown = named(results, view.methods)
    found = _boards(results, shown, view)
    closed = [one for one in gaps(results) if is_named(one.method, one.text, shown)] if view.gap else []
    tables = [gap_table(closed)] if view.gap else []
    pairs = [one for one in beside(results) if is_named(one.label, one.text, shown)] if view.published else []
    if view.form == "terminal":
        parts: list[Any] = [part for board in found for part in (TerminalBoard(board, view.wide), "")]
        parts += map(Markdown, tables)
        if view.published:
            rows = [[*map(glued, line)] for line in published_rows(pairs)]
            parts.append(Fitted(HEADER, rows, repeated=2) if rows else Text(NOTHING))
        return Group(*parts)
    if view.published:
        tables.append(published_table(pairs))
    if view.form == "json":
        return f"[{', '.join(map(to_json, found))}]"
    if view.form == "csv":  # one table: every line says of which board it is
        first, *others = map(pairs_to_csv if view.pairs else to_csv, found)
        return first + "".join(text.partition("\n")[2] for text in others)
    if view.form == "latex":
        return "\n".join(map(to_latex, found))
    return "\n\n".join([*map(to_markdown, found), *tables])


def figure(path: Path, results: Sequence[Result], view: View, draw: str) -> str:
    """Write a figure of the one board of results, and say so.

    Args:
        path: of the file; its ending says what is written.
        results: of one suite.
        view: what a reader chose.
        draw: "ranked" or "matrix".

    Raises:
        SettingError: another ending, several boards, or nothing to draw.
        StoreError: the file cannot be written.
    """
    from lnlbench.leaderboard.results import files
    from lnlbench.leaderboard.show import board_figures

    kind = path.suffix.removeprefix(".").lower()
    if kind not in board_figures.KINDS:
        raise SettingError(f"a figure ends with {', '.join(f'.{k}' for k in board_figures.KINDS)}, got {path.name!r}")
    found = _boards(*named(results, view.methods), view)
    if len(found) > 1:
        titles = "; ".join(board.title for board in found[:LISTED])
        raise SettingError(
            f"a figure is of one board, and there are {len(found)}: {titles}; the first: {_of_one(found[0], view)}"
        )
    if draw == "matrix" and found[0].tests is None:
        raise SettingError(f"nothing is compared on the board {found[0].title!r}, so that no pair can be drawn")
    drawn = board_figures.matrix(found[0]) if draw == "matrix" else board_figures.ranked(found[0])
    files.write_all(path.absolute().parent, {path.name: board_figures.written(drawn, kind)})
    return f"{found[0].title}: drawn in {path}"


def _of_one(board: Board, view: View) -> str:
    """Return the command that is of one board alone; of settings where no suite has them all."""
    settings = [column.setting for column in board.columns]
    targets = [board.suite] if {*settings} <= members_of_suites().get(board.suite, set()) else settings
    return shlex.join(["lnlbench", "leaderboard", *targets, "--track", board.track, "--rule", board.rule, *view.typed])


def _boards(results: Sequence[Result], shown: Sequence[str] | None, view: View) -> list[Board]:
    from lnlbench.leaderboard.ranking.build import boards

    asked = {name: members for name, members in members_of_suites().items() if name in view.targets}
    made = partial(boards, margin=view.margin, complete=view.complete, standings=view.standings)
    found = made(results, view.rules, shown, suites=asked)
    if not found:
        of = f" of {', '.join(shown)}" if shown else ""
        raise SettingError(
            f"the rule {' or '.join(view.rules)} finds nothing to measure{of} in these {len(results)} results"
        )
    return found


def page(
    path: Path,
    results: Sequence[Result],
    rule: str,
    ui: str,
    address: Callable[[], StoreAddress],
    checked: Standings | None = None,
) -> str:
    """Write the page of results, which opens on a rule, and say so; `checked` as for `View.standings`.

    Readings without their hosts are left out: they have no score under three of the rules that a reader switches.

    Raises:
        StoreError: the file cannot be written, or the address is none.
    """
    from lnlbench.benchmark.cli.method_about import method_about
    from lnlbench.leaderboard.results import files
    from lnlbench.leaderboard.results.hosts import apart
    from lnlbench.leaderboard.show.page import page as html
    from lnlbench.leaderboard.store.reader import StoreReader

    results, _ = apart(results)
    links: dict[str, str] = {}
    if ui:
        with StoreReader(address()) as store:
            links = store.links(ui)
    text = html(results, links, about=method_about(), date=date.today().isoformat(), rule=rule, standings=checked)
    files.write_all(path.absolute().parent, {path.name: text})
    return f"{len(results)} results in {path}; open it in any browser"
