"""What is stored, shown: as tables, as one page, and in the MLflow UI."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.leaderboard.show.terminal import Fitted, glued

if TYPE_CHECKING:
    from lnlbench.leaderboard.results.result import Result
    from lnlbench.leaderboard.store.address import StoreAddress

TRACKS = ("default", "tuned", "paper", "open")
LISTED = 8  # names in a message
FORMS = ("terminal", "markdown", "latex", "csv", "json")


def stored(targets: Sequence[str], source: Path | StoreAddress, track: str = "") -> list[Result]:
    """Return the results of suites and settings, or all, from an archive or a store; of one track, or of all.

    Raises:
        SettingError: nothing is there.
        StoreError: the store or the archive cannot be used.
    """
    from lnlbench.leaderboard.results.archive import stream
    from lnlbench.leaderboard.results.references import base
    from lnlbench.leaderboard.store.reader import read_results

    def held(wanted: set[str] | None) -> list[Result]:
        if isinstance(source, Path):
            return [
                result
                for result in stream(source, predictions=False)
                if wanted is None or base(result.setting) in wanted
            ]
        return read_results(source, wanted) if source.exists else []

    results = held({setting.name for setting in settings.find(targets)} if targets else None)
    if track:
        if track not in TRACKS:
            raise SettingError(unknown("track", track, TRACKS))
        results = [result for result in results if result.track == track]
    if results:
        return results
    others = sorted({f"{result.setting} ({result.track})" for result in held(None)})
    if others:
        what = (f" of {' '.join(targets)}" if targets else "") + (f" in the track {track}" if track else "")
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        raise SettingError(f"nothing is stored{what}; there is: {', '.join(others[:LISTED])}{more}")
    raise SettingError(f"nothing is stored yet in {source} that could be ranked; `lnlbench run digits` is a first run")


def board_rules(rule: str, form: str, gap: bool, published: bool = False) -> list[str]:
    """The rules of a comma-separated list, if boards can be shown under them in that form.

    Raises:
        SettingError: an unknown rule or form.
    """
    from lnlbench.leaderboard.results.rules import rule_named

    rules = [name.strip() for name in rule.split(",")]
    try:
        for name in rules:
            rule_named(name)
    except ValueError as error:
        raise SettingError(str(error)) from None
    if form not in FORMS:
        raise SettingError(f"unknown format {form!r}; known: {', '.join(FORMS)}")
    for name, wanted in (("--gap", gap), ("--published", published)):
        if wanted and form not in FORMS[:2]:
            raise SettingError(f"{name} is a text for {' and '.join(FORMS[:2])}, not for {form}")
    return rules


def leaderboard(
    results: Sequence[Result], rules: Sequence[str], form: str, methods: str, gap: bool, published: bool = False
) -> Any:
    """The boards of results, in one of `FORMS`.

    Raises:
        SettingError: a method that nothing is stored of.
    """
    from rich.console import Group
    from rich.markdown import Markdown

    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.leaderboard.published.beside import HEADER, NOTHING, beside
    from lnlbench.leaderboard.published.beside import table as published_rows
    from lnlbench.leaderboard.published.beside import to_markdown as published_table
    from lnlbench.leaderboard.ranking.build import boards
    from lnlbench.leaderboard.ranking.gap import gaps
    from lnlbench.leaderboard.ranking.gap import to_markdown as gap_table
    from lnlbench.leaderboard.show.formats import to_csv, to_json, to_markdown
    from lnlbench.leaderboard.show.latex import to_latex
    from lnlbench.leaderboard.show.terminal_board import TerminalBoard

    shown = [*choose_methods(methods).texts] or None
    labels = {result.label for result in results}
    if missing := set(shown or ()) - labels - {result.method for result in results}:
        raise SettingError(f"nothing is stored of {sorted(missing)[0]!r}; there is: {', '.join(sorted(labels))}")
    found = boards(results, rules, shown)
    tables = [gap_table([one for one in gaps(results) if shown is None or one.method in shown])] if gap else []
    pairs = [one for one in beside(results) if shown is None or one.label in shown] if published else []
    if form == "terminal":
        parts: list[Any] = [part for board in found for part in (TerminalBoard(board), "")]
        parts += map(Markdown, tables)
        if published:
            rows = [[*map(glued, line)] for line in published_rows(pairs)]
            parts.append(Fitted(HEADER, rows, repeated=2) if rows else Text(NOTHING))
        return Group(*parts)
    if published:
        tables.append(published_table(pairs))
    if form == "json":
        return f"[{', '.join(map(to_json, found))}]"
    if form == "csv":  # one table: every line says of which board it is
        first, *others = map(to_csv, found)
        return first + "".join(text.partition("\n")[2] for text in others)
    if form == "latex":
        return "\n".join(map(to_latex, found))
    return "\n\n".join([*map(to_markdown, found), *tables])


def page(path: Path, results: Sequence[Result], ui: str, methods: str, address: Callable[[], StoreAddress]) -> str:
    """Write the page of results, and say so.

    Raises:
        SettingError: a choice that the page leaves to its reader.
        StoreError: the file cannot be written, or the address is none.
    """
    from lnlbench.leaderboard.results import files
    from lnlbench.leaderboard.show.page import page as html
    from lnlbench.leaderboard.store.store import Store

    if methods:
        raise SettingError("--methods is for tables; the page has all methods, and filters of its own")
    links: dict[str, str] = {}
    if ui:
        with Store(address()) as store:
            links = store.links(ui)
    files.write_all(path.absolute().parent, {path.name: html(results, links, date=date.today().isoformat())})
    return f"{len(results)} results in {path}; open it in any browser"


def served(setting: str, address: StoreAddress, port: int, browser: bool, echo: Callable[[str], None]) -> None:
    """Bring the views of a store up to date, serve it until Ctrl-C, and say where its views are.

    Raises:
        SettingError: nothing is stored of that setting.
        StoreError: the store cannot be used.
    """
    from lnlbench.leaderboard.store.server import serve
    from lnlbench.leaderboard.store.showcase import prepare
    from lnlbench.leaderboard.store.store import Store

    with Store(address) as store:
        paths = prepare(store)
    first = setting or next(iter(paths), "")
    if first not in paths and (first or paths):
        first = next((name for name in paths if name.startswith(f"{setting}:")), "")
        if not first:
            raise SettingError(f"nothing is stored of {setting!r}; there is: {', '.join(paths) or 'nothing'}")
    process = None if address.artifacts is None else serve(address.uri, address.artifacts, port=port)
    root = address.uri if process is None else f"http://127.0.0.1:{port}"
    echo(f"MLflow is at {root}{paths.get(first, '/#/experiments')}")
    for name in sorted(paths.keys() - {first}):
        echo(f"  {name}: {root}{paths[name]}")
    if browser and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY")):
        webbrowser.open(root + paths.get(first, ""))
    if process is None:
        return
    echo("Ctrl-C ends it.")
    try:
        process.wait()
    except KeyboardInterrupt:
        echo("ended")
    finally:
        process.terminate()
        process.wait()
