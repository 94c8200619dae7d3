"""How far a result has been checked, by whom and when: claimed, verified, or reproduced."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lnlbench.leaderboard.results.errors import StoreError, one_line

CLAIMED, VERIFIED, REPRODUCED = "claimed", "verified", "reproduced"
STATES = (CLAIMED, VERIFIED, REPRODUCED)
"""From the least to the most."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one result has been checked."""

    state: str = CLAIMED
    by: str = ""
    date: str = ""

    @property
    def words(self) -> str:
        """Return it in words: `verified by results CI, 2026-01-31`."""
        who = f" by {self.by}" if self.by else ""
        return f"{self.state}{who}" + (f", {self.date}" if self.date else "")


Standings = Mapping[str, Standing]
"""By key."""

_DATED = re.compile(r"(.*), (\d{4}-\d\d-\d\d)")


def together(standings: Iterable[Standing]) -> str:
    """Return what the standings of the runs of a row come to; nothing where nobody keeps any.

    A row is as far as the runs that are the least checked; of runs that were made again, the number is said.
    """
    held = list(standings)
    if not held:
        return ""
    states = Counter(one.state for one in held)
    least = min(held, key=lambda one: STATES.index(one.state))
    last = max((one for one in held if one.state == least.state), key=lambda one: one.date)
    again = states[REPRODUCED]
    if 0 < again < len(held):
        return f"{last.words}; {again} of {len(held)} reproduced"
    return last.words


def of_all(rows: Iterable[str]) -> str:
    """Return what rows, each in the words of `together`, have in common; nothing where they differ.

    Days alone are no difference: `claimed by Ada, 2026-01-30 to 2026-01-31`.
    """
    every = {*rows}
    if len(every) == 1:
        return every.pop()
    found = [match for words in every if (match := _DATED.fullmatch(words))]
    who, days = {match[1] for match in found}, sorted(match[2] for match in found)
    return f"{who.pop()}, {days[0]} to {days[-1]}" if len(found) == len(every) and len(who) == 1 else ""


def to_json(standings: Standings) -> str:
    """Return standings as a text, a line each, sorted by key."""
    rows = [
        json.dumps({"key": key, "state": one.state, "by": one.by, "date": one.date}, ensure_ascii=False)
        for key, one in sorted(standings.items())
    ]
    return "".join(f"{row}\n" for row in rows)


def from_json(text: str) -> dict[str, Standing]:
    """Return the standings of a text.

    Raises:
        StoreError: a line that is none.
    """
    found: dict[str, Standing] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
            key, one = row.pop("key"), Standing(**row)
            if not all(isinstance(value, str) for value in (key, one.by, one.date)) or one.state not in STATES:
                raise ValueError(f"a state is {', '.join(STATES)}, got {one.state!r}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"line {number} is no standing: {one_line(error)}") from None
        found[key] = one
    return found
