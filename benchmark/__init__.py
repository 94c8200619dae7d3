"""The harness: settings, training, runs and sweeps. What is imported here is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnlbench.benchmark.api import compare, run
    from lnlbench.benchmark.engine.job import Epoch, Job, Samples
    from lnlbench.benchmark.engine.trainer import fit, train
    from lnlbench.benchmark.protocol.settings import Setting, find, setting, suites
    from lnlbench.benchmark.protocol.splits import Prepared, Split, Truth, images_of, prepare
    from lnlbench.benchmark.results import Results, load
    from lnlbench.benchmark.runs.artifacts import Trained, load_model
    from lnlbench.benchmark.sweep.failures import RunsFailed
    from lnlbench.benchmark.tuning.replay import Replay, table

__all__ = [
    "Epoch",
    "Job",
    "Prepared",
    "Replay",
    "Results",
    "RunsFailed",
    "Samples",
    "Setting",
    "Split",
    "Trained",
    "Truth",
    "compare",
    "find",
    "fit",
    "images_of",
    "load",
    "load_model",
    "prepare",
    "run",
    "setting",
    "suites",
    "table",
    "train",
]

_HOMES = {
    "api": ("compare", "run"),
    "results": ("Results", "load"),
    "sweep.failures": ("RunsFailed",),
    "tuning.replay": ("Replay", "table"),
    "protocol.splits": ("Split", "Prepared", "Truth", "images_of", "prepare"),
    "engine.job": ("Epoch", "Job", "Samples"),
    "runs.artifacts": ("Trained", "load_model"),
    "protocol.settings": ("Setting", "find", "setting", "suites"),
    "engine.trainer": ("fit", "train"),
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `fit` works where only torch and timm are installed, and `--help` answers at once.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("lnlbench")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
