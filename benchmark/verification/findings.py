"""Findings: one thing that was checked of a result, what came of it, and what several of them come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

OK, FLAGGED, WRONG, UNKNOWN, NOTE = "ok", "flagged", "wrong", "unknown", "note"
HARMLESS = (OK, FLAGGED, NOTE)
NEAR = 1e-9  # two ways to take a mean differ by less
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What wrong values in a record of the right form can raise in the code that reads it: a finding, never a traceback."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        what: the subject, one of the lines of the table on the page "Trust".
        state: `ok`; `wrong`; `unknown` where it cannot be checked here; `flagged` where nothing is wrong, and yet a
            reader should know; `note` of what many results have together, and that is no matter of any one of them.
        detail: one line that says why.
    """

    what: str
    state: str
    detail: str


def judged(what: str, faults: Sequence[str], detail: str) -> Finding:
    """Return the finding of a check: wrong for its faults, ok without any."""
    return Finding(what, WRONG, "; ".join(faults)) if faults else Finding(what, OK, detail)


def unreadable(what: str, error: BaseException) -> Finding:
    """Return the finding of a part of a record that made a check fail."""
    text = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
    return Finding(what, WRONG, f"it does not read: {text[:200]}")


def worst(findings: Sequence[Finding]) -> str:
    """Return the state that all findings together come to; what is only flagged is ok."""
    states = {finding.state for finding in findings}
    return WRONG if WRONG in states else UNKNOWN if UNKNOWN in states else OK


def differences(came: object, right: object, name: str) -> Iterator[str]:
    """Yield, one line each, where two JSON-able values differ; floats may differ by `NEAR`."""
    if isinstance(came, Mapping) and isinstance(right, Mapping):
        for key in {**right, **came}:
            if key not in came or key not in right:
                yield f"{name}'s {key} is {'missing' if key not in came else f'{came[key]!r:.60}, which nothing gives'}"
            else:
                yield from differences(came[key], right[key], f"{name}'s {key}")
    elif isinstance(came, list) and isinstance(right, list) and len(came) == len(right):
        for place, pair in enumerate(zip(came, right, strict=True)):
            if found := next(differences(*pair, f"{name}[{place}]"), None):
                yield found
                return  # one place of a matrix is enough
    elif not _equal(came, right):
        yield f"{name} is {came!r:.60}, not {right!r:.60}"


def _equal(came: object, right: object) -> bool:
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (came, right)]
    if all(numbers):
        return math.isclose(came, right, rel_tol=NEAR, abs_tol=NEAR)  # type: ignore[arg-type]
    return type(came) is type(right) and came == right
