"""Lists that only heavy imports can make, kept beside the store, so that they answer at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lnlbench.leaderboard.home import home
from lnlbench.leaderboard.results.files import replacing

Rows = list[dict[str, Any]]


def kept(name: str, sources: Iterable[Path], make: Callable[[], Rows]) -> Rows:
    """Return the rows of a list: those of an earlier call, or made anew where a source has changed since.

    Args:
        name: of the list; its file is `list-<name>.json` in the folder of local stores.
        sources: the files whose contents, beside the version of the package, the rows follow from.
        make: makes the rows, JSON-able.
    """
    state = hashlib.sha256(version("lnlbench").encode())
    for path in sorted(sources):
        state.update(f"\0{path.name}\0".encode() + path.read_bytes())
    file = home() / f"list-{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # none yet, or one that cannot be read
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["state"] == state.hexdigest():
            rows: Rows = found["rows"]
            return rows
    rows = make()
    with suppress(OSError), replacing(file) as unfinished:  # where nothing can be kept, every call makes them
        unfinished.write_text(json.dumps({"state": state.hexdigest(), "rows": rows}), encoding="utf-8")
    return rows
