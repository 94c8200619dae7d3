"""Where the files of a run are on this machine: beside a database file, wherever that was moved or copied to."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

FOLDER = "artifacts"
"""Of the files of all runs, beside the database; and below it, behind experiment and run, of the files of one."""

SERVED = "mlflow-artifacts:/"
"""How the address of artifacts begins that are written through an MLflow server."""


@dataclass(frozen=True)
class Artifacts:
    """The folder of a store's files.

    Addresses in a database are absolute. Those of a file that was moved or copied name the place of before, which may
    be another store's: files are looked for beside the database first, and are written nowhere else.

    Args:
        folder: None behind a server.
        beside: whether it lies beside a database file; else addresses are taken as they are, for other machines see
            the same database with folders of their own.
    """

    folder: Path | None
    beside: bool

    def to_read(self, uri: str) -> Path | None:
        """Return the folder that a run's artifact address names, None where only MLflow can reach it."""
        named, own = path_of(uri), self.to_write(uri)
        return own if own is None or named is None or own.exists() else named

    def to_write(self, uri: str) -> Path | None:
        """Return where the files of the run belong, None where only MLflow can write them."""
        if self.folder is None:
            return path_of(uri)
        if uri.startswith(SERVED):  # by `serve`, whose artifacts are this store's
            return self.folder / uri.removeprefix(SERVED)
        named = path_of(uri)
        return named if named is None or not self.beside else self.folder / within(named)


def path_of(uri: str) -> Path | None:
    """Return the path in an address of a file or folder, None of any other address."""
    if uri.startswith("file:"):
        return Path(url2pathname(urlparse(uri).path))
    return None if ":/" in uri else Path(uri)


def within(path: Path) -> Path:
    """Return what follows a store's folder of artifacts in a path: `lnl/digits`, `lnl/digits/<run>/artifacts`."""
    parts = path.parts
    ends = [i for i, part in enumerate(parts[:-1]) if part == FOLDER]
    return Path(*parts[ends[-1] + 1 :]) if ends else Path(path.name)
