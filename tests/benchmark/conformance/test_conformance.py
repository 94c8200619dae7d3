"""Every registered method, and some compositions, hold every check: new methods are tested here by being there."""

import inspect
import re

import pytest

from lnlbench.benchmark.conformance import CHECKS, Subject, check, learning, report_of
from lnlbench.benchmark.conformance.learning import see_true_labels
from lnlbench.methods import methods, parse

NAMES = [
    *methods(),
    "gce + sam + early_stopping",
    "dal + label_noise_sgd",
    "sln + mixup",
    "gjs + mixup",
    "co_teaching_plus + gjs",
    "co_teaching + volminnet",
]
SPELT = ["gce( q=0.5 ,  )", "small_loss( )"]
APART = "true labels"
"""The check that starts processes, which all methods share here, however they are written."""
ELSEWHERE = {APART, "shuffled labels", "cost"}
"""Shuffled labels are the third world of the first check, as many epochs of them; the cost is no fault."""
EPOCHS = 6
"""In which every branch of a registered method is reached, since they begin by the share of the training, and in which
whoever had the digits' labels would have learnt them."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ELSEWHERE])
@pytest.mark.parametrize("text", NAMES)
def test_every_method_holds(text, name):
    assert [finding for finding in check(name, Subject(text)) if finding.fault] == []


@pytest.mark.slow
def test_no_method_sees_true_labels():
    found = see_true_labels([Subject(text) for text in (*NAMES, *SPELT)], EPOCHS)
    assert [(subject.text, finding) for subject, finding in found] == []


@pytest.mark.parametrize("text", NAMES)
def test_no_method_holds_or_imports_what_has_true_labels(text, monkeypatch):
    monkeypatch.setattr(learning, "see_true_labels", lambda subjects: ())
    assert check(APART, Subject(text)) == []


@pytest.mark.parametrize("name", methods())
def test_docstring_cites_its_source(name):
    text = inspect.getdoc(methods()[name])
    assert re.search(r"Source: .*\b(19|20)\d\d\b", text, re.DOTALL), "no 'Source: ...' with a year"


@pytest.mark.slow
def test_a_report_has_every_check_and_the_cost(monkeypatch):
    monkeypatch.setattr(learning, "see_true_labels", lambda subjects: ())
    report = report_of("sam")
    assert list(report.findings) == list(CHECKS)
    assert report.faults == 0
    (cost,) = report.findings["cost"]
    assert "2 forward and 2 backward passes" in cost.reason
    assert 1.2 < float(cost.reason.split()[0]) < 6
    assert report.json()["method"] == str(parse("sam"))
