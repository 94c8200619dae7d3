"""The commands that make runs: those of a row of a board, the one that made a run, and the one that makes it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence

from lnlbench.leaderboard.results.form import SEARCHED
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName

LETTERS = 12
"""Of a key, that a command names a run by."""
_SPECIAL = re.compile(r'["$`\\!]')  # within double quotes


def command(
    settings: Sequence[str],
    methods: Sequence[str],
    replicates: Sequence[int],
    precisions: Collection[str],
    plugins: Iterable[str] = (),
) -> str:
    """Return the command that makes runs; nothing where no single one does.

    Args:
        settings: names; what was changed stands behind a comma, as in `digits,epochs=2/clean`.
        methods: as they were written.
        replicates: in order.
        precisions: of the runs; the command names it, since what `auto` is depends on recipe and device.
        plugins: files that register them.
    """
    names = [SettingName.parse(setting) for setting in settings]
    changes = {name.changes for name in names}
    if len(changes) != 1 or len(precisions) != 1 or any(" [" in name for name in methods):
        return ""
    targets = [str(name.unchanged) for name in names]
    options = "".join(f" --set {shlex.quote(change)}" for change in changes.pop())
    first, last = replicates[0], replicates[-1]
    numbers = f"{first}-{last}" if len(replicates) > 1 else f"{first}"
    options += "".join(f" --precision {shlex.quote(name)}" for name in precisions) + _named(plugins)
    listed = quoted_methods(", ".join(methods))
    return f"lnlbench run {shlex.join(targets)} --methods {listed} --replicates {numbers}{options}"


def quoted_methods(text: str) -> str:
    """Return a list of methods as a word of a shell: in double quotes, unless a shell would read into these."""
    return shlex.quote(text) if _SPECIAL.search(text) else f'"{text}"'


def plugins_of(result: Result) -> tuple[str, ...]:
    """Return the files that registered the method of a result, by their names; none where it is one of the package's.

    Records of before have no such names.
    """
    named = result.environment.get("plugins", ())
    return tuple(map(str, named)) if isinstance(named, Sequence) and not isinstance(named, str) else ()


def that_made(result: Result, plugins: Iterable[str] | None = None) -> str:
    """Return the command that makes the run of a result; nothing of a tuned one, which takes a whole search.

    Args:
        result: of the run.
        plugins: paths of the files that register its method; by default their names, as far as they are recorded.
    """
    if result.track in SEARCHED:
        return ""
    name, mark = marked(result.label)
    files = plugins_of(result) if plugins is None else plugins
    found = command([result.setting], [name], [result.replicate], [precision_of(result)], files)
    told = f" --told {mark}" if mark and found else ""
    execution, place = result.environment.get("execution"), str(result.environment.get("device", "")).partition(":")[0]
    options = (("execution", execution), ("device", place))
    how = "".join(f" --{name} {shlex.quote(str(value))}" for name, value in options if value)
    return found + told + how if found else ""


def that_reproduces(result: Result, plugins: Iterable[str] | None = None) -> str:
    """Return the command that makes a run again beside the store, and compares; arguments as of `that_made`."""
    return f"lnlbench reproduce {result.key[:LETTERS]}" + _named(plugins_of(result) if plugins is None else plugins)


def _named(plugins: Iterable[str]) -> str:
    return "".join(f" --plugin {shlex.quote(file)}" for file in plugins)
