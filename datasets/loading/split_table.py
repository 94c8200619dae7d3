"""Read one split of a folder: its encoded images, and the columns that say something of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lnlbench.datasets.loading.errors import DataError, listed, unknown
from lnlbench.datasets.loading.layout import SplitFiles
from lnlbench.datasets.loading.tables import read_parquet, read_table

IMAGES = ("image", "img")
FOLDER_COLUMN = "label"  # what the name of an image's class folder is called


@dataclass(frozen=True)
class SplitTable:
    """One split as it lies on disk: encoded images, what messages call each, and columns of labels."""

    images: Sequence[bytes | Path]
    names: Sequence[str]
    columns: Mapping[str, Sequence[Any]]
    where: str

    def column(self, wanted: str, usual: Sequence[str]) -> tuple[str, Sequence[Any]] | None:
        """Return name and values of a column: the one that is wanted, or else the first usual one that is there.

        Raises:
            DataError: the wanted one is not there.
        """
        if wanted and wanted not in self.columns:
            raise unknown("column", wanted, self.columns, f"in {self.where}")
        name = wanted or next((name for name in usual if name in self.columns), "")
        return (name, self.columns[name]) if name else None


def read_split(files: SplitFiles, top: Sequence[Path], folder: Path, split: str, image: str) -> SplitTable:
    """Return one split.

    Args:
        files: as `find_splits` gives them.
        top: tables of metadata beside the splits' folders.
        folder: the data set's.
        split: ``train`` or ``test``.
        image: the column of the images in parquet files; empty for a usual one.

    Raises:
        DataError: a table or its images cannot be read, or the two do not fit.
    """
    where = f"{folder} ({split})"
    if files.shards:
        return _from_parquet(files.shards, where, image)
    assert files.root is not None
    columns = _metadata([*top, *files.metadata], files, folder)
    inside = [path.relative_to(files.root) for path in files.images]
    loose = [path for path in inside if len(path.parts) == 1]
    if not loose:
        columns = {FOLDER_COLUMN: [path.parts[0] for path in inside], **columns}
    elif not columns:
        raise DataError(
            f"{files.root} has images in no class, such as {loose[0]}: put each into {files.root.name}/<class>/, or "
            "name labels in metadata.csv"
        )
    return SplitTable(files.images, [str(path) for path in files.images], columns, where)


def _from_parquet(shards: Sequence[Path], where: str, image: str) -> SplitTable:
    columns = read_parquet(*shards)
    table = SplitTable((), (), columns, where)
    chosen = table.column(image, IMAGES)
    if chosen is None:
        raise DataError(f"{where} has no column {' or '.join(IMAGES)}; it has {', '.join(columns)}")
    name, values = chosen
    if not values:
        raise DataError(f"{where} has no rows")
    encoded = []
    for row, value in enumerate(values):
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise DataError(f"row {row} of {where} has no encoded image in {name!r} but {_described(value)}")
        encoded.append(content)
    return SplitTable(encoded, [f"row {row} of {where}" for row in range(len(encoded))], columns, where)


def _described(value: Any) -> str:
    if isinstance(value, dict) and value.get("path"):
        return f"only the path {value['path']!r}; embed the images"
    return "nothing" if value is None or isinstance(value, dict) else type(value).__name__


def _metadata(tables: Sequence[Path], files: SplitFiles, folder: Path) -> dict[str, list[Any]]:
    """Return the columns that tables of metadata hold of a split's images, in the images' order.

    A table speaks of the files in its folder and below it; of two, the nearer one counts, as with Hugging Face.
    """
    assert files.root is not None
    by_image: dict[Path, dict[str, Any]] = {}
    places = {_normal(path.relative_to(folder)): path for path in files.images}
    for table in sorted(tables, key=lambda table: -len(table.parts)):
        if twice := [other for other in tables if other.parent == table.parent and other != table]:
            raise DataError(f"{table.parent} has two tables of metadata, {table.name} and {twice[0].name}; keep one")
        base = table.parent.relative_to(folder)
        covered = {place: path for place, path in places.items() if base in path.relative_to(folder).parents}
        named = {_normal(base / name): row for name, row in _rows(table).items()}
        if table.parent == folder:  # its rows of other splits are read with those
            named = {place: row for place, row in named.items() if place.startswith(f"{files.root.name}/")}
        if absent := [name for name in named if name not in covered]:
            raise DataError(f"{table} names files that are not there: {listed(absent)}")
        by_image = {covered[place]: row for place, row in named.items()} | by_image
        silent = [place for place, path in covered.items() if path not in by_image]
        if named and silent:
            raise DataError(f"{table} says nothing of {listed(silent)}")
    if not by_image:
        return {}
    if silent := [str(path) for path in files.images if path not in by_image]:
        raise DataError(f"no metadata says anything of {listed(silent)}, but some does of other images")
    names = list(dict.fromkeys(name for path in files.images for name in by_image[path]))
    return {name: [by_image[path].get(name) for path in files.images] for name in names}


def _rows(table: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a table of metadata by `file_name`."""
    columns = read_table(table)
    if "file_name" not in columns:
        separated = [mark for mark in (";", "\t") if any(mark in name for name in columns)]
        hint = f"; separate columns by commas, not by {separated[0]!r}" if separated else ""
        raise DataError(f"{table} has no column 'file_name'; it has {', '.join(map(repr, columns))}{hint}")
    names = columns.pop("file_name")
    rows: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise DataError(f"{table} has a row without a file_name (number {i + 1})")
        name = name.removeprefix("./")
        if name in rows:
            raise DataError(f"{table} names {name} twice")
        rows[name] = {column: values[i] for column, values in columns.items()}
    return rows


def _normal(path: Path) -> str:
    """Return a path in the one form of Unicode: macOS writes file names in another than most editors."""
    return unicodedata.normalize("NFC", path.as_posix())
