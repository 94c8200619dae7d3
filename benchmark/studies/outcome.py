"""What a run of a study leaves behind: verdicts, configuration and what made it, as JSON and as a page reads it."""

from __future__ import annotations

import json
import math
import platform
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from typing import Any

import numpy as np

from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study, StudyError, Verdict, judge
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.leaderboard.store.rows import Point
from lnlbench.leaderboard.store.study_record import StudyRecord

POINTS = 200  # of a curve that MLflow gets; `curves.json` has all
RECORD, FIGURE, CURVES = "outcome.json", "figure.png", "curves.json"


@dataclass(frozen=True)
class Outcome:
    """A study that was run."""

    study: str
    length: str
    config: dict[str, Any]
    verdicts: list[Verdict]
    seconds: float
    made: dict[str, str]  # versions, hardware, date

    @property
    def failed(self) -> list[Verdict]:
        """The verdicts that make the study fail."""
        return [verdict for verdict in self.verdicts if verdict.criterion.gates and not verdict.passed]

    def to_json(self) -> str:
        """As text; infinite bounds are null."""
        rows = [
            {
                name: None if isinstance(value, float) and math.isinf(value) else value
                for name, value in asdict(v.criterion).items()
            }
            | {"values": [float(f"{value:.6g}") for value in v.values], "passed": v.passed}
            for v in self.verdicts
        ]
        content = {"study": self.study, "length": self.length, "config": self.config, "criteria": rows}
        return json.dumps(content | {"seconds": round(self.seconds, 1), "made": self.made}, indent=1)


def from_json(text: str | bytes) -> Outcome:
    """Read what `to_json` wrote.

    Raises:
        StudyError: it is something else.
    """
    try:
        content = json.loads(text)
        verdicts = []
        for row in content["criteria"]:
            values = tuple(float(value) for value in row.pop("values"))
            row.pop("passed")
            low, high = row.pop("low"), row.pop("high")
            row["low"] = -math.inf if low is None else low
            row["high"] = math.inf if high is None else high
            verdicts.append(Verdict(Criterion(**row), values))
        study, length, config = (content[name] for name in ("study", "length", "config"))
        return Outcome(study, length, config, verdicts, content["seconds"], content["made"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"not the outcome of a study: {type(error).__name__}: {error}") from error


def execute(
    study: Study[Any], length: str, context: Context, changes: Mapping[str, Any] | None = None
) -> tuple[Outcome, dict[str, bytes | str], list[Point]]:
    """Measure, judge and draw a study; `changes` are fields of its configuration with other values.

    Returns:
        the outcome, its files by name, and the points of its curves.
    """
    begin = time.perf_counter()
    config = study.configuration(length, changes)
    evidence = study.measure(config, context)
    seconds = time.perf_counter() - begin
    verdicts = judge(study, length, evidence)
    outcome = Outcome(study.name, length, asdict(config), verdicts, seconds, _made())
    files: dict[str, bytes | str] = {RECORD: outcome.to_json(), FIGURE: _drawn(study, evidence)}
    curves = {name: {"step": _rounded(x), "value": _rounded(y)} for name, (x, y) in evidence.curves.items()}
    return outcome, files | {CURVES: json.dumps(curves)}, _points(evidence)


def record(outcome: Outcome, files: dict[str, bytes | str], points: list[Point]) -> StudyRecord:
    """Return an outcome in the form that the store keeps."""
    metrics = {f"measures/{v.criterion.measure}": float(np.mean(v.values)) for v in outcome.verdicts}
    for verdict in outcome.verdicts:  # criteria of one name hold together
        name = f"criteria/{_plain(verdict.criterion.name)}"
        metrics[name] = min(metrics.get(name, 1.0), float(verdict.passed))
    params = outcome.config | {"study": outcome.study, "length": outcome.length} | outcome.made
    return StudyRecord(outcome.study, outcome.length, params, metrics, files, points, not outcome.failed)


def _drawn(study: Study[Any], evidence: Evidence) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=study.size, layout="constrained", dpi=100)
    study.draw(evidence, figure)
    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": ""})
    return content.getvalue()


def _points(evidence: Evidence) -> list[Point]:
    now, points = int(time.time() * 1000), list[Point]()
    for name, (steps, values) in evidence.curves.items():
        kept = np.unique(np.linspace(0, len(steps) - 1, min(POINTS, len(steps))).astype(int))
        points += [(_plain(name), float(values[i]), int(steps[i]), now) for i in kept]
    return points


def _plain(name: str) -> str:
    """Replace the characters of a name that MLflow does not allow."""
    return re.sub(r"[^\w./: -]", "", name, flags=re.ASCII)


def _rounded(values: Array) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]


def _made() -> dict[str, str]:
    import torch

    from lnlbench.benchmark.runs.provenance import commit

    hardware = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "lnlbench": version("lnlbench"),
        "commit": commit() or "",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "hardware": hardware,
    }
