"""The files of a run, written whole or not at all."""

import csv
import io
import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result, to_json
from lnlbench.leaderboard.results.rules import PRIMARY, scores_of
from lnlbench.leaderboard.show import figures


def of_result(result: Result, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that every finished run has, as name → content."""
    return {
        "record.json": to_json(result),
        "noise.json": json.dumps(dict(manifest), indent=1, default=str),
        "curves.csv": _curves(result),
        "curves.svg": figures.curves([result]),
        "summary.md": _summary(result),
    }


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder that becomes `path` if the block succeeds, and is removed if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield unfinished
        os.replace(unfinished, path)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)


def write_all(folder: Path, contents: Mapping[str, bytes | str]) -> None:
    """Write files into a folder, each of them whole or not at all.

    Raises:
        StoreError: a name leads out of the folder, or the folder cannot be written.
    """
    for name, content in contents.items():
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.name:
            raise StoreError(f"an artifact's name must be a relative path, got {name!r}")
        try:
            with replacing(folder / parts) as unfinished:
                unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise StoreError(f"{folder / parts} cannot be written: {error.strerror or one_line(error)}") from error


@contextmanager
def temporary(contents: Mapping[str, bytes | str]) -> Iterator[Path]:
    """Give a temporary folder with these files in it."""
    with tempfile.TemporaryDirectory(prefix="lnlbench-") as name:
        write_all(Path(name), contents)
        yield Path(name)


def read(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        StoreError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error


def _curves(result: Result) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = sorted(result.curves)
    writer.writerow(["epoch", *names])
    for epoch in range(result.trained):
        writer.writerow([epoch, *(_rounded(result.curves[name][epoch]) for name in names)])
    return text.getvalue()


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _summary(result: Result) -> str:
    scores = "\n".join(f"| {name} | {100 * score:.2f} |" for name, score in scores_of(result).items())
    facts = [
        f"`{result.method}` on **{result.setting}**, replicate {result.replicate}, track {result.track}.",
        f"The run diverged and scores chance, 1/{result.classes}." if result.diverged else "",
        f"A reading of run `{result.host}`: not trained again." if result.host else "",
        f"Told beyond the labels: {', '.join(result.told)}." if result.told else "",
        f"{result.trained} of {result.epochs} epochs, {result.networks} network(s), protocol {result.protocol}.",
    ]
    table = (
        f"| rule | test accuracy, % |\n|---|---|\n{scores}\n\nThe primary rule is `{PRIMARY}`; `oracle` never ranks."
    )
    return "\n\n".join([fact for fact in facts if fact] + [table]) + "\n"
