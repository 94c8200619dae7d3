"""Every method that has fixed numbers of its official code against them."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lnlbench.benchmark.conformance import Report, Subject, check
from lnlbench.benchmark.conformance.official import agreements, of_loss, of_step
from lnlbench.benchmark.conformance.official_steps import FILE, numbers
from lnlbench.methods import method_class

CASES = [(kind, case) for kind in ("loss", "step") for case in numbers()[kind]]
SCRIPT = Path(__file__).parents[2] / "methods" / "official" / "write.py"


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{case['method']} {case['code']}" for _, case in CASES])
def test_a_method_is_what_its_official_code_says(kind, case):
    found = (of_loss if kind == "loss" else of_step)(case)
    assert found.difference <= found.bound
    assert found.bound <= 1e-9 or found.why, "what differs by more than rounding is explained"


def test_no_bound_is_looser_than_what_differs():
    loose = {(a.method, a.code) for a in agreements() if a.bound > 1e-9}
    met = {(a.method, a.code) for a in agreements() if a.difference > a.bound / 4}
    assert loose <= met


@pytest.mark.parametrize(
    ("method", "code", "sample", "loss"),
    [
        ("ce_sr(temperature=0.5, power=0.5, lam=0, growth=1)", "DAL", 0, 0.2395),
        ("ce_sr(temperature=0.5, power=0.01, lam=8, growth=1)", "DAL", 0, 23.866),
        ("nce_mae(alpha=0, beta=1)", "Active-Passive", 0, 0.21301),
    ],
)
def test_logits_of_two_and_zeros_have_the_losses_that_the_codes_themselves_gave(method, code, sample, loss):
    (case,) = (case for _, case in CASES if case["method"] == method and code in case["code"])
    assert case["three"][sample] == pytest.approx(loss, abs=1e-4)


def parts(tree, place=""):
    """Return what a tree holds but numbers, by place, and its numbers."""
    if isinstance(tree, (int, float)):
        return [place], [float(tree)]
    if isinstance(tree, str):
        return [(place, tree)], []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = [parts(part, f"{place}.{name}") for name, part in items]
    return tuple([part for one in found for part in one[kind]] for kind in (0, 1))


def test_the_file_is_what_the_codes_written_in_numpy_give():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=True)
    (made, near), (stored, held) = (parts(tomllib.loads(text)) for text in (done.stdout, FILE.read_text("utf-8")))
    assert made == stored
    assert near == pytest.approx(held, rel=1e-9, abs=1e-14)


def test_a_method_that_departs_from_its_code_is_found(monkeypatch):
    assert check("official numbers", Subject("nce_mae + sam")) == []
    (none,) = check("official numbers", Subject("ema"))
    (row,) = Report("ema", {"official numbers": [none]}, 0.0).rows()
    assert not none.fault and row["result"] == "none", "nobody's numbers are held against it"
    honest = method_class("nce_mae").loss
    monkeypatch.setattr(method_class("nce_mae"), "loss", lambda *given: 2 * honest(*given))
    found = check("official numbers", Subject("nce_mae + sam"))
    assert len(found) == 2 and found[0].fault
    assert "off the numbers of HanxunH/Active-Passive-Losses: loss.py, NCEandMAE" in found[0].reason
