"""What the store keeps of a study: an experiment on theory, outside every ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lnlbench.leaderboard.store.rows import Point

KIND, STUDY, LENGTH, PASSED = "study", "lnlbench.study", "lnlbench.length", "lnlbench.passed"
"""The kind of a study's run, and its tags."""

EXPERIMENT = "lnl-studies"  # not below `lnl/`, where every finished run is a result that may be ranked
DESCRIPTION = (
    "**Studies**: the theory of label noise as experiments. A run is one study in one configuration; `criteria/…` is 1 "
    "where a criterion holds and 0 where it fails, `measures/…` what was measured (the mean over seeds). "
    "`figure.png` and `outcome.json` are among its artifacts."
)


@dataclass(frozen=True)
class StudyRecord:
    """One finished study."""

    name: str
    configuration: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes | str]
    points: Sequence[Point] = field(default_factory=tuple)  # of its curves
    passed: bool = True
