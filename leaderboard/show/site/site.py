"""The site of results: an index, a board per suite, a page per row, tables, and frozen boards; no dates, sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.leaderboard.ranking.board import Board, Row
from lnlbench.leaderboard.ranking.build import boards, grouped
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.references import split_references
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import EVERY, PRIMARY, RULES, score
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.results.submission import Collection, plugins_in
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.formats import to_csv, to_json, to_markdown
from lnlbench.leaderboard.show.page.about import About, command_of, parts_of
from lnlbench.leaderboard.show.site import curves, runs
from lnlbench.leaderboard.show.site.places import address, board_place
from lnlbench.leaderboard.show.site.releases import Release
from lnlbench.leaderboard.show.words import flags, interval, mark, percent, rank_range, scored_on, state

Files = dict[str, bytes | str]
TEMPLATES = Path(__file__).parent / "templates"
STYLES = (Path(__file__).parents[1] / "page" / "templates" / "style.css", TEMPLATES / "site.css")


@dataclass(frozen=True)
class Group:
    """The boards of one suite, track, length and protocol version: a folder of the site."""

    boards: dict[str, Board]  # by rule
    results: list[Result]

    @property
    def first(self) -> Board:
        """The board under the primary rule."""
        return self.boards[PRIMARY]

    @property
    def place(self) -> str:
        """Its folder."""
        return board_place(self.first)


def site(
    held: Collection, about: Mapping[str, About] | None = None, releases: Sequence[Release] = (), title: str = ""
) -> Files:
    """Return the files of a site, by their paths: the same for the same results, on any day.

    Args:
        held: the results, and what is known of them beside.
        about: method → where it comes from.
        releases: frozen boards.
        title: of the index.

    Raises:
        StoreError: there are no results, or a release lacks a row.
    """
    if not held.results:
        raise StoreError("there are no results to make a site of")
    groups = _groups(held)
    shared: dict[str, Any] = {
        "title": title or "Learning with noisy labels",
        "words": {name: rule.words for name, rule in EVERY.items()},
        "primary": PRIMARY,
    }
    files: Files = {"style.css": _style()}
    for group in groups:
        files |= _board(group, held, about or {}, shared)
    for release in releases:
        made = frozen_files(release, held)
        files |= {f"{release.place}/{name}": content for name, content in made.items()}
        names = sorted(made)
        files[f"{release.place}/index.html"] = _page(
            "release.html", shared, depth=2, release=release, names=names, same=release.same(made)
        )
    files["index.html"] = _page("index.html", shared, depth=0, groups=groups, releases=releases, held=held)
    return files


def frozen_files(release: Release, held: Collection) -> Files:
    """Return the boards of a release, built anew from its rows: Markdown, CSV and JSON of every rule.

    Raises:
        StoreError: a row of it is missing, or is another one by now.
    """
    chosen = release.rows_of(held.results)
    files: Files = {}
    for board in boards(chosen, tuple(EVERY), standings=release.standings):
        place = f"{board_place(board).removeprefix('boards/')}/{board.rule}"
        files |= {f"{place}.md": to_markdown(board), f"{place}.csv": to_csv(board), f"{place}.json": to_json(board)}
    return files


def _groups(held: Collection) -> list[Group]:
    found = grouped(held.results)
    made: list[Group] = []
    for name in sorted(found):
        built = boards(found[name], tuple(EVERY), standings=held.standings)
        made.append(Group({board.rule: board for board in built}, found[name]))
    return made


def _board(group: Group, held: Collection, about: Mapping[str, About], shared: dict[str, Any]) -> Files:
    """Return the files of a folder of boards."""
    place, board = group.place, group.first
    by_name = _runs_of(group.results)
    pages = {name: f"{address(name)}.html" for name in by_name}
    table = runs.table(sorted(group.results, key=_order), held.standings)
    files: Files = {
        f"{place}/index.html": _page("board.html", shared, depth=3, group=group, board=board, pages=pages),
        f"{place}/runs.csv": runs.to_csv(table),
        f"{place}/runs.json": runs.to_json(table),
        f"{place}/runs.parquet": runs.to_parquet(table),
    }
    for rule, one in group.boards.items():
        files |= {f"{place}/{rule}.csv": to_csv(one), f"{place}/{rule}.json": to_json(one)}
        files[f"{place}/{rule}.md"] = to_markdown(one)
    hosts = {run.key: run for run in group.results}
    for row in (*board.rows, *board.below):
        files[f"{place}/{pages[row.name]}"] = _row(row, board, by_name[row.name], hosts, held, about, shared)
    return files


def _row(
    row: Row,
    board: Board,
    own: Sequence[Result],
    hosts: Mapping[str, Result],
    held: Collection,
    about: Mapping[str, About],
    shared: dict[str, Any],
) -> str:
    """Return the page of a row."""
    settings = sorted({run.setting for run in own}, key=lambda setting: SettingName.parse(setting).order)
    drawn = [curves.drawing(setting, [run for run in own if run.setting == setting]) for setting in settings]
    cards = list({card: None for run in own if (card := held.cards.get(run.key))})
    known = [about[part["name"]] for part in parts_of(row, about)]
    entries = [card.bibtex for card in cards if card.bibtex] + [one.bibtex for one in known if one.bibtex]
    listed = [
        {
            "run": run,
            "scores": [100 * score(run, rule, hosts) for rule in RULES],
            "receipt": runs.receipt(run, held.standings.get(run.key), held.cards.get(run.key)),
        }
        for run in own
    ]
    return _page(
        "row.html",
        shared,
        depth=3,
        row=row,
        board=board,
        parts=parts_of(row, about),
        command=command_of(row, board, list(dict.fromkeys(file for card in cards for file in plugins_in(card) or ()))),
        cards=cards,
        bibtex="\n\n".join(dict.fromkeys(entries)),
        drawings=[one for one in drawn if one is not None],
        rules=list(RULES),
        runs=listed,
        size=curves,
    )


def _runs_of(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the runs of every row, by its name, sorted."""
    ranked, longer = split_references(results)
    grid = sort_into_grid(ranked)[0] | sort_into_grid(longer)[0]
    return {
        name: sorted((run for runs in cells.values() for run in runs.values()), key=_order)
        for name, cells in grid.items()
    }


def _order(run: Result) -> tuple[tuple[str, int, str], str, int, str]:
    return SettingName.parse(run.setting).order, run.label, run.replicate, run.key


def _style() -> str:
    """Return the style of the page, and what a site has beside."""
    return "\n".join(path.read_text(encoding="utf-8") for path in STYLES)


def _page(name: str, shared: Mapping[str, Any], *, depth: int, **values: Any) -> str:
    """Return a page, whose links to the root lead up so many folders."""
    html: str = _environment().get_template(name).render(root="../" * depth, **shared, **values)
    return visible(html)


@cache
def _environment() -> Any:
    """Return the templates, which escape every value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(interval=interval, rank_range=rank_range, mark=mark, reason=state, flags=flags)
    templates.filters.update(
        scored_on=scored_on, percent=percent, capitalize_first=lambda text: text[:1].upper() + text[1:]
    )
    return templates
