"""Fields of a setting that a command line changes: `--set lr=0.1`, and the options that are short for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.results.setting_name import value_of


def overrides(texts: Sequence[str], **options: str | None) -> dict[str, Any]:
    """Return fields and values of texts such as `lr=0.1`, and of options.

    Args:
        texts: as given with `--set`.
        options: fields that have an option of their own, as it was given; None where it was not.

    Raises:
        SettingError: a text without a field or a value, or a field that is given twice.
    """
    short = [f"{name}={value}" for name, value in options.items() if value is not None]
    changed: dict[str, Any] = {}
    for text in [*short, *texts]:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise SettingError(f"a changed field is written name=value, as in lr=0.1, but got {text!r}")
        if name in changed:
            raise SettingError(f"the field {name!r} is given twice, at last as {text!r}")
        changed[name] = value_of(value)
    return changed
