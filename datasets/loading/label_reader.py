"""Read the columns of a label file: arrays, tables or text; ``.pt`` through a restricted loader."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.labels import NUMBER
from lnlbench.datasets.loading.tables import read_table, read_text

if TYPE_CHECKING:
    import torch

EXACT = 2**53  # up to which every whole number is a float64
LONGEST = 40  # characters that are kept of a text that is no number: in an array each takes the room of the longest


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a label file by name, read-only; a bare array has the empty name.

    The file that was read last is kept until it changes, since a plan, a key and every replicate ask for it. Nothing in
    the file is executed: arrays of objects are refused, and a ``.pt`` file may hold tensors, numpy arrays and plain
    containers only.

    Raises:
        DataError: no such file, an unknown ending, or content that is not labels.
    """
    readers: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
        ".npy": _npy,
        ".json": _json,
        ".pt": _pt,
        ".pth": _pt,
        ".parquet": _parquet,
        ".csv": _csv,
        ".txt": _txt,
    }
    if path.suffix.lower() not in readers:
        raise DataError(f"label file {path} ends in {path.suffix!r}; known: {', '.join(readers)}")
    if not path.is_file():
        raise DataError(f"there is no label file {path}")
    stat = path.stat()
    return dict(_kept(readers[path.suffix.lower()], path, (stat.st_size, stat.st_mtime_ns)))


@lru_cache(maxsize=1)
def _kept(reader: Callable[[Path], dict[str, np.ndarray]], path: Path, _: tuple[int, int]) -> dict[str, np.ndarray]:
    columns = reader(path)
    for column in columns.values():
        column.flags.writeable = False
    return columns


def _npy(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:  # not np.load, which also opens archives and pickles
            return {"": np.lib.format.read_array(file, allow_pickle=False)}
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise DataError(f"{path} is not a .npy file of numbers: {_first_line(error)}") from error


def _json(path: Path) -> dict[str, np.ndarray]:
    """Return lists of numbers: one by itself, as DivideMix writes it, or several by name."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} is not a readable JSON file: {_first_line(error)}") from error
    columns = content if isinstance(content, dict) else {"": content}
    for name, values in columns.items():
        if not isinstance(values, list) or not all(type(value) is int for value in values):
            raise DataError(f"{path} is refused: {name!r} is not a list of integers")
    try:
        return {name: np.array(values, np.int64) for name, values in columns.items()}
    except OverflowError as error:
        raise DataError(f"{path} holds numbers that are no labels: {_first_line(error)}") from error


def _parquet(path: Path) -> dict[str, np.ndarray]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        if twice := {name for name in names if names.count(name) > 1}:
            raise DataError(f"{path} has two columns called {min(twice)!r}")
        table = pq.read_table(path)
        return {name: table.column(name).to_numpy() for name in table.column_names}
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable parquet file: {_first_line(error)}") from error


def _csv(path: Path) -> dict[str, np.ndarray]:
    """Return columns under a header, or one column without; a nameless one that counts the rows is left out."""
    first = read_text(path).lstrip().partition("\n")[0].strip()
    if NUMBER.fullmatch(first):
        return _txt(path)
    columns = read_table(path)
    numbers = [str(i) for i in range(len(next(iter(columns.values()))))]
    return {name: _numbers(values, f"{path} ({name})") for name, values in columns.items() if name or values != numbers}


def _txt(path: Path) -> dict[str, np.ndarray]:
    """Return one label a line."""
    return {"": _numbers([line.strip() for line in read_text(path).strip().split("\n")], str(path))}


def _numbers(texts: Sequence[str | None], where: str) -> np.ndarray:
    """Return whole numbers as integers, however they are written (``numpy.savetxt`` writes 3.000e+00).

    Anything else stays the text that it is: who uses it refuses it by its type.
    """
    if missing := sum(not text for text in texts):
        raise DataError(f"{where} has {missing} rows without a value")
    whole = [is_whole(str(text)) for text in texts]
    if all(whole):
        return np.array(texts, np.float64).astype(np.int64)
    return np.array([text if yes else _shortened(str(text)) for text, yes in zip(texts, whole, strict=True)], str)


def is_whole(text: str) -> bool:
    """Say whether a text is a whole number, however it is written, that float64 holds exactly."""
    return bool(NUMBER.fullmatch(text)) and abs(float(text)) < EXACT and float(text).is_integer()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _pt(path: Path) -> dict[str, np.ndarray]:
    import torch

    try:
        with torch.serialization.safe_globals(_numpy_globals()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch on old file formats
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, OSError, EOFError, TypeError, LookupError) as error:
        # Not torch's own words: they recommend to switch the restriction off.
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        why = f"it asks for {asked[1]!r}" if asked else "it is damaged or holds something else"
        raise DataError(f"{path} is refused: {why}; only arrays and tensors of numbers are read") from error
    items = content.items() if isinstance(content, dict) else [("", content)]
    columns = {}
    for name, value in items:
        array = _array(value, f"{path} ({name})" if name else str(path)) if isinstance(value, torch.Tensor) else value
        if not isinstance(name, str) or not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise DataError(f"{path} is refused: {name!r} is not an array of numbers but {type(value).__name__}")
        columns[name] = array
    return columns


def _array(tensor: torch.Tensor, where: str) -> np.ndarray:
    """Return a tensor as an array: also a parameter, or one that lay on a GPU.

    Raises:
        DataError: numpy has nothing like it: bfloat16, sparse, quantised.
    """
    try:
        array: np.ndarray = tensor.detach().resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:
        kind = f"{str(tensor.dtype).removeprefix('torch.')} values ({str(tensor.layout).removeprefix('torch.')})"
        raise DataError(f"{where} holds {kind}; labels are integers") from error
    return array


def _numpy_globals() -> list[Any]:
    """Return what an array of numbers needs to be unpickled, under the names of numpy 1 and 2; nothing else."""
    from numpy._core.multiarray import _reconstruct

    numbers = [type(np.dtype(code)) for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")]
    named = [(_reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    return [*named, np.ndarray, np.dtype, *numbers]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
