"""The card of a submission: who made the results, of which code, under which licence; TOML beside the records."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date

from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.results.text import CONTROL

LICENCE = "CC0-1.0"
"""Of all results: anybody may do anything with them."""
LONGEST = 2_000  # characters of a field
_HEAD = "# The card of a submission. Records and card are given away under CC0-1.0: https://creativecommons.org/publicdomain/zero/1.0/\n"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a submission says of itself; `method`, `suite`, `told`, `hardware` and `made_with` follow from its records.

    Attributes:
        method: as boards call it.
        suite: the task of all its settings.
        version: of the method, chosen by the authors.
        authors: one or more.
        date: on which it was submitted, as 2026-01-31.
        code: a file beside the card that registers the method, or an address; nothing for a method of the package.
    """

    method: str
    suite: str
    version: str
    authors: tuple[str, ...]
    date: str
    paper: str = ""
    url: str = ""
    code: str = ""
    bibtex: str = ""
    licence: str = LICENCE
    told: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    made_with: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """Return the name of the file beside the card that registers the method; nothing where there is none."""
        return self.code if self.code.endswith(".py") and "/" not in self.code else ""


def suite_of(result: Result) -> str:
    """Return the suite that a result is submitted under: its task, without what was changed of it."""
    return SettingName.parse(result.setting).task


def slug(text: str) -> str:
    """Return a name of a method or a version as a folder is called: letters, digits and `._+=-`."""
    return re.sub(r"[^\w.+=-]+", "_", text.replace(" ", "")).strip("_.").lower()[:100]


def facts(results: Iterable[Result]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a card that follow from its records."""
    told, hardware, made = set[str](), set[str](), set[str]()
    for result in results:
        told |= set(result.told)
        hardware.add(str(result.environment.get("hardware", "unknown")))
        made.add(f"lnlbench {result.environment.get('lnlbench')}, torch {result.environment.get('torch')}")
    return {"told": tuple(sorted(told)), "hardware": tuple(sorted(hardware)), "made_with": tuple(sorted(made))}


def to_toml(card: Card) -> str:
    """Return a card as TOML; a text of JSON is a text of TOML too."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in asdict(card).items()]
    return _HEAD + "\n".join(lines) + "\n"


def from_toml(text: str) -> Card:
    """Return the card that a text is.

    Raises:
        StoreError: no TOML, unknown or missing fields, or a field that no card can have; one line.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"a card must be TOML: {one_line(error)}") from None
    known = {f.name: f for f in fields(Card)}
    if unknown := sorted(values.keys() - known):
        raise StoreError(f"a card has unknown fields: {', '.join(unknown)}")
    for name, f in known.items():
        several = "tuple" in str(f.type)
        value = values.get(name, [] if several else "")
        if not _is_text(value) if not several else not (isinstance(value, list) and all(map(_is_text, value))):
            kind = "a list of texts" if several else "a text"
            raise StoreError(f"the field {name!r} of a card is {kind}, got {value!r:.60}")
        values[name] = tuple(value) if several else value
    card = Card(**values)
    check(card)
    return card


def check(card: Card) -> None:
    """Refuse a card that lacks something.

    Raises:
        StoreError: naming the field, and what would be right.
    """
    for name in ("method", "suite", "version", "authors", "date"):
        if not getattr(card, name):
            raise StoreError(f"a card needs the field {name!r}")
    if card.licence != LICENCE:
        raise StoreError(f"results are given away under {LICENCE}, got the licence {card.licence!r}")
    if not _is_date(card.date):
        raise StoreError(f"the date of a card is written 2026-01-31, got {card.date!r}")
    if card.url and not card.url.startswith(("https://", "http://")):
        raise StoreError(f"the url of a card begins with https://, got {card.url!r}")
    if card.code and not card.plugin and not card.code.startswith(("https://", "http://")):
        raise StoreError(f"the code of a card is a .py beside it, or an address, got {card.code!r}")
    if slug(card.version) != card.version.lower():
        raise StoreError(f"a version has letters, digits and ._+=- alone, got {card.version!r}")


def contradictions(card: Card, results: Sequence[Result]) -> list[str]:
    """Return where a card does not say what its records say, a line each."""
    found = []
    for name, came, right in (
        ("method", {card.method}, {result.label for result in results}),
        ("suite", {card.suite}, {suite_of(result) for result in results}),
        *((name, set(getattr(card, name)), set(value)) for name, value in facts(results).items()),
    ):
        if came != right:
            found.append(f"its {name} is {_listed(came)}, but its records say {_listed(right)}")
    return found


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sorted(texts)) or "nothing"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and not CONTROL.search(value.replace("\n", ""))


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False
