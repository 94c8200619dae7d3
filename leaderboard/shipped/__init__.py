"""Results that come with the package, one archive a suite: nobody has to make them again."""

from pathlib import Path

from lnlbench.leaderboard.results.archive import read
from lnlbench.leaderboard.results.result import Result


def archives() -> list[Path]:
    """Return the files."""
    return sorted(Path(__file__).parent.glob("*.jsonl.xz"))


def shipped() -> list[Result]:
    """Every result of every archive in this folder.

    Raises:
        StoreError: an archive is damaged.
    """
    return [result for path in archives() for result in read(path)]
