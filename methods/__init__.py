"""Methods of learning with noisy labels: one file each, found by name."""

from lnlbench.methods._compose import Composition
from lnlbench.methods._paper import FAMILIES, ORIGINS, Paper
from lnlbench.methods._parse import parse, split_methods
from lnlbench.methods._registry import load_file, method_class, methods, register
from lnlbench.methods.base import Batch, Clock, History, Method, MethodError, Params, Predict, Record, Task, tuned

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
    "load_file",
    "method_class",
    "methods",
    "parse",
    "register",
    "split_methods",
    "tuned",
]
