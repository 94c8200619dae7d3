"""Answer one question of `elsewhere`, from standard input to standard output, and end."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from lnlbench.datasets.loading import images, own
from lnlbench.datasets.loading.errors import DataError, DataWarning


def answer(question: str, first: str, *folders: str | None) -> Any:
    """Return the answer, JSON-able.

    Raises:
        DataError: there is none.
    """
    places = [None if folder is None else Path(folder) for folder in folders]
    if question == "bring_in":
        return own.bring_in(first, *places)
    path, origin = images.cached(first, *places)
    return str(path), origin


def main() -> None:
    """Answer the question on standard input, with what is to be warned of."""
    said: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", DataWarning)
        try:
            said["answer"] = answer(*json.loads(sys.stdin.read()))
        except DataError as error:
            said["error"] = str(error)
    said["notes"] = [str(note.message) for note in notes if issubclass(note.category, DataWarning)]
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
