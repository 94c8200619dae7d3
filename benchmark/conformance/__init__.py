"""The conformance kit: what every method must hold, as one list of checks for `lnlbench check` and for the tests."""

from lnlbench.benchmark.conformance.kit import CHECKS, Report, check, report_of
from lnlbench.benchmark.conformance.subject import Finding, Subject

__all__ = ["CHECKS", "Finding", "Report", "Subject", "check", "report_of"]
