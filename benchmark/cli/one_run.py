"""The one run that a command names: of a file or folder, of the store, or of what comes with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lnlbench.benchmark.protocol.settings import SettingError, found_names
from lnlbench.benchmark.verification.present import present
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.card import suite_of
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.named import check_name, named
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import results_of
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import existing


def one_run(text: str, own: Mapping[str, str], source: Path | None, address: StoreAddress) -> tuple[str, Result]:
    """Return the result that is meant, and its MLflow run, nothing where it is not of the store.

    Args:
        text: what it is called.
        own: methods of files, as `Chosen.own` has them: of these the runs of what they are now.
        source: the file or folder; without one the store is looked through, then the package.
        address: of the store.

    Raises:
        StoreError: there is none, there are several, or it cannot be read.
        SettingError: there is none, and no such task.
    """
    check_name(text)
    text = _in_full(text)
    try:
        if source is not None:
            return "", named(results_of(source), text, str(source), present(own))
        try:
            with existing(address) as store:
                return store.find(text, present(own))
        except StoreError as error:
            try:
                return "", _carried(text)
            except StoreError as other:
                raise (error if address.exists else StoreError(f"{error}; {other}")) from None
    except StoreError as error:
        _check_setting(text)
        raise error from None


def _carried(text: str) -> Result:
    """Return the result of the package that a text names; of what it cannot mean little is read."""
    from lnlbench.leaderboard.shipped import shipped

    label, setting = _parts(text)
    suites = [setting.partition("/")[0].partition(",")[0]] if setting else None
    found = named((label and shipped(suites=suites, methods=[label])) or shipped(suites=suites), text, "the package")
    whole = shipped(suites=[suite_of(found)], methods=[found.label], predictions=True)
    return next(result for result in whole if result.key == found.key)


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
    """Refuse a name whose task there is not: that is the mistake, and not that nothing is stored."""
    label, setting = _parts(text)
    if label and "/" in setting:
        found_names([setting])


def _parts(text: str) -> tuple[str, str]:
    """Return the method and the setting of a name; nothing where it is a key or a number."""
    *method, setting, _ = text.split() if len(text.split()) > 2 else ["", ""]
    return " ".join(method), setting
