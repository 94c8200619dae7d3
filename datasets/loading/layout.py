"""Find which files of a folder are its training split and which its test split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.datasets.loading.errors import DataError, listed
from lnlbench.datasets.loading.pixels import ENDINGS
from lnlbench.datasets.loading.shards import check_shards
from lnlbench.datasets.loading.source import SPLITS
from lnlbench.datasets.loading.walk import walk

WORDS = {
    "train": ("train", "training", "trainset"),
    "test": ("test", "testing", "testset"),
    "validation": ("validation", "valid", "val", "dev", "eval", "evaluation"),
}
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
OTHER_DATA = (*ARCHIVES, ".parquet", ".arrow", ".npy", ".npz", ".csv", ".tsv", ".jsonl", ".json", ".pt", ".h5")


@dataclass
class SplitFiles:
    """The files of one split: parquet files, or images below a folder and the tables beside them."""

    shards: list[Path] = field(default_factory=list)
    root: Path | None = None
    images: list[Path] = field(default_factory=list)
    metadata: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """The files of both splits by name, the tables at the top, and what is to be said about the rest."""

    splits: dict[str, SplitFiles]
    metadata: list[Path]
    notes: list[str]


def find_splits(folder: Path) -> Layout:
    """Return the files of the training and of the test split of a folder.

    Raises:
        DataError: a split is missing, incomplete or there twice.
    """
    contents = walk(folder)
    splits = {name: SplitFiles() for name in WORDS}
    metadata: list[Path] = []
    left_out: list[Path] = [*contents.loops, *contents.special]
    for path in contents.files:
        inside = path.relative_to(folder)
        split = _split_of_folder(inside.parts[0]) if len(inside.parts) > 1 else None
        ending = path.suffix.lower()
        if path.name in METADATA and (split or len(inside.parts) == 1):
            (splits[split].metadata if split else metadata).append(path)
        elif ending == ".parquet" and (named := _split_of_shard(inside)):
            splits[named].shards.append(path)
        elif split and ending in ENDINGS:
            splits[split].images.append(path)
            splits[split].root = _only_root(splits[split].root, folder / inside.parts[0], split)
        elif split in SPLITS or ending in ENDINGS or ending in OTHER_DATA:
            left_out.append(path)
    for name in SPLITS:
        _check_split(folder, name, splits, contents.files)
    held_out = [*splits["validation"].images, *splits["validation"].shards]
    notes = [
        f"{path} has no images" for path in contents.empty if path.parent in {splits[name].root for name in SPLITS}
    ]
    if held_out:
        notes.append(
            f"{folder}: {len(held_out)} files of a validation split are left out; the validation part is taken from "
            "the training split"
        )
    if left_out:
        notes.append(f"{folder}: {_summary(folder, left_out)}")
    return Layout({name: splits[name] for name in SPLITS}, metadata, notes)


def _split_of_folder(name: str) -> str | None:
    return next((split for split, words in WORDS.items() if name.casefold() in words), None)


def _split_of_shard(inside: Path) -> str | None:
    """Return the split that a parquet file's own name says, or else the nearest folder's."""
    stem = inside.stem.casefold()
    named = [split for split, words in WORDS.items() if re.search(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])", stem)]
    if len(named) > 1:
        raise DataError(f"the name of {inside} says both {' and '.join(named)}; rename it")
    folders = (_split_of_folder(name) for name in reversed(inside.parts[:-1]))
    return named[0] if named else next(filter(None, folders), None)


def _only_root(known: Path | None, root: Path, split: str) -> Path:
    if known not in (None, root):
        raise DataError(f"{known} and {root} are both a {split} split; keep one")
    return root


def _check_split(folder: Path, name: str, splits: dict[str, SplitFiles], files: Sequence[Path]) -> None:
    split = splits[name]
    if split.shards and split.images:
        raise DataError(f"{folder} has its {name} split twice: in {split.shards[0]} and below {split.root}; keep one")
    if split.shards:
        check_shards(split.shards, folder, name)
    elif not split.images:
        raise DataError(
            f"{folder} has no {name} split: neither {name}*.parquet nor images below {name}/"
            f"{_hint(folder, name, files)}"
        )


def _hint(folder: Path, name: str, files: Sequence[Path]) -> str:
    """Return what may help somebody whose folder lacks a split."""
    inside = [path.relative_to(folder) for path in files]
    nested = sorted({str(Path(*path.parts[:-2][:i])) for path in inside for i in _places(path, name)} - {"."})
    archives = [str(path) for path in inside if path.suffix.lower() in ARCHIVES]
    below = [path for path in inside if _split_of_folder(path.parts[0]) == name and len(path.parts) > 1]
    held_out = sorted({path.parts[0] for path in inside if _split_of_folder(path.parts[0]) == "validation"})
    if nested:
        return f"; did you mean {folder / nested[0]}?"
    if below:
        endings = [ending or "no ending" for ending, _ in Counter(path.suffix for path in below).most_common()]
        return f", where the {len(below)} files are no images ({listed(endings)})"
    if archives:
        return f"; unpack {listed(archives)} first"
    if held_out and name == "test":
        return f"; rename {held_out[0]} to test if scores are to be taken there"
    return ""


def _places(path: Path, name: str) -> list[int]:
    """Return at which depths below the top a folder of this path is called like the split."""
    return [i for i, part in enumerate(path.parts[:-1]) if i and _split_of_folder(part) == name]


def _summary(folder: Path, left_out: Sequence[Path]) -> str:
    counts = Counter(path.relative_to(folder).parts[0] for path in left_out)
    inside = [str(path.relative_to(folder)) for path in left_out if counts[path.relative_to(folder).parts[0]] <= 3]
    folders = [f"{name}/ ({count} files)" for name, count in counts.items() if count > 3]
    number = f"{len(left_out)} files are" if len(left_out) > 1 else "1 file is"
    return f"{number} left out: {listed([*inside, *folders], 5)}"
