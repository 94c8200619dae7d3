"""What is stored, shown: as tables, figures and one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lnlbench.benchmark.cli.parameters import TRACKS
from lnlbench.benchmark.cli.rows import is_named, named, with_hosts
from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.leaderboard.results.listing import some
from lnlbench.leaderboard.show.terminal import Fitted, glued

if TYPE_CHECKING:
    from lnlbench.leaderboard.ranking.board import Board
    from lnlbench.leaderboard.results.result import Result
    from lnlbench.leaderboard.results.standing import Standings
    from lnlbench.leaderboard.results.submission import Collection
    from lnlbench.leaderboard.store.address import StoreAddress

LISTED = 8  # names in a message
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
    margin: float = 0.5
    complete: bool = False
    targets: Sequence[str] = ()
    standings: Standings | None = None


def stored(
    targets: Sequence[str],
    source: Path | StoreAddress,
    track: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Collection:
    """Return the results of suites and settings, or all, from files or from the store; of one track, or of all.

    Where a setting was run with other values alone, another length say, these runs are taken, and `say` is told. It is
    told of settings in files, too, that have the task of a suite and are no part of it: the board would be another one.

    Raises:
        SettingError: nothing is there.
        StoreError: the store or the archive cannot be used.
    """
    from lnlbench.leaderboard.results.card import suite_of
    from lnlbench.leaderboard.results.references import is_wanted
    from lnlbench.leaderboard.results.setting_name import SettingName
    from lnlbench.leaderboard.results.submission import Collection, collect
    from lnlbench.leaderboard.shipped import FOLDER
    from lnlbench.leaderboard.store.reader import StoreReader

    read: set[str] = set()  # settings in files, wanted or not

    def held(wanted: set[str] | None) -> Collection:
        found = Collection((), {}, {})
        if isinstance(source, Path):
            suites = None if wanted is None else {SettingName.parse(name).task for name in wanted}
            found = collect([source], lenient=True, suites=suites)
            read.update(result.setting for result in found.results)
        elif source.exists:
            with StoreReader(source) as store:
                found = Collection(tuple(store.stream(settings=wanted, predictions=False)), {}, {})
        return replace(found, results=tuple(x for x in found.results if wanted is None or is_wanted(x.setting, wanted)))

    def of_track(results: Iterable[Result]) -> tuple[Result, ...]:
        return tuple(result for result in results if not track or result.track == track)

    if track and track not in TRACKS:
        raise SettingError(unknown("track", track, TRACKS))
    wanted = settings.found_names(targets) if targets else None
    found = held(wanted)
    if ranked := of_track(found.results):
        if beyond := sorted(name for name in read - (wanted or read) if _is_meant(name, targets)):
            having = [name for name, all_of in _suites().items() if not all_of.isdisjoint(beyond)]
            how = "settings to rank them" + "".join(f", or the suite {name}" for name in having)
            say(f"also there, and no part of {' '.join(targets)}: {', '.join(beyond)}; name {how}")
        return replace(found, results=ranked)
    what = f" of {' '.join(targets)}" if targets else ""
    every = found if wanted is None else held(None)
    names = wanted or ()
    changed = [
        result for result in of_track(every.results) if str(SettingName.parse(result.setting).unchanged) in names
    ]
    if changed:
        values = sorted({",".join(SettingName.parse(result.setting).changes) for result in changed})
        say(f"nothing is stored{what} as it is; these are {len(changed)} runs with {' and with '.join(values)}")
        return replace(every, results=tuple(changed))
    suites = sorted({suite_of(result) for result in every.results})
    if source == FOLDER and names and {SettingName.parse(name).task for name in names}.isdisjoint(suites):
        raise SettingError(f"the package has no results on {' '.join(targets)}; it has the suites {', '.join(suites)}")
    what += f" in the track {track}" if track else ""
    if others := sorted({f"{result.setting} ({result.track})" for result in every.results}):
        raise SettingError(f"nothing is stored{what}; there is: {some(others, LISTED)}")
    raise SettingError(
        f"nothing is stored yet in {source} that could be ranked; `lnlbench run digits` is a first run, and `lnlbench "
        "leaderboard --from shipped` shows what comes with the package"
    )


def _is_meant(setting: str, targets: Sequence[str]) -> bool:
    """Return whether who names these suites and patterns may expect a setting: it has the task of one, or fits one."""
    return any(setting.startswith(f"{target}/") or fnmatchcase(setting, target) for target in targets)


def each(
    targets: Sequence[str],
    source: StoreAddress,
    *,
    predictions: bool,
    methods: str = "",
    track: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Result]:
    """Yield what `stored` returns of a store, one by one and never held together, with predictions if they are wanted.

    Of some methods alone, or of one track, where that is asked for; the hosts of readings are always among them.

    Raises:
        SettingError, StoreError: as `stored`, and nothing is there of a method.
    """
    from lnlbench.leaderboard.store.reader import StoreReader

    if methods or track:
        chosen = with_hosts(stored(targets, source, track, say).results, methods)
        keys, names = {result.key for result in chosen}, {result.setting for result in chosen}
        with StoreReader(source) as store:
            every = store.stream(settings=names, predictions=predictions)
            yield from (result for result in every if result.key in keys)
        return
    wanted = settings.found_names(targets) if targets else None
    nothing = True
    if source.exists:
        with StoreReader(source) as store:
            for result in store.stream(settings=wanted, predictions=predictions):
                nothing = False
                yield result
    if nothing:
        changed = {result.setting for result in stored(targets, source, say=say).results}  # or says what there is
        with StoreReader(source) as store:
            yield from store.stream(settings=changed, predictions=predictions)


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
            f"a figure is of one board, and there are {len(found)}: {titles}; name a suite, a track, a rule"
        )
    if draw == "matrix" and found[0].tests is None:
        raise SettingError(f"nothing is compared on the board {found[0].title!r}, so that no pair can be drawn")
    drawn = board_figures.matrix(found[0]) if draw == "matrix" else board_figures.ranked(found[0])
    files.write_all(path.absolute().parent, {path.name: board_figures.written(drawn, kind)})
    return f"{found[0].title}: drawn in {path}"


def _boards(results: Sequence[Result], shown: Sequence[str] | None, view: View) -> list[Board]:
    from lnlbench.leaderboard.ranking.build import boards

    asked = {name: members for name, members in _suites().items() if name in view.targets}
    made = partial(boards, margin=view.margin, complete=view.complete, standings=view.standings)
    found = made(results, view.rules, shown, suites=asked)
    if not found:
        of = f" of {', '.join(shown)}" if shown else ""
        raise SettingError(
            f"the rule {' or '.join(view.rules)} finds nothing to measure{of} in these {len(results)} results"
        )
    return found


def _suites() -> dict[str, set[str]]:
    """Return the names of the settings of every suite."""
    return {name: {setting.name for setting in members} for name, members in settings.suites().items()}


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
