"""Check that the parquet files of a split are all of it, and each of them once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from lnlbench.datasets.loading.errors import DataError, listed

SHARD = re.compile(r"(?P<head>.*?)-(?P<number>\d+)-of-(?P<count>\d+)(?:-[0-9a-f]+)?")


def check_shards(paths: Sequence[Path], folder: Path, split: str) -> None:
    """Refuse a split of which a part is missing or there twice.

    Raises:
        DataError: a shard of ``-of-N`` is missing, the files are of several data sets, or two are equal.
    """
    where = f"{folder} ({split})"
    if len(places := sorted({path.parent for path in paths})) > 1:
        raise DataError(
            f"{where} has parquet files in several folders ({listed(places)}); if they are configurations of one data "
            "set, name the folder of one of them"
        )
    named = [SHARD.fullmatch(path.stem) for path in paths]
    counts = {int(match["count"]) for match in named if match}
    numbers = sorted(int(match["number"]) for match in named if match)
    if counts:
        expected = max(counts)
        if len(counts) > 1 or None in named:
            raise DataError(f"{where} mixes parquet files of several writings: {listed([p.name for p in paths], 4)}")
        if missing := sorted(set(range(expected)) - set(numbers)):
            raise DataError(
                f"{where} has {len(set(numbers))} of {expected} parquet files; number {listed(missing)} is missing"
            )
        if len(numbers) > expected:
            raise DataError(f"{where} has {len(numbers)} parquet files, but their names say {expected}")
    elif all(path.stem.isdecimal() and len(path.stem) > 3 for path in paths):  # 0000.parquet, as the Hub converts
        bare = sorted(int(path.stem) for path in paths)
        if missing := sorted(set(range(bare[-1] + 1)) - set(bare)):
            raise DataError(f"{where} has {len(paths)} parquet files; number {listed(missing)} is missing")
    numbered = zip(named, paths, strict=True)
    heads = {match["head"] if match else re.sub(r"[-._ ]*\d+$", "", path.stem) for match, path in numbered}
    if len(heads) > 1:
        raise DataError(
            f"{where} has parquet files of several names ({listed(sorted(heads))}); keep those of one data set, or "
            f"call them {split}-00000-of-{len(paths):05d}.parquet and so on"
        )
    _refuse_copies(paths)


def _refuse_copies(paths: Sequence[Path]) -> None:
    by_size: dict[int, list[Path]] = {}
    for path in paths:
        by_size.setdefault(path.stat().st_size, []).append(path)
    for group in by_size.values():
        digests: dict[str, Path] = {}
        for path in group if len(group) > 1 else []:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest in digests:
                raise DataError(f"{path} and {digests[digest]} are equal; their images would count twice")
            digests[digest] = path
