"""The error of a sweep that ended with runs that failed."""

from __future__ import annotations

from collections.abc import Mapping


class RunsFailed(ValueError):
    """Some of the runs asked for failed; the others are finished and stored.

    Attributes:
        reasons: why, a line each, by the key of the run.
        runs: how many were asked for.
    """

    def __init__(self, reasons: Mapping[str, str], runs: int) -> None:
        super().__init__(reasons, runs)
        self.reasons, self.runs = dict(reasons), runs

    def __str__(self) -> str:
        return f"{len(self.reasons)} of {self.runs} runs failed: {'; '.join(sorted(set(self.reasons.values())))}"
