"""The results that suites and settings name, from the store or from files; where there are none, what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.benchmark.cli.parameters import TRACKS
from lnlbench.benchmark.cli.rows import is_named, lacking, with_hosts
from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.leaderboard.results.listing import some

if TYPE_CHECKING:
    from lnlbench.leaderboard.results.result import Result
    from lnlbench.leaderboard.results.submission import Collection
    from lnlbench.leaderboard.store.address import StoreAddress

LISTED = 8  # settings in a message


def stored(
    targets: Sequence[str],
    source: Path | StoreAddress,
    track: str = "",
    say: Callable[[str], None] = lambda line: None,
    methods: str = "",
) -> Collection:
    """Return the results of suites and settings, or all, from files or from the store; of one track, or of all.

    Where a setting was run with other values alone, another length say, these runs are taken, and `say` is told. It is
    told of settings in files, too, that have the task of a suite and are no part of it: the board would be another one.

    Raises:
        SettingError: nothing is there; or nothing of one of `methods`, of which there is something elsewhere.
        StoreError: the store or the archive cannot be used.
    """
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.leaderboard.results.card import suite_of
    from lnlbench.leaderboard.results.references import is_wanted
    from lnlbench.leaderboard.results.setting_name import SettingName
    from lnlbench.leaderboard.results.submission import Collection, collect
    from lnlbench.leaderboard.shipped import FOLDER
    from lnlbench.leaderboard.store.reader import StoreReader

    read: set[str] = set()  # settings in files, wanted or not

    def held(wanted: set[str] | None) -> Collection:
        found = Collection((), {}, {})
        if isinstance(source, Path):
            suites = None if wanted is None else {SettingName.parse(name).task for name in wanted}
            found = collect([source], lenient=True, suites=suites)
            read.update(result.setting for result in found.results)
        elif source.exists:
            with StoreReader(source) as store:
                found = Collection(tuple(store.stream(settings=wanted, predictions=False)), {}, {})
        return replace(found, results=tuple(x for x in found.results if wanted is None or is_wanted(x.setting, wanted)))

    def of_track(results: Iterable[Result]) -> tuple[Result, ...]:
        return tuple(result for result in results if not track or result.track == track)

    def refuse_lacking(results: Sequence[Result]) -> None:
        """Say of a method that there are runs of another length or track, where these are what is there of it."""
        if (lost := lacking(results, choose_methods(methods).texts)) is None:
            return
        if others := _places(run for run in held(None).results if is_named(run.label, run.method, [lost])):
            where = ", ".join(filter(None, [" ".join(targets), track and f"track {track}"]))
            raise SettingError(f"nothing is stored of {lost!r} in {where}; of it there is: {some(others, LISTED)}")

    if track and track not in TRACKS:
        raise SettingError(unknown("track", track, TRACKS))
    wanted = settings.found_names(targets) if targets else None
    found = held(wanted)
    if ranked := of_track(found.results):
        if beyond := sorted(name for name in read - (wanted or read) if _is_meant(name, targets)):
            having = [name for name, all_of in members_of_suites().items() if not all_of.isdisjoint(beyond)]
            how = "settings to rank them" + "".join(f", or the suite {name}" for name in having)
            say(f"also there, and no part of {' '.join(targets)}: {', '.join(beyond)}; name {how}")
        refuse_lacking(ranked)
        return replace(found, results=ranked)
    what = f" of {' '.join(targets)}" if targets else ""
    every = found if wanted is None else held(None)
    names = wanted or ()
    changed = [
        result for result in of_track(every.results) if str(SettingName.parse(result.setting).unchanged) in names
    ]
    if changed:
        values = sorted({",".join(SettingName.parse(result.setting).changes) for result in changed})
        say(f"nothing is stored{what} as it is; these are {len(changed)} runs with {' and with '.join(values)}")
        refuse_lacking(changed)
        return replace(every, results=tuple(changed))
    suites = sorted({suite_of(result) for result in every.results})
    if source == FOLDER and names and {SettingName.parse(name).task for name in names}.isdisjoint(suites):
        raise SettingError(f"the package has no results on {' '.join(targets)}; it has the suites {', '.join(suites)}")
    what += f" in the track {track}" if track else ""
    if others := _places(every.results):
        raise SettingError(f"nothing is stored{what}; there is: {some(others, LISTED)}")
    raise SettingError(
        f"nothing is stored yet in {source} that could be ranked; `lnlbench run digits` is a first run, and `lnlbench "
        "leaderboard --from shipped` shows what comes with the package"
    )


def _places(results: Iterable[Result]) -> list[str]:
    return sorted({f"{result.setting} ({result.track})" for result in results})


def _is_meant(setting: str, targets: Sequence[str]) -> bool:
    """Return whether who names these suites and patterns may expect a setting: it has the task of one, or fits one."""
    return any(setting.startswith(f"{target}/") or fnmatchcase(setting, target) for target in targets)


def each(
    targets: Sequence[str],
    source: StoreAddress,
    *,
    predictions: bool,
    methods: str = "",
    track: str = "",
) -> Iterator[Result]:
    """Yield what `stored` returns of a store, one by one and never held together, with predictions if they are wanted.

    Of some methods alone, or of one track, where that is asked for; the hosts of readings are always among them.

    Raises:
        SettingError, StoreError: as `stored`, and nothing is there of a method.
    """
    from lnlbench.leaderboard.store.reader import StoreReader

    if methods or track:
        chosen = with_hosts(stored(targets, source, track, methods=methods).results, methods)
        keys, names = {result.key for result in chosen}, {result.setting for result in chosen}
        with StoreReader(source) as store:
            every = store.stream(settings=names, predictions=predictions)
            yield from (result for result in every if result.key in keys)
        return
    wanted = settings.found_names(targets) if targets else None
    nothing = True
    if source.exists:
        with StoreReader(source) as store:
            for result in store.stream(settings=wanted, predictions=predictions):
                nothing = False
                yield result
    if nothing:
        changed = {result.setting for result in stored(targets, source).results}  # or says what there is
        with StoreReader(source) as store:
            yield from store.stream(settings=changed, predictions=predictions)


def members_of_suites() -> dict[str, set[str]]:
    """Return the names of the settings of every suite."""
    return {name: {setting.name for setting in members} for name, members in settings.suites().items()}
