"""Make a result again, beside every store, and say how near it comes to the one that is given."""

from __future__ import annotations

from pathlib import Path

import torch

from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import check_device
from lnlbench.benchmark.engine.threads import threads
from lnlbench.benchmark.protocol.settings import Setting, SettingError
from lnlbench.benchmark.protocol.splits import Prepared, fingerprint, images_of
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATED
from lnlbench.benchmark.runs.facts import mode_of
from lnlbench.benchmark.runs.reading import read_run
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.benchmark.verification.findings import MALFORMED
from lnlbench.benchmark.verification.likeness import Reproduction
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.errors import one_line
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._compose import Composition
from lnlbench.methods._errors import MethodError
from lnlbench.methods._parse import parse, without_revision

MOST_THREADS = 256
"""That a record may ask for."""


class ReproductionError(ValueError):
    """A result that cannot be made again here; one line that says why."""


def run_of(result: Result, data_dir: Path | None = None) -> Run:
    """Return the run that a result says it is of.

    Raises:
        DataError: the data set or its labels are not available.
        MethodError: its method is unknown here, or of another revision.
        SettingError: its recipe cannot be run.
        ReproductionError: the key of that run is another one, or the record is malformed.
    """
    try:
        run, drawn = _named(result, data_dir), result.identity["seeds"]["replicate"]
    except (DataError, MethodError, SettingError):
        raise
    except MALFORMED as error:
        raise ReproductionError(f"the record of {result.key} does not read: {one_line(error)}") from None
    if run.key != result.key:
        parts = [("method", result.method, run.text), ("replicate", drawn, result.replicate)]
        off = [f"its {name} is {came}, and here {now}" for name, came, now in parts if came != now]
        why = off[0] if off else "its data, labels or recipe are not those that it names"
        raise ReproductionError(f"the key of {result.key} cannot be made again: {why}")
    return run


def _method(text: str, classes: int) -> Composition:
    try:
        parse(without_revision(text), classes)
    except MethodError as error:  # in no revision: it may be a plug-in's
        raise MethodError(f"{error}; a file of your own is named with --plugin") from None
    return parse(text, classes)


def _named(result: Result, data_dir: Path | None) -> Run:
    setting = Setting(**result.identity["setting"])
    text, told = marked(result.method)
    label, _ = marked(result.label)
    return Run(
        setting,
        _method(text, result.classes),
        label,
        result.replicate,
        fingerprint(setting, images_of(setting.dataset, data_dir)),
        result.track,
        result.identity.get("tuning", {}),
        told=mode_of(told or ESTIMATED),
        precision=precision_of(result),
    )


def reproduce(result: Result, device: str = "auto", data_dir: Path | None = None) -> Reproduction:
    """Make a run again, and hold it against its result; arguments and errors as of `make_again`."""
    return Reproduction(result, make_again(result, device, data_dir))


def make_again(result: Result, device: str = "auto", data_dir: Path | None = None) -> Result:
    """Return the result of a run that is made again as it was made, as far as this machine can; nothing is stored.

    Args:
        result: that names the run; of a reading its host is made, and read off.
        device: as in `fit`; "auto" is the kind that the result was made on, where it is here.
        data_dir: where data sets are.

    Raises:
        DataError, MethodError, SettingError, ReproductionError: as `run_of`.
        ExecutionError: the device is not available.
        ModelError: the network cannot be built.
    """
    run = run_of(result, data_dir)
    trained = run.host or run
    place = device if device != "auto" else _place(str(result.environment.get("device", "auto")))
    execution = str(result.environment.get("execution", "auto"))
    if execution == "graph" and check_device(place).type not in RECORDERS:
        execution = "loop"  # the same steps, taken one by one
    prepared = trained.prepare(images_of(trained.setting.dataset, data_dir))
    assert isinstance(prepared, Prepared)
    count = result.environment.get("threads")
    with threads(count if isinstance(count, int) and 0 < count <= MOST_THREADS else 1):
        ((_, made),) = train_runs(
            [(trained, prepared)],
            device=place,
            execution=execution,
            diagnostics="diagnostics" in result.identity,
        )
    return made if trained is run else read_run(run, made)


def _place(device: str) -> str:
    """Return the kind of device that a result was made on, if it is here; else what is."""
    kind = device.partition(":")[0]
    return kind if kind == "cpu" or (kind == "cuda" and torch.cuda.is_available()) else "auto"
