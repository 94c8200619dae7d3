"""Results that come with the package, laid out as submissions: nobody has to make them again."""

from collections.abc import Collection
from itertools import product
from pathlib import Path

from lnlbench.leaderboard.results.archive import stream
from lnlbench.leaderboard.results.card import slug, suite_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import RECORDS, RESULTS, natural

WORD = "shipped"
"""What stands for these results wherever a file or folder of results is named; a path of that name wins."""
FOLDER = Path(__file__).parent
"""Holds `results/<suite>/<method>/<version>/`, as a results repository does."""


def shipped(
    *, suites: Collection[str] | None = None, methods: Collection[str] | None = None, predictions: bool = False
) -> list[Result]:
    """Return results of the package; what is not asked for is not read.

    Args:
        suites: tasks, such as "mnist-fast"; all by default.
        methods: labels, such as "gce"; all by default.
        predictions: whether to read the test predictions, most of the bytes.

    Raises:
        StoreError: an archive is damaged.
    """
    return [
        result
        for path in _archives(suites, methods)
        for result in stream(path, predictions=predictions)
        if (suites is None or suite_of(result) in suites) and (methods is None or result.label in methods)
    ]


def located(source: str | Path) -> Path:
    """Return the path that names results: that of the package for the word `shipped`, else the one given."""
    path = Path(source)
    return FOLDER if str(path) == WORD and not path.exists() else path


def _archives(suites: Collection[str] | None, methods: Collection[str] | None) -> list[Path]:
    """Return the files of suites and methods; several names may share a folder, and `..`, of no letter, has none."""
    places = (
        [*filter(None, dict.fromkeys(map(slug, names)))] if names is not None else ["*"] for names in (suites, methods)
    )
    found = (path for place in product(*places) for path in (FOLDER / RESULTS).glob("/".join((*place, "*", RECORDS))))
    return sorted(found, key=natural)
