"""What a check is given and what it yields: a method with data to train on, and findings with the line at fault."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FrameType

import torch

from lnlbench.benchmark.engine.job import Epoch, Job
from lnlbench.benchmark.engine.trainer import fit
from lnlbench.benchmark.protocol.settings import Setting, setting
from lnlbench.benchmark.protocol.splits import Prepared, prepare
from lnlbench.benchmark.sweep.plugins import line_in
from lnlbench.datasets.loading.images import load
from lnlbench.methods._compose import Composition
from lnlbench.methods._parse import parse
from lnlbench.methods._registry import file_of

NOISY, CLEAN = "digits/symmetric-0.4", "digits/clean"
EPOCHS = 8
CHANCE = 0.1
TOLD: dict[str, torch.Tensor] = {
    "noise_rate": torch.tensor(0.4),
    "transition_matrix": torch.full((10, 10), 0.4 / 9).fill_diagonal_(0.6),
    "clean_validation": torch.zeros(5, dtype=torch.int64),
}
"""Examples of the facts that a method may ask for, for hooks outside of training."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found: a fault, a fact worth knowing, or that there was nothing to check."""

    reason: str
    where: str = ""  # file:line where it is known
    fault: bool = True
    result: str = ""  # the word for it; by default FAULT, or note, or ok where there is nothing to say
    ends: bool = False  # whether the method does not train, so that no later check would tell anything else


class TrainingError(Exception):
    """A method raises while it is trained, what is its cause."""


Check = Callable[["Subject"], Iterable[Finding]]
"""One property of a method: yields nothing where it holds."""


@dataclass(frozen=True)
class Subject:
    """A method under test.

    Attributes:
        text: as `parse` reads it.
    """

    text: str

    @cached_property
    def method(self) -> Composition:
        """The method."""
        return parse(self.text)

    @cached_property
    def files(self) -> list[Path]:
        """The files of its parts."""
        found = [inspect.getsourcefile(type(part)) for part in self.method.parts]
        return [Path(name) for name in dict.fromkeys(found) if name]

    @property
    def plugins(self) -> list[Path]:
        """The files that another process must load for its parts."""
        return list(dict.fromkeys(file for part in self.method.parts if (file := file_of(type(part)))))

    def prepared(self, name: str, epochs: int = EPOCHS, augment: bool = False) -> tuple[Setting, Prepared]:
        """Digits under a noise."""
        chosen = setting(name).override(epochs=epochs, augment=augment)
        return chosen, prepare(chosen, 0, load("digits"))

    def job(self, name: str = NOISY, epochs: int = EPOCHS, augment: bool = False) -> Job:
        """Return a run of the method on digits."""
        chosen, data = self.prepared(name, epochs, augment)
        true = {
            "noise_rate": data.manifest["realised_rate"],  # a method that is told 0.4 of clean labels drops good ones
            "transition_matrix": torch.tensor(data.manifest["transition_matrix"]),
            "clean_validation": data.truth.validation,
        }
        told = {fact: true[fact] for fact in self.method.told if fact in true}
        return Job(chosen, self.method, 0, data.split, told)

    def train(self, job: Job) -> list[Epoch]:
        """All epochs of a job in the reference execution.

        Raises:
            TrainingError: the method raises something.
        """
        try:
            return list(fit(job, device="cpu", precision="fp32"))
        except (Exception, SystemExit) as error:  # whatever a method raises
            raise TrainingError from error

    def where(self, error: BaseException) -> str:
        """Return the innermost line of the method's own files that an error passed through."""
        return line_in(self.files, error)

    def caller(self, depth: int = 2) -> tuple[str, str] | None:
        """Return the innermost executing line of the method's own files, and its function; None outside them."""
        names = {str(file) for file in self.files}
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            if frame.f_code.co_filename in names:
                return f"{frame.f_code.co_filename}:{frame.f_lineno}", frame.f_code.co_name
            frame = frame.f_back
        return None

    def imports(self, module: str) -> str:
        """Return the lines at which the method's files import a module or a part of it."""
        found = [
            f"{file}:{line}"
            for file in self.files
            for name, line in imported(ast.parse(file.read_text(encoding="utf-8")))
            if f"{name}.".startswith(f"{module}.")
        ]
        return ", ".join(dict.fromkeys(found))

    def lines(self, suspects: Iterable[str]) -> str:
        """Return the lines of the method's files that name one of these, dotted names from their last part: a hint."""
        wanted = set(suspects)
        found: dict[str, None] = {}
        for file in self.files:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if wanted & set(_names(node)):
                    found[f"{file}:{getattr(node, 'lineno', 1)}"] = None
        return ", ".join(sorted(found, key=lambda place: int(place.rpartition(":")[2])))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Full name and line of everything that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def raised(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _names(node: ast.AST) -> Iterator[str]:
    """Return what a node names: `torch.rand` is named by itself, not by `rand`."""
    if isinstance(node, ast.Attribute):
        yield ast.unparse(node)
        yield f".{node.attr}"
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.FunctionDef):
        yield f"def {node.name}"
