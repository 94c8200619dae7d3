"""The key of a run: a hash of all that makes its result, so that equal keys are equal runs on any machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lnlbench.leaderboard.results.precision import PLAIN, key_in

PROTOCOL = 1
"""The version of the rules; results of two are not comparable."""


def key_of(
    protocol: int,
    content: str,
    setting: Mapping[str, Any],
    method: str,
    replicate: int,
    track: str,
    sources: Sequence[str] = (),
    marks: Sequence[Any] = (),
    precision: str = PLAIN,
) -> str:
    """Return the key, 32 hexadecimal digits.

    Args:
        protocol: version of the rules.
        content: `splits.fingerprint` of the data.
        setting: its fields; the task is a name for them and does not count.
        method: the text with every value, and how it is told what it must know.
        replicate: its number.
        track: that the run belongs to.
        sources: of the parts that are the user's own.
        marks: what else tells it from another run.
        precision: that the run is computed in; fp32 leaves no trace in the key.
    """
    recipe = {name: value for name, value in setting.items() if name != "task"}
    tracks = [] if track == "default" else [track]
    parts = [protocol, content, recipe, method, replicate, *tracks, *sources, *marks]
    return key_in(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32], precision)
