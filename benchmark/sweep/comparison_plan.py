"""What a comparison needs: its runs, which of them are there, and which are still to be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.settings import SettingError, default_replicates, find
from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATED
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import DETECTION, PRIMARY, rule_named
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.methods._parse import MANY_CLASSES, parse


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Methods, what they are held against, and the runs of both."""

    names: tuple[str, ...]  # of the methods, as rows of a board have them
    others: tuple[str, ...]  # of the baselines
    runs: tuple[Run, ...]  # of both, and the hosts of readings
    missing: tuple[Run, ...]  # those that are to be made
    held: Mapping[str, Result]  # of the store, by key
    carried: Mapping[str, Result]  # of the package
    not_reused: tuple[str, ...]  # why shipped results of these settings and methods do not count
    options: Options  # with the plug-ins of both
    left_out: str = ""  # why settings are, in a sentence; nothing where none is

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what is to be known before anything is trained, a line each."""
        left_out = [f"left out: {self.left_out}"] if self.left_out else []
        return (*(f"not reused: {why}" for why in self.not_reused), *left_out)

    @property
    def wanted(self) -> frozenset[str]:
        """Return the keys of the runs that are compared."""
        return frozenset(run.key for run in self.runs if run.name in {*self.names, *self.others})

    @property
    def baselines(self) -> str:
        """Say how many runs of the baselines there are, and where from: `baselines: 80 runs, 80 from the package`."""
        keys = {run.key for run in self.runs if run.name in self.others}
        there = keys - {run.key for run in self.missing if run.key not in self.held}
        counts = {
            "from the store": len(there & self.held.keys()),
            "from the package": len(there - self.held.keys()),
            "to be made": len(keys - there),
        }
        parts = [f"{len(keys)} run{'s' if len(keys) != 1 else ''}"]
        return "baselines: " + ", ".join(parts + [f"{count} {where}" for where, count in counts.items() if count])


def planned(
    method: str,
    against: str,
    targets: Sequence[str],
    replicates: str,
    changes: Mapping[str, Any],
    options: Options,
    precision: str = "auto",
    told: str = ESTIMATED,
    rule: str = PRIMARY,
) -> Comparison:
    """Return what a comparison needs; the arguments are those of `compare`.

    Raises:
        MethodError, SettingError, FactError, DataError, StoreError: something does not exist or cannot be used, or the
            rule finds nothing to measure in any setting.
    """
    _check_rule(rule)
    mine = choose_methods(method, options.plugins)
    others = choose_methods(against, mine.plugins)
    options = replace(options, plugins=others.plugins)
    # A wrong name is said here, before any data are read.
    baselines, asked = ({_in_full(text): text for text in chosen.texts} for chosen in (others, mine))
    labels = [text for full, text in asked.items() if full not in baselines] or [*asked.values()]
    texts = [text for full, text in baselines.items() if asked.get(full) not in labels]
    if not labels or not texts:
        raise SettingError(
            f"a comparison needs a method and other ones to hold it against, got {mine.text!r} and {others.text!r}"
        )
    suites = {SettingName.parse(setting.name).task for setting in find(targets)}
    carried = {result.key: result for result in shipped(suites=suites)}

    def every(texts: Sequence[str], replicates: str) -> list[Run]:
        return grid(targets, ", ".join(texts), replicates, changes, options, told, precision)

    first = every(texts, "0")
    held: dict[str, Result] = {}
    if options.store.exists:
        settings = {run.setting.name for run in first}
        with StoreReader(options.store) as store:
            held = {result.key: result for result in store.stream(settings=settings, predictions=False)}
    known = held.keys() | carried.keys()
    unmeasured = _unmeasured(first, options.data_dir) if rule in DETECTION else []

    def runs_of(texts: Sequence[str], replicates: str) -> list[Run]:
        return [run for run in every(texts, replicates) if run.setting.name not in unmeasured]

    what = f"the rule {rule} finds nothing to measure in {', '.join(unmeasured)}: no label is known to be wrong"
    chosen = replicates or _common(runs_of(texts, "0-9"), known) or default_replicates()
    runs = runs_of([*labels, *texts], chosen)
    if not runs:
        raise SettingError(what)
    wanted = {run.key for run in runs if run.label in {*labels, *texts}}
    needed = {run.key for run in runs if run.key in wanted and run.key not in known}
    hosts = {run.key: run.host.key for run in runs if run.host is not None and run.key in wanted}
    needed |= {host for key, host in hosts.items() if key in needed or host not in known}
    missing = tuple(run for run in runs if run.key in needed)
    names, others_names = (
        tuple(dict.fromkeys(run.name for text in part for run in runs if run.label == text)) for part in (labels, texts)
    )
    return Comparison(
        names=names,
        others=others_names,
        runs=tuple(runs),
        missing=missing,
        held=held,
        carried=carried,
        # A host that ships is made all the same where a reading of it is: then nothing of it does not fit.
        not_reused=tuple(_mismatches([run for run in missing if run.key not in known], carried.values())),
        options=options,
        left_out=what if unmeasured else "",
    )


def _in_full(text: str) -> tuple[str, str]:
    """Return a method with every value, where classes are few and where they are many: equal for one method."""
    return str(parse(text)), str(parse(text, MANY_CLASSES))


def _check_rule(rule: str) -> None:
    """Refuse the name of a rule that there is not.

    Raises:
        SettingError: naming those that there are.
    """
    try:
        rule_named(rule)
    except ValueError as error:
        raise SettingError(str(error)) from None


def _unmeasured(runs: Iterable[Run], data_dir: Path | None) -> list[str]:
    """Return the settings in which no label is wrong, or nobody knows which are, by the draw of one run of each."""
    one_of = {run.setting.name: run for run in runs}
    drawn = {name: run.prepare(images_of(run.setting.dataset, data_dir)) for name, run in one_of.items()}
    return [name for name, data in drawn.items() if not data.manifest["realised_rate"]]


def _common(runs: Sequence[Run], known: set[str]) -> str:
    """Return the replicates that all of these settings and methods have, where there are two of them or more."""
    lacking = {run.replicate for run in runs if run.key not in known}
    found = sorted({run.replicate for run in runs} - lacking)
    return ",".join(map(str, found)) if len(found) > 1 else ""


def _mismatches(runs: Sequence[Run], carried: Iterable[Result]) -> list[str]:
    """Say why shipped results of the same setting, method and replicate are not the runs asked for, a line a reason.

    Where precision is all that differs, the line has the option that reuses them.
    """
    every = list(carried)
    alike = {(run.setting, name, run.replicate): run for run in every for name in (run.method, run.label)}
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}  # of a reason the labels and the settings, in order
    for run in runs:
        place, number = run.setting.name, run.replicate
        other = alike.get((place, run.name, number)) or alike.get((place, run.text, number))
        if other is None:
            continue
        was, now = other.identity.get("setting", {}), run.setting.identity()
        fields = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name) and name != "task")
        reasons = [
            f"protocol {other.protocol}, not {PROTOCOL}" if other.protocol != PROTOCOL else "",
            f"{other.method}, not {run.text}" if other.method != run.text else "",
            "another " + ", ".join(fields) if fields else "",
        ]
        why = "; ".join(filter(None, reasons))
        if (held := precision_of(other)) != run.precision:
            option = "" if why else f" (`--precision {held}` reuses them)"
            why = "; ".join(filter(None, [why, f"{held}, not {run.precision}{option}"]))
        labels, settings = found.setdefault(why or "other data or labels", ({}, {}))
        labels[run.name] = settings[run.setting.name] = None
    return [
        f"the shipped results of {', '.join(labels)} on {', '.join(settings)} are of {why}"
        for why, (labels, settings) in found.items()
    ]
