"""Each step of the second tutorial is a method that trains, and `check` says of the two mistakes what the page says."""

import re
from pathlib import Path

import pytest

from lnlbench.benchmark.conformance.kit import check
from lnlbench.benchmark.conformance.subject import Subject
from lnlbench.methods import _registry as registry
from lnlbench.methods import load_file

PAGE = (Path(__file__).parents[2] / "docs" / "second-method.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SAID = {
    name: (reason, line)
    for name, reason, line in re.findall(r"^ ([\w ]+?) +│ FAULT │ (.*?)(?: │.*:(\d+))?$", PAGE, re.M)
}
MISTAKES = {
    "host sync": (0, "(rank < (1 - drop) * losses.shape[-1])", "(rank < int((1 - drop) * losses.shape[-1]))"),
    "samples in place": (
        1,
        "now = cross_entropy(logits, batch.targets)",
        "now = cross_entropy(logits, batch.targets).sort(-1).values",
    ),
}


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "calm_teaching.py"
        file.write_text(text)
        load_file(file)
        return Subject("calm_teaching")

    yield write
    registry._METHODS.pop("calm_teaching", None)


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_every_step_is_a_method(step, written):
    subject = written(STEPS[step])
    for name in ("declaration", "host sync", "finite", "samples in place", "index"):
        assert [found for found in check(name, subject) if found.fault] == []
    assert subject.train(subject.job(epochs=2))[-1].epoch == 1


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_as_the_page_says(name, written):
    step, right, wrong = MISTAKES[name]
    assert right in STEPS[step]
    found = next(one for one in check(name, written(STEPS[step].replace(right, wrong))) if one.fault)
    reason, line = SAID[name]
    assert found.reason.startswith(reason)
    assert not line or found.where.endswith(f":{line}")


def test_only_what_the_method_was_told_of_changes_between_the_last_steps():
    *_, before, after = STEPS
    gone, new = (set(a.splitlines()) - set(b.splitlines()) for a, b in ((before, after), (after, before)))
    assert len(STEPS) == 3 and 'told = ("noise_rate",)' in "".join(new) and len(gone) == 2 and len(new) == 3
