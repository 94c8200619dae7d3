"""The list of checks, and a run of all of them over one method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lnlbench.benchmark.conformance import declaring, learning, official, pure, repeating, watching
from lnlbench.benchmark.conformance.subject import Check, Finding, Subject, TrainingError, raised
from lnlbench.methods._errors import MethodError
from lnlbench.methods._parse import parse
from lnlbench.methods.base import Method

CHECKS: dict[str, Check] = {
    "declaration": declaring.declares,
    "official numbers": official.agrees,
    "host sync": watching.stays_on_the_device,
    "finite": pure.finite,
    "stackable": pure.stacks,
    "samples in place": pure.follows_the_batch,
    "index": watching.follows_the_index,
    "repeats": repeating.repeats,
    "resumes": repeating.resumes,
    "true labels": learning.sees_no_true_label,
    "shuffled labels": learning.learns_nothing_of_shuffled_labels,
    "learns": learning.learns,
    "cost": watching.cost,
}
"""By name, in the order in which they are run: what is quick and explains most comes first."""
SHAPES = "logits are [K, B, C], targets [B, C]; return losses [K, B]"
OF_SHAPES = (RuntimeError, ValueError, IndexError)  # what torch raises where shapes do not fit


@dataclass(frozen=True)
class Report:
    """What the checks found of one method."""

    method: str
    findings: dict[str, list[Finding]]  # by check, an empty list where it holds
    seconds: float

    @property
    def faults(self) -> int:
        """How many findings are faults."""
        return sum(finding.fault for found in self.findings.values() for finding in found)

    def json(self) -> dict[str, Any]:
        """Return the report, JSON-able."""
        return {
            "method": self.method,
            "faults": self.faults,
            "seconds": round(self.seconds, 1),
            "findings": [row for row in self.rows() if row["reason"]],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row per finding, and one per check that holds."""
        return [
            {
                "check": name,
                "result": one.result or ("FAULT" if one.fault else "note" if one.reason else "ok"),
                "reason": one.reason,
                "where": one.where,
            }
            for name, found in self.findings.items()
            for one in found or [Finding("", fault=False)]
        ]


def check(name: str, subject: Subject) -> list[Finding]:
    """Return the findings of one check; a method that raises in it is a finding too.

    Args:
        name: a key of `CHECKS`.
        subject: the method.
    """
    try:
        return list(CHECKS[name](subject))
    except TrainingError as failure:
        error = failure.__cause__ or failure
        hint = f"; {SHAPES}" if isinstance(error, OF_SHAPES) and not isinstance(error, MethodError) else ""
        return [Finding(f"a training step fails: {raised(error).rstrip('.')}{hint}", subject.where(error), ends=True)]
    except (Exception, SystemExit) as error:  # whatever a method raises
        return [Finding(f"it fails: {raised(error)}", subject.where(error))]


def report_of(text: str, watch: Callable[[str], None] = lambda name: None) -> Report:
    """Run all checks, about a minute on one core; where a training step fails, none after it.

    Args:
        text: of a method, as in "gce(q=0.5) + sam".
        watch: called with the name of each check before it begins.

    Raises:
        MethodError: no such method.
    """
    method: Method = parse(text)
    subject, begin = Subject(text), time.monotonic()
    findings: dict[str, list[Finding]] = {}
    ended = ""  # by which check, if by any
    for name in CHECKS:
        if ended:
            findings[name] = [Finding(f"not checked: see {ended}", fault=False, result="skipped")]
            continue
        watch(name)
        findings[name] = check(name, subject)
        ended = name if any(one.ends for one in findings[name]) else ""
    return Report(str(method), findings, time.monotonic() - begin)
