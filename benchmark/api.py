"""The main jobs from Python: methods on settings, stored and returned; a method against baselines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.results import Results
from lnlbench.benchmark.sweep import comparison
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.ranking.thresholds import MARGIN
from lnlbench.leaderboard.results.rules import PRIMARY
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.reader import StoreReader


def run(
    targets: str | Iterable[str],
    methods: str | Iterable[str] | None = None,
    replicates: str | Iterable[int] | None = None,
    *,
    tracking_uri: str | None = None,
    database: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    execution: str = "auto",
    jobs: int = 1,
    data_dir: Path | None = None,
    plugins: str | Path | Iterable[str | Path] = (),
    told: str | Iterable[str] = "estimated",
    diagnostics: str = "basic",
    **changes: Any,
) -> Results:
    """Run methods on settings; what is stored already is not run again.

    Args:
        targets: suites, settings such as "mnist/symmetric-0.4", patterns: one or several.
        methods: as in "ce, gce(q=0.5), dal + sam, my_loss.py", or several of them; by default those of the suites.
        replicates: numbers, as in range(5), or a text such as "0-4"; by default those of the suites.
        tracking_uri: MLflow store; that of $MLFLOW_TRACKING_URI, or `mlflow.db` in $LNLBENCH_HOME or ~/.lnlbench.
        database: of the claims, where the store is a server; that of $LNLBENCH_DATABASE.
        device: as in `fit`.
        precision: as in `fit`; where it is not fp32 it is part of the runs' keys.
        execution: "auto", "loop", "stack" or "graph", as in `train`.
        jobs: processes; more than one needs a main module that can be imported. One is this process, which ends with a
            run that ends its process.
        data_dir: data sets in the layout of the Hugging Face Hub.
        plugins: a Python file that registers methods, or several.
        told: how methods are told what they must know, as in "estimated,true,true-0.2"; "all" is the whole sweep.
        diagnostics: "basic", or "full": segment gradients, tangent kernel and stable ranks beside training.
        changes: fields of the settings to change, such as `epochs=5`.

    Returns:
        the results of all runs asked for, hosts of readings included, in the order of the grid.

    Raises:
        SettingError, MethodError, FactError, DataError, ModelError, ExecutionError: something does not exist or cannot
            be.
        StoreError: the store cannot be used.
        RunsFailed: runs failed; what is finished is stored.
    """
    chosen = choose_methods(_methods(methods), _plugins(plugins))
    options = Options(
        store=store_address(tracking_uri, database),
        device=device,
        execution=execution,
        jobs=jobs,
        data_dir=data_dir,
        plugins=chosen.plugins,
        diagnostics=diagnostics,
    )
    runs = grid(_targets(targets), chosen.text, _replicates(replicates), changes, options, _told(told), precision)
    sweep(runs, options).check()
    with StoreReader(options.store) as store:
        return Results(store.results_of([run.key for run in runs]))


def compare(
    method: str,
    against: str | Iterable[str] = "ce, gce",
    targets: str | Iterable[str] = "mnist-mlp-core",
    replicates: str | Iterable[int] | None = None,
    *,
    rule: str = PRIMARY,
    told: str | Iterable[str] = "estimated",
    margin: float = MARGIN,
    tracking_uri: str | None = None,
    database: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    jobs: int = 1,
    data_dir: Path | None = None,
    plugins: str | Path | Iterable[str | Path] = (),
    **changes: Any,
) -> list[comparison.Verdict]:
    """Compare a method with baselines: only what is neither stored nor shipped is run.

    Args:
        method: as in `run`; a file may register several.
        against: baselines, separated by commas, or several.
        targets: suites and settings.
        replicates: by default those that all baselines have already, or the suites' own.
        rule: which epoch counts; one of "noisy_val", "final", "mean10", "oracle".
        told: how method and baselines are told what they must know, as in `run`.
        margin: points within which two methods are practically equal.
        tracking_uri: as in `run`, like all that follows.
        database: of the claims.
        device: as in `fit`.
        precision: as in `fit`.
        jobs: processes.
        data_dir: data sets in the layout of the Hugging Face Hub.
        plugins: a Python file that registers methods, or several.
        changes: fields of the settings to change.

    Returns:
        a verdict per method: its `rows` hold difference, interval and p against each baseline, per setting and overall.

    Raises:
        MethodError, SettingError, DataError, StoreError: something does not exist or cannot be used.
        RunsFailed: runs failed; what is finished is stored.
    """
    store = store_address(tracking_uri, database)
    options = Options(store=store, device=device, jobs=jobs, data_dir=data_dir, plugins=_plugins(plugins))
    what = _methods(method), _methods(against), _targets(targets), _replicates(replicates)
    return comparison.compare(*what, changes, options, sweep, rule, precision, _told(told), margin)


def _targets(names: str | Iterable[str]) -> list[str]:
    found = _several("targets", names, str, "'digits' or ['mnist/clean', 'mnist/symmetric-0.4']")
    if not found:
        raise SettingError("targets are empty: name suites or settings")
    return found


def _plugins(files: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    return tuple(map(Path, _several("plugins", files, (str, Path), "'my_loss.py' or ['my_loss.py', 'other.py']")))


def _told(modes: str | Iterable[str]) -> str:
    return ",".join(_several("told", modes, str, "'estimated' or ['estimated', 'true']"))


def _methods(names: str | Iterable[str] | None) -> str:
    return "" if names is None else _listed("methods", names, "'ce, gce'")


def _replicates(numbers: str | Iterable[int] | None) -> str:
    return "" if numbers is None else _listed("replicates", numbers, "range(3)")


def _listed(what: str, values: str | Iterable[object], example: str) -> str:
    """Return values as one text.

    Raises:
        SettingError: there are none, which is not to mean all, or it is something else.
    """
    if not isinstance(values, Iterable):
        raise SettingError(f"{what} are several, as in {example}, but got {values!r}")
    text = values if isinstance(values, str) else ", ".join(map(str, values))
    if not text.strip():
        raise SettingError(f"{what} are empty: leave them out for those of the suite")
    return text


def _several(what: str, values: object, kinds: type | tuple[type, ...], example: str) -> list[Any]:
    """Return one value or several as a list.

    Raises:
        SettingError: it is something else, or a value of it is.
    """
    found = [values] if isinstance(values, kinds) or not isinstance(values, Iterable) else [*values]
    if not all(isinstance(value, kinds) for value in found):
        raise SettingError(f"{what} are one or several, as in {example}, but got {values!r}")
    return found
