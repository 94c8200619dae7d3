"""One run as a value: the setting, method and replicate that are to be trained."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lnlbench.benchmark.protocol.keys import PROTOCOL, key_of
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Blind, Prepared, prepare
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATE, ESTIMATED
from lnlbench.benchmark.runs.facts import mark_of, varies
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.results.precision import PLAIN
from lnlbench.methods._compose import Composition


@dataclass(frozen=True)
class Run:
    """One cell of a grid and one replicate, to be run."""

    setting: Setting
    method: Composition
    label: str  # the method as the user wrote it
    replicate: int
    fingerprint: str  # of the data set, and of labels that are not drawn
    track: str = "default"
    tuning: Mapping[str, Any] = field(default_factory=dict, compare=False)  # the search that chose the values
    study: str | None = None  # that a trial belongs to
    told: str = ESTIMATED  # how a method gets its side information, one of `facts.modes`
    precision: str = PLAIN  # that it is computed in: "fp32", "bf16" or "fp64"

    @property
    def blind(self) -> bool:
        """Whether no label of the test set may enter the process that makes it."""
        return False

    @property
    def draw(self) -> Hashable:
        """The name of noise draw, split and training seed."""
        return self.replicate

    @property
    def mark(self) -> str:
        """How the method gets side information that can be estimated; empty where it needs none."""
        return mark_of(self.told) if varies(self.method.told) else ""

    @property
    def text(self) -> str:
        """The method with every value, and how it gets its side information."""
        return f"{self.method} [{self.mark}]" if self.mark else str(self.method)

    @property
    def name(self) -> str:
        """The method as the user wrote it, and how it gets its side information, if not by an estimate."""
        return self.label if self.mark in ("", ESTIMATE) else f"{self.label} [{self.mark}]"

    @cached_property
    def key(self) -> str:
        """Return a hash of all that makes the result, made once: sweeps and forecasts ask for it many times.

        Protocol, data, setting, method with every value, replicate and track; the precision where it is not fp32.
        """
        return key_of(
            PROTOCOL,
            self.fingerprint,
            self.setting.identity(),
            self.text,
            self.replicate,
            self.track,
            self.method.sources,
            self.marks,
            self.precision,
        )

    @property
    def names(self) -> dict[str, Any]:
        """Return the names of the run in stores and records: the fields that `RunInfo` and `Result` share."""
        setting, host = self.setting, self.host
        return {
            "key": self.key,
            "dataset": setting.dataset,
            "setting": setting.name,
            "noise": setting.noise,
            "length": setting.length,
            "track": self.track,
            "method": self.text,
            "label": self.name,
            "replicate": self.replicate,
            "host": host.key if host else None,
        }

    @property
    def marks(self) -> tuple[Any, ...]:
        """Further parts of its key."""
        return ()

    def prepare(self, images: Images) -> Prepared | Blind:
        """Prepare its data."""
        return prepare(self.setting, self.draw, images)

    @property
    def data_key(self) -> tuple[Hashable, ...]:
        """Return a key of its data: equal for runs of equal data."""
        setting = self.setting
        recipe = (setting.dataset, setting.noise, setting.samples, setting.validation)
        return type(self).__name__, self.fingerprint, recipe, self.draw

    @property
    def host(self) -> Run | None:
        """The run whose history gives the result of this one, where it is not trained itself."""
        if not self.method.is_reading:
            return None
        method = self.method.host
        names = [part.name for part in method.parts]
        written = [part for part in _parts(self.label) if part.partition("(")[0] in names]
        return replace(self, method=method, label=" + ".join(written) or "ce")


def with_data(runs: Sequence[Run], images_of: Callable[..., Images]) -> list[tuple[Run, Prepared | Blind]]:
    """Return runs with their data, which are drawn once for all runs that share them.

    Args:
        runs: in any order.
        images_of: from a data set's name to its images; called with `blind=True` for runs that are.

    Raises:
        DataError: the data set or the noise is not available.
    """
    firsts = {run.data_key: run for run in reversed(runs)}
    drawn = {name: run.prepare(images_of(run.setting.dataset, blind=run.blind)) for name, run in firsts.items()}
    return [(run, drawn[run.data_key]) for run in runs]


def _parts(label: str) -> list[str]:
    """Return the terms of a sum as they are written; a plus inside a number separates nothing."""
    parts: list[ast.expr] = []
    node = ast.parse(label.strip(), mode="eval").body
    while isinstance(node, ast.BinOp):
        parts.append(node.right)
        node = node.left
    return [ast.get_source_segment(label.strip(), part) or "" for part in (node, *reversed(parts))]
