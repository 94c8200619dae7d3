"""Methods of learning with noisy labels: one file each, found by name. Names are imported when they are first used.

Most of them need torch, which takes seconds to import; splitting a list of methods does not.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnlbench.methods._compose import Composition
    from lnlbench.methods._errors import MethodError
    from lnlbench.methods._paper import FAMILIES, ORIGINS, Paper
    from lnlbench.methods._parse import parse
    from lnlbench.methods._registry import load_file, method_class, methods, register
    from lnlbench.methods._split import split_methods
    from lnlbench.methods.base import Batch, Clock, History, Method, Params, Predict, Record, Task, cross_entropy, tuned

__all__ = [
    "FAMILIES",
    "ORIGINS",
    "Batch",
    "Clock",
    "Composition",
    "History",
    "Method",
    "MethodError",
    "Paper",
    "Params",
    "Predict",
    "Record",
    "Task",
    "cross_entropy",
    "load_file",
    "method_class",
    "methods",
    "parse",
    "register",
    "split_methods",
    "tuned",
]

_HOMES = {
    "_compose": ("Composition",),
    "_errors": ("MethodError",),
    "_paper": ("FAMILIES", "ORIGINS", "Paper"),
    "_parse": ("parse",),
    "_registry": ("load_file", "method_class", "methods", "register"),
    "_split": ("split_methods",),
    "base": ("Batch", "Clock", "History", "Method", "Params", "Predict", "Record", "Task", "cross_entropy", "tuned"),
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
