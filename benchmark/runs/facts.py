"""Side information of methods beyond the given labels: an estimate, the truth, or the truth off by a given amount."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.job import FactError
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Blind, Prepared
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATE, ESTIMATED, ESTIMATOR
from lnlbench.benchmark.runs.noise_estimate import Estimate, estimate
from lnlbench.methods.base import FACTS

SWEEP = (ESTIMATED, "true", "true-0.2", "true+0.2")  # the mis-specification sweep: `--told all`
VARIED = frozenset({"noise_rate", "transition_matrix"})  # what a mode changes; other facts are handed over as they are
HIGHEST = 0.99  # a noise rate that a method is told at most


@dataclass(frozen=True)
class Facts:
    """The side information of one run."""

    values: dict[str, Any] = field(default_factory=dict)  # for the job
    ledger: dict[str, Any] = field(default_factory=dict)  # JSON-able, for the result: with the truth beside it
    seconds: float = 0.0  # that an estimate took
    passes: float = 0.0  # forward and backward passes of each training sample for it
    evaluations: float = 0.0  # forward passes besides


def modes(text: str) -> list[str]:
    """Parse a list of modes, each into its one spelling: "estimated", "true", "true-0.2"; "all" is the sweep.

    Raises:
        FactError: no such mode.
    """
    found: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if part == "all":
            found += SWEEP
        elif part == ESTIMATED:
            found.append(part)
        elif match := re.fullmatch(r"true(?:([+-])(0?\.\d+|0|1(?:\.0*)?))?", part):
            offset = float((match[1] or "+") + (match[2] or "0"))
            found.append(f"true{offset:+g}" if offset else "true")
        else:
            raise FactError(f"methods are told {', '.join(map(repr, SWEEP))} or 'all' of these, but got {part!r}")
    return list(dict.fromkeys(found))


def varies(needed: Sequence[str]) -> bool:
    """Say whether the side information of a method depends on the mode."""
    return not VARIED.isdisjoint(needed)


def mark_of(mode: str) -> str:
    """Return the mark of a mode in the text of a method: that of an estimate has its version."""
    return ESTIMATE if mode == ESTIMATED else mode


def mode_of(mark: str) -> str:
    """Return the mode of a mark: the versions of the estimate are one mode."""
    return ESTIMATED if mark.startswith(ESTIMATED) else mark


def stated(needed: Sequence[str], mode: str) -> tuple[str, ...]:
    """Return the facts that a method is told, as the information ledger names them: with the mode where it matters."""
    return tuple(f"{fact} ({mode})" if fact in VARIED else fact for fact in needed)


def told_rate(mode: str, rate: float) -> float:
    """Return the noise rate that a method is told in a mode of the truth: the realised rate, or off it by so much."""
    return min(max(rate + float(mode.removeprefix("true") or 0), 0.0), HIGHEST)


class Teller:
    """Gathers the side information of runs; an estimate is made once for all methods of a setting and replicate."""

    def __init__(self, how: Compute) -> None:
        self.how = how
        self.known: dict[str, Estimate] = {}

    def facts(self, mode: str, needed: Sequence[str], setting: Setting, prepared: Prepared | Blind) -> Facts:
        """Return the side information of a method in a mode.

        Args:
            mode: one of `modes`.
            needed: names of `FACTS` that the method declares.
            setting: the recipe, for the estimate.
            prepared: the data; the noise's manifest is read where the mode says so, and for the ledger.

        Raises:
            FactError: a fact that does not exist, or true labels where the data are blind.
        """
        if unknown := set(needed) - set(FACTS):
            raise FactError(f"no fact is called {unknown.pop()!r}; a method may be told: {', '.join(FACTS)}")
        if not needed:
            return Facts()
        matrix = torch.tensor(prepared.manifest["transition_matrix"], dtype=torch.float64)
        known = prepared.manifest["realised_rate"] is not None
        if not known and (mode != ESTIMATED or "clean_validation" in needed):
            raise FactError("the true labels of this data set are not known: nothing but an estimate can be told")
        rate = float(prepared.manifest["realised_rate"]) if known else math.nan
        ledger: dict[str, Any] = {"mode": mode} if varies(needed) else {}
        if known and varies(needed):
            ledger["true"] = {"noise_rate": rate}
        cost = (0.0, 0.0, 0.0)
        if mode == ESTIMATED and varies(needed):
            made = self.estimate(setting, prepared)
            told, told_matrix = made.rate, made.matrix
            cost = made.seconds, made.passes, made.evaluations
            ledger["estimator"] = ESTIMATOR
            ledger["estimates"] = {"confident joint": made.joint, "anchors": made.anchors}
            ledger["out_of_fold_accuracy"] = made.accuracy  # against the given labels
            ledger["upper_bound"] = made.upper_bound
        elif mode != ESTIMATED:
            told = told_rate(mode, rate)
            told_matrix = matrix if mode == "true" else at_rate(matrix, rate, told)
        else:
            told, told_matrix = rate, matrix  # nothing of it is needed
        if "noise_rate" in needed:
            ledger["noise_rate"] = told
        if "transition_matrix" in needed:
            ledger["transition_matrix"] = [[round(x, 6) for x in row] for row in told_matrix.tolist()]
        if known and varies(needed):
            ledger["error"] = {
                "noise_rate": told - rate,
                "transition_matrix": float((told_matrix - matrix).abs().sum(1).mean()),  # mean L1 distance of rows
            }
        values = {"noise_rate": told, "transition_matrix": told_matrix}
        if "clean_validation" in needed:
            if isinstance(prepared, Blind):
                raise FactError("a trial of a tuning is told no true labels: clean_validation is not available there")
            values["clean_validation"] = prepared.truth.validation
            ledger["clean_validation"] = "true labels"
        return Facts({name: values[name] for name in needed}, ledger, *cost)

    def estimate(self, setting: Setting, prepared: Prepared | Blind) -> Estimate:
        """Return the estimate for a setting and replicate, made when it is first asked for.

        It is made at the task's own learning rate and weight decay, whatever a method is run or tuned with.
        """
        setting = replace(setting, lr=setting.listed.lr, weight_decay=setting.listed.weight_decay)
        recipe = {name: value for name, value in setting.identity().items() if name != "task"}
        data = prepared.identity | {"split": prepared.identity["split"]["sha256"]}  # with test labels or without
        name = json.dumps([recipe, data], sort_keys=True, default=str)
        if name not in self.known:
            replicate = prepared.identity["seeds"]["replicate"]
            self.known[name] = estimate(setting, prepared.split, replicate, self.how)
        return self.known[name]


@lru_cache(maxsize=2)
def teller(how: Compute) -> Teller:
    """Return the `Teller` of this process."""
    return Teller(how)


def at_rate(matrix: Tensor, rate: float, wanted: float) -> Tensor:
    """Scale the wrong part of a transition matrix [C, C] to another noise rate; uniform where there was none."""
    classes = len(matrix)
    wrong = matrix - torch.diag(matrix.diagonal())
    if rate <= 0:
        wrong = (1 - torch.eye(classes, dtype=matrix.dtype)) / (classes - 1)
        rate = 1.0
    wrong = wrong * (wanted / rate)
    wrong = wrong / wrong.sum(1, keepdim=True).clamp(min=1)  # no row flips more often than always
    return wrong + torch.diag(1 - wrong.sum(1))
