"""Reference rows: runs of a multiple of a setting's length, shown beside it so that equal passes can be compared."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName


def base(setting: str) -> str:
    """Return the setting whose length a setting multiplies: `mnist-fast/clean` of `mnist-fast,epochs=2x/clean`."""
    return str(SettingName.parse(setting).base) if "," in setting else setting


def is_wanted(setting: str, wanted: Collection[str]) -> bool:
    """Return whether a setting is one of those wanted, or a multiple of the length of one."""
    return setting in wanted or base(setting) in wanted


def split_references(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Return the results that rank, and those that are references to one of their settings.

    A reference is renamed: the label says by how much its training is longer, `ce (2x epochs)`, and the setting is
    the one that it refers to. Without results of that setting it stays what it is.
    """
    settings = {(r.protocol, r.length, r.track, r.setting) for r in results}
    ranked, references = [], []
    for result in results:
        name = SettingName.parse(result.setting)
        setting = str(name.base)
        if not name.multiple or (result.protocol, result.length, result.track, setting) not in settings:
            ranked.append(result)
            continue
        longer = f"({name.multiple} epochs)"
        label, method = f"{result.label} {longer}", f"{result.method} {longer}"
        references.append(replace(result, setting=setting, label=label, method=method))
    return ranked, references
