"""The one run that a command names: of a file or folder, of the store, or of what comes with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lnlbench.benchmark.protocol.settings import SettingError, found_names
from lnlbench.benchmark.verification.present import present
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.archive import stream
from lnlbench.leaderboard.results.card import suite_of
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.listing import listed
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.named import check_name, named
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.results.submission import collect, submissions
from lnlbench.leaderboard.shipped import FOLDER
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import existing

Found = tuple[str, Result, dict[str, Result]]
"""The MLflow run of a result, nothing where it is not of the store; the result; the host of a reading, by its key."""


def one_run(text: str, own: Mapping[str, str], source: Path | None, address: StoreAddress) -> Found:
    """Return the result that is meant, with its MLflow run and its host, where these are there.

    Args:
        text: what it is called.
        own: methods of files, as `Chosen.own` has them: of these the runs of what they are now.
        source: the file or folder; without one the store is looked through, then the package.
        address: of the store.

    Raises:
        StoreError: there is none, there are several, or it cannot be read.
        SettingError: there is none, and no such task.
        MethodError: the store has none, and there is no such method.
    """
    check_name(text)
    text = _in_full(text)
    try:
        if source is not None:
            return "", *(_carried(text) if source == FOLDER else _held(text, own, source))
        try:
            with existing(address) as store:
                run_id, result = store.find(text, present(own))
                return run_id, result, store.hosts_of([result])
        except StoreError as error:
            try:
                return "", *_carried(text)
            except StoreError as other:
                if not address.exists:
                    raise StoreError(f"{error}; {other}") from None
                _check_method(text, address)
                raise error from None
    except StoreError as error:
        _check_setting(text)
        raise error from None


def _held(text: str, own: Mapping[str, str], source: Path) -> tuple[Result, dict[str, Result]]:
    """Return the result of a file or folder that a text names, and its host; predictions are read of its file alone."""
    once = source.is_fifo()
    held = collect([source], predictions=once)
    found = named(held.results, text, str(source), present(own))
    if not once:
        folders = submissions(source) if source.is_dir() else ()
        files = [one.records for one in folders if one.card == held.cards[found.key]] or [source]
        found = next(result for file in files for result in stream(file) if result.key == found.key)
    return found, {host.key: host for host in held.results if host.key == found.host}


def _carried(text: str) -> tuple[Result, dict[str, Result]]:
    """Return the result of the package that a text names, and its host; of what it cannot mean little is read."""
    from lnlbench.leaderboard.shipped import shipped

    label, setting = _parts(text)
    suites = [setting.partition("/")[0].partition(",")[0]] if setting else None
    found = named((label and shipped(suites=suites, methods=[label])) or shipped(suites=suites), text, "the package")
    whole = shipped(suites=[suite_of(found)], methods=[found.label], predictions=True)
    hosts = shipped(suites=[suite_of(found)]) if found.host is not None else ()
    result = next(result for result in whole if result.key == found.key)
    return result, {host.key: host for host in hosts if host.key == found.host}


def _in_full(text: str) -> str:
    """Return a name with its setting as results have it: `lr=100` is `lr=100.0` there, a folder its data set."""
    label, setting = _parts(text)
    try:
        (name,) = found_names([setting]) if setting else [""]
    except (
        SettingError,
        DataError,
        ValueError,
    ):  # several settings, or none: what is wrong is said where none is found
        return text
    return f"{label} {name} {text.split()[-1]}" if name else text


def _check_setting(text: str) -> None:
    """Refuse a name whose task there is not, or of several settings: these are mistakes, not that nothing is stored."""
    label, setting = _parts(text)
    if label and len(names := found_names([setting])) > 1:
        one = listed(sorted(names, key=lambda name: SettingName.parse(name).order), "or")
        raise SettingError(f"{setting} is several settings: name {one}")


def _check_method(text: str, address: StoreAddress) -> None:
    """Refuse a name whose method there is not: no command makes such a run. What is stored may be of a file."""
    label, _ = _parts(text)
    with existing(address) as store:
        held = not label or label in store.labels()
    if not held:
        from lnlbench.methods._parse import parse  # needs torch

        parse(marked(label)[0])


def _parts(text: str) -> tuple[str, str]:
    """Return the method and the setting of a name; nothing where it is a key or a number."""
    *method, setting, _ = text.split() if len(text.split()) > 2 else ["", ""]
    return " ".join(method), setting
