"""The page of a tuning's report: Markdown of the user's own, with a section for each tuning between two comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.command import NAME
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.leaderboard.results.listing import listed

SEARCHED = "The search at"
"""Begins the heading of the table that has a row for every search of a setting."""
_SEARCH = re.compile(rf"^### {SEARCHED} (\S+) by .*\n((?:(?!#).*\n)*)", re.MULTILINE)
_ROW = re.compile(r"^\| ([^|]+) \| \d+ \|", re.MULTILINE)  # a method and its number of trials


def section_name(specs: Iterable[SearchSpec], budget: Budget) -> str:
    """Return the name of the section of these searches: tasks, what is scored, the tuning if it has another name."""
    specs = list(specs)
    tasks = " ".join(dict.fromkeys(spec.run.setting.task for spec in specs))
    tunings = dict.fromkeys(spec.name.partition("/")[0] for spec in specs)
    named = "".join(f", {tuning}" for tuning in tunings if tuning != NAME)
    return f"{tasks}{scored_by(budget)}{named}"


def scored_by(budget: Budget) -> str:
    """Return what a budget scores, as it ends a heading: each objective has a section of its own."""
    return f" by {budget.objective}{' and cost' if budget.cost else ''}"


def refuse_to_lose(page: Path, specs: Iterable[SearchSpec], budget: Budget) -> None:
    """Refuse a page whose section of these searches holds others, which writing it again would delete.

    Raises:
        TuneError: naming them; the page cannot be read; or a section has no end.
    """
    specs = list(specs)
    held = _section(_text(page), section_name(specs, budget), page)[1]
    new = {(spec.run.setting.name, spec.run.label) for spec in specs}
    others = dict.fromkeys(
        f"{label} at {setting}"
        for setting, rows in _SEARCH.findall(held)
        for label in _ROW.findall(rows)
        if (setting, label) not in new
    )
    if others:
        raise TuneError(
            f"{page} holds searches that this command does not name, and would lose them: {listed([*others], 'and')}; "
            "name all in one command, which runs nothing again, or give --report another file"
        )


def renewed(page: Path, name: str, section: str) -> str:
    """Return the text of a page with the section of that name made again in place, or added at its end.

    Raises:
        TuneError: as `refuse_to_lose`, but for searches that are lost.
    """
    text = _text(page)
    before, held, after = _section(text, name, page)
    begin, end = _comments(name)
    block = f"{begin}\n\n{section}\n{end}"
    return before + block + after if held else f"{text.rstrip()}\n\n## {name}\n\n{block}\n"


def _text(page: Path) -> str:
    try:
        return page.read_text(encoding="utf-8") if page.exists() else "# Tuning\n"
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise TuneError(f"{page} cannot be read: {why}") from error


def _section(text: str, name: str, page: Path) -> tuple[str, str, str]:
    """Return what is before a section, itself with its comments, and what is after it; without it, all is before."""
    begin, end = _comments(name)
    before, found, rest = text.partition(begin)
    if not found:
        return text, "", ""
    held, ended, after = rest.partition(end)
    if not ended or begin in held:
        raise TuneError(f"{page}: the section that {begin} begins has no {end}; give it one, or delete both")
    return before, found + held + ended, after


def _comments(name: str) -> tuple[str, str]:
    return f"<!-- tune {name} -->", f"<!-- end tune {name} -->"
