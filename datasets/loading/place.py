"""Paths as people write them: ``~/folder``, ``folder#given=a``, ``labels.parquet#column``."""

from __future__ import annotations

from pathlib import Path


def expanded(text: str | Path) -> Path:
    """Return a path with ``~`` replaced by the home; as it is written where nobody has such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_folder(text: str | Path) -> bool:
    """Return whether there is such a folder; a text that no file system allows as a name is none."""
    try:
        return expanded(text).is_dir()
    except (OSError, ValueError):
        return False


def split_place(text: str) -> tuple[str, str]:
    """Return the path and what follows its last ``#``; where the whole text is the path of something, nothing does."""
    try:
        whole = "#" not in text or expanded(text).exists()
    except (OSError, ValueError):
        whole = False
    if whole:
        return text, ""
    place, _, asked = text.rpartition("#")
    return place, asked
