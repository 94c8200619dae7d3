"""The precision that a result was computed in, and its part in the result's key."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results.errors import StoreError

if TYPE_CHECKING:
    from lnlbench.leaderboard.results.result import Result

PLAIN = "fp32"
"""The precision that keys and records do not mention."""
OTHERS = ("bf16", "fp64")


def key_in(key: str, precision: str) -> str:
    """Return the key of a run in a precision, from the key that the same run has in fp32.

    It needs that key alone, so that the key of a record from before precisions were part of keys follows from the
    record, without the method or the data.
    """
    return key if precision == PLAIN else hashlib.sha256(f"{key} {precision}".encode()).hexdigest()[:32]


def precision_of(result: "Result") -> str:
    """Return the precision that a result was computed in."""
    return str(result.identity.get("precision", PLAIN))


def rekeyed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record, as JSON has it, under the key of its precision.

    Records from before keys knew it name the precision in `environment` alone: their key, and that of the run that
    a reading was read off, are derived here; nothing that is stored changes.

    Raises:
        StoreError: the record names a precision that does not exist.
    """
    precision = record["environment"].get("precision", PLAIN)
    for named in (precision, record["identity"].get("precision", PLAIN)):
        if named not in (PLAIN, *OTHERS):
            raise StoreError(f"the precision of a record is {', '.join((PLAIN, *OTHERS))}, got {str(named)[:100]!r}")
    if precision == PLAIN or "precision" in record["identity"]:
        return dict(record)
    host = record["host"]
    return {
        **record,
        "key": key_in(record["key"], precision),
        "host": None if host is None else key_in(host, precision),
        "identity": {**record["identity"], "precision": precision},
    }


def mixed_precisions(results: Iterable["Result"]) -> list[str]:
    """Return a sentence for each setting whose results are of several precisions: which methods are in which."""
    labels: dict[str, dict[str, set[str]]] = {}
    for result in results:
        labels.setdefault(result.setting, {}).setdefault(precision_of(result), set()).add(result.label)
    return [
        f"{setting} compares several precisions, whose rounding differs: "
        + "; ".join(f"{precision}: {', '.join(sorted(names))}" for precision, names in sorted(found.items()))
        + "."
        for setting, found in labels.items()
        if len(found) > 1
    ]
