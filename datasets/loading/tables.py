"""Read a table of text: ``.csv``, ``.jsonl`` or ``.parquet`` in, columns of plain values out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lnlbench.datasets.loading.errors import DataError, one_line

Columns = dict[str, list[Any]]  # None where a row has no value


def read_table(path: Path) -> Columns:
    """Return the columns of a table, all of one length.

    Raises:
        DataError: it is empty, not UTF-8, or its rows do not fit its header.
    """
    readers: dict[str, Callable[[Path], Columns]] = {".csv": read_csv, ".jsonl": read_jsonl, ".parquet": read_parquet}
    columns = readers[path.suffix.lower()](path)
    if not columns or not len(next(iter(columns.values()))):
        raise DataError(f"{path} has no rows")
    return columns


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte-order mark.

    Raises:
        DataError: it cannot be read, is empty, or is in another encoding.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8 text: byte {content[error.start]:#x} in line {line}; save it as UTF-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{path} is not UTF-8 text: it has zero bytes; save it as UTF-8")
    if not text.strip():
        raise DataError(f"{path} is empty")
    return text


def read_csv(path: Path) -> Columns:
    """Return the columns of a CSV file under its header, as text; an empty field is no value.

    Raises:
        DataError: see `read_table`.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(row for row in reader if row)]
        if twice := {name for name in header if header.count(name) > 1}:
            raise DataError(f"{path} has two columns called {min(twice)!r}")
        rows: list[list[str]] = []
        for row in reader:
            if row and len(row) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num} has {len(row)} fields; the header has {len(header)} "
                    f"({', '.join(header)})"
                )
            rows += [row] if row else []
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num} is not CSV: {one_line(error)}") from error
    return {name: [row[i] or None for row in rows] for i, name in enumerate(header)}


def read_jsonl(path: Path) -> Columns:
    """Return the columns of a file with one JSON object a line.

    Raises:
        DataError: see `read_table`.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number} is not JSON: {one_line(error)}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number} is not a JSON object but {type(row).__name__}")
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def read_parquet(*paths: Path) -> Columns:
    """Return the columns of one or several parquet files, one after the other.

    Raises:
        DataError: see `read_table`; or the files have different columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for path in paths:
        try:
            names = pq.read_schema(path).names
            if twice := {name for name in names if names.count(name) > 1}:
                raise DataError(f"{path} has two columns called {min(twice)!r}")
            tables.append(pq.read_table(path, partitioning=None))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not a readable parquet file: {one_line(error)}") from error
    try:
        table = pa.concat_tables(tables)
        return {name: table.column(name).to_pylist() for name in table.column_names}
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise DataError(f"{paths[0]} cannot be read together with the other shards: {one_line(error)}") from error
