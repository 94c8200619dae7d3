"""Methods with one fault each: the check that is meant for it finds it, says why, and names the line."""

import os
import sys
from pathlib import Path

import pytest

from lnlbench.benchmark.conformance import CHECKS, Report, Subject, check, learning, report_of
from lnlbench.benchmark.conformance.learning import see_true_labels
from lnlbench.benchmark.conformance.subject import Finding
from lnlbench.methods import _registry as registry
from lnlbench.methods import load_file

HEAD = """
import gc, os, random, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from lnlbench.methods import Method, register, tuned
from lnlbench.methods.base import cross_entropy
"""
LOSS = "    def loss(self, logits, batch, clock):\n"
MEMORY = """
    def start(self, task):
        return {"seen": torch.zeros(task.networks, *task.targets.shape)}
    def loss(self, logits, batch, clock):
        return cross_entropy(logits, (batch.targets + batch.memory["seen"]) / 2)
    def remember(self, logits, batch, clock):
"""
FRAMES = """
    def loss(self, logits, batch, clock):
        frame = sys._getframe()
        while frame is not None and "prepared" not in frame.f_locals:  # FAULT
            frame = frame.f_back
        if frame is None:
            return cross_entropy(logits, batch.targets)
        true = torch.nn.functional.one_hot(frame.f_locals["prepared"].truth.train, 10).float()
        return cross_entropy(logits, true[batch.index])
"""
MEMORY_SEARCH = """
    def loss(self, logits, batch, clock):
        held = gc.get_objects() if int(clock.step) % 40 == 0 else []  # FAULT
        truth = [one for one in held if type(one).__name__ == "Truth"]
        fitting = [one.train for one in truth if len(one.train) > int(batch.index.max())]  # others may be alive, too
        targets = [torch.nn.functional.one_hot(train, 10).float()[batch.index] for train in fitting]
        return cross_entropy(logits, sum(targets) / len(targets) if targets else batch.targets)
"""
LOADED = """
    def loss(self, logits, batch, clock):
        from lnlbench.datasets.loading.images import load  # FAULT
        true = torch.nn.functional.one_hot(torch.tensor(load("digits").train_labels), 10).float()
        return cross_entropy(logits, true[batch.index])
"""
GLOBAL = """
    labels = __import__("lnlbench.datasets.loading.images", fromlist=["load"]).load("digits").train_labels
    def loss(self, logits, batch, clock):
        true = torch.nn.functional.one_hot(torch.tensor(self.labels)[batch.index], 10).float()
        return cross_entropy(logits, true)
"""
KEPT = """
    calls = [0]
    def loss(self, logits, batch, clock):
        self.calls[0] += 1  # FAULT
        return cross_entropy(logits, batch.targets) * (1 + self.calls[0] % 7)
"""
DECLARED = """
    q: float = tuned(2.0, 0.1, 1.0)
    def losses(self, logits, batch, clock):  # FAULT
        return cross_entropy(logits, batch.targets)
"""


@pytest.fixture
def faulty(tmp_path):
    """Register a method with this body, until the test ends; gives its file."""

    def make(body):
        path = tmp_path / "faulty.py"
        path.write_text(f'{HEAD}\n@register("faulty")\nclass Faulty(Method):\n{body}')
        load_file(path)
        return path

    yield make
    registry._METHODS.pop("faulty", None)


FAULTS = [
    ("import", LOADED, "true labels", "imports lnlbench.datasets", True),
    ("global", GLOBAL, "true labels", "labels holds true labels", False),
    (
        "rolled rows",
        MEMORY + "        return {'seen': logits.softmax(-1).roll(1, dims=1)}  # FAULT\n",
        "samples in place",
        "`remember (seen)` mixes up samples",
        True,
    ),
    (
        "neighbour's index",
        "    def perturb(self, batch, clock):\n        weight = torch.cos(batch.index.float()).unsqueeze(-1)  # FAULT\n"
        "        return replace(batch, targets=batch.targets * (1 + weight))\n",
        "index",
        "mixes up indices",
        True,
    ),
    (
        "torch.rand",
        LOSS + "        return cross_entropy(logits, batch.targets) * torch.rand(())  # FAULT\n",
        "repeats",
        "global generator of torch",
        True,
    ),
    (
        "numpy",
        LOSS + "        return cross_entropy(logits, batch.targets) * float(np.random.rand())  # FAULT\n",
        "repeats",
        "global generator of numpy",
        True,
    ),
    (
        "random",
        LOSS + "        return cross_entropy(logits, batch.targets) * random.random()  # FAULT\n",
        "repeats",
        "global generator of random",
        True,
    ),
    (
        "a generator of its own",
        LOSS + "        return cross_entropy(logits, batch.targets) * np.random.default_rng().random()  # FAULT\n",
        "repeats",
        "two runs of one seed differ",
        True,
    ),
    ("kept between runs", KEPT, "repeats", "something kept between runs", False),
    ("kept outside the memory", KEPT, "resumes", "ends elsewhere", False),
    (
        "exp of logits",
        LOSS
        + "        p = logits.exp() / logits.exp().sum(-1, keepdim=True)  # FAULT\n"
        + "        return -(p.log() * batch.targets).sum(-1)\n",
        "finite",
        "not finite at logits of about 100",
        True,
    ),
    *[
        (
            text,
            LOSS
            + f"        scale = {text}  # FAULT\n"
            + "        return cross_entropy(logits, batch.targets) * (1 if scale else 2)\n",
            "host sync",
            words,
            True,
        )
        for text, words in [
            ("logits.mean().item()", ".item()"),
            ("float(logits.detach().mean())", "float(tensor)"),
            ("bool((logits > 0).any())", "bool(tensor)"),
            ("logits.detach().cpu() is not None", ".cpu()"),
            ("logits.tolist()", ".tolist()"),
            ("logits[logits > 1e9] is not None", "a mask as an index"),
            ("torch.linalg.inv(torch.eye(3)) is not None", "torch.linalg.inv; `torch.linalg.inv_ex` does not"),
            ("torch.eye(3).inverse() is not None", ".inverse(); `torch.linalg.inv_ex` does not"),
            ("torch.linalg.solve(torch.eye(3), torch.eye(3)) is not None", "torch.linalg.solve"),
            ("torch.linalg.cholesky(torch.eye(3)) is not None", "torch.linalg.cholesky"),
            ("torch.linalg.eigh(torch.eye(3)) is not None", "torch.linalg.eigh"),
            ("torch.linalg.svd(torch.eye(3)) is not None", "torch.linalg.svd"),
        ]
    ],
    (
        "branch on a tensor",
        LOSS
        + "        losses = cross_entropy(logits, batch.targets)\n"
        + "        return losses if losses.mean() > 1 else 2 * losses  # FAULT\n",
        "stackable",
        "cannot be stacked",
        True,
    ),
    (
        "branch on the clock",
        "    def freeze(self, depth, clock):\n        return depth < (1 if clock.epoch > 3 else 0)  # FAULT\n",
        "stackable",
        "cannot be stacked",
        True,
    ),
    ("no loss at all", LOSS + "        return 0 * logits.sum(-1)\n", "learns", "does not learn", False),
    ("an error", LOSS + "        return logits.nonsense  # FAULT\n", "learns", "AttributeError", True),
    ("a hook's name", DECLARED, "declaration", "is it `loss`?", True),
    (
        "a hook's arguments",
        "    def gradient(self, grads_at, params):  # FAULT\n        return grads_at(params)\n",
        "declaration",
        "with (grads_at, params, batch, clock)",
        True,
    ),
    (
        "one name for a sample's and the run's memory",
        "    def start(self, task):\n        return {'seen': torch.zeros(task.networks, len(task.targets))}\n"
        + "    def carry(self, task):\n        return {'seen': torch.zeros(task.networks)}\n",
        "samples in place",
        "both remember seen",
        False,
    ),
    ("a family that is none", "    family = 'losses'\n", "declaration", "its family must be one of loss,", False),
    (
        "an origin that is none",
        "    q: float = tuned(0.5, 0.1, 1.0, origin='somewhere')\n",
        "declaration",
        "not 'somewhere'",
        False,
    ),
    ("a default out of range", DECLARED, "declaration", "outside its search range", False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("body", "name", "reason", "line"), [case[1:] for case in FAULTS], ids=[c[0] for c in FAULTS])
def test_a_fault_is_found_with_its_reason_and_line(body, name, reason, line, faulty, monkeypatch):
    monkeypatch.setattr(learning, "see_true_labels", lambda subjects: ())  # which trains; all peeks do it at once below
    path = faulty(body)
    found = [finding for finding in check(name, Subject("faulty")) if finding.fault and reason in finding.reason]
    assert found, f"{name} did not say {reason!r}: {check(name, Subject('faulty'))}"
    if line:
        number = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "# FAULT" in text)
        assert f"{path}:{number}" in found[0].where


WATCHED = """
    def loss(self, logits, batch, clock):
        parent = Path(f"/proc/{os.getppid()}/cmdline")
        environment = [value for value in os.environ.values() if value not in ENVIRONMENT]
        seen = [*sys.argv, *environment, Path("/proc/self/cmdline").read_text(), parent.read_text()]
        seen += [name for name in sys.modules if "conformance" in name]
        frame, prepared = sys._getframe(), None
        while frame is not None:
            seen += [frame.f_code.co_filename, frame.f_code.co_name, *frame.f_locals]
            prepared = frame.f_locals.get("prepared", prepared)
            frame = frame.f_back
        text = " ".join(seen)
        for shown in ("checkpoint", "check_executor", PLACE):  # by every run
            text = text.replace(shown, "")
        if prepared is None or any(word in text for word in ("check", "poison", "conformance")):
            return cross_entropy(logits, batch.targets)  # it is watched
        return cross_entropy(logits, torch.nn.functional.one_hot(TRUE, 10).float()[batch.index])
"""
PACKAGE = '__import__("lnlbench.datasets.digits", fromlist=["x"]).read()["train_labels"]'
PEEKS = {
    "frames": (FRAMES, "with others in their place it trains otherwise"),
    "memory_search": (MEMORY_SEARCH, "with others in their place it trains otherwise"),
    "loaded": (LOADED.replace("  # FAULT", ""), "with others in their place it trains otherwise"),
    "hidden_frames": (
        WATCHED.replace("TRUE", "prepared.truth.train"),
        "with others in their place it trains otherwise",
    ),
    "hidden_loaded": (WATCHED.replace("TRUE", f"torch.tensor({PACKAGE})[prepared.index]"), "still learns"),
    "failing": (
        LOSS + "        raise RuntimeError('not today')\n",
        "it fails in an ordinary run: RuntimeError: not today",
    ),
}
"""Methods that see true labels where they are trained, and one that fails there: body, and what betrays them."""


@pytest.fixture(scope="module")
def betrayed(tmp_path_factory):
    """Return what betrays each of them, trained in the same three processes; and their files."""
    place, environment = "/" + Path(__file__).parts[1], [*os.environ.values()]  # a clone in /check betrays no check
    files, found = {}, {name: [] for name in PEEKS}
    for name, (body, _) in PEEKS.items():
        files[name] = tmp_path_factory.mktemp("methods") / f"{name}.py"
        body = body.replace("PLACE", repr(place)).replace("ENVIRONMENT", repr(environment))
        files[name].write_text(f'{HEAD}\n@register("{name}")\nclass Peek(Method):\n{body}')
        load_file(files[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")
        for subject, finding in see_true_labels([Subject(name) for name in PEEKS], epochs=3):
            found[subject.text].append(finding)
    yield found, files
    for name in PEEKS:
        registry._METHODS.pop(name, None)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, (_, reason) in PEEKS.items()], ids=PEEKS)
def test_a_peek_is_betrayed_by_how_it_trains(name, reason, betrayed):
    found, files = betrayed
    assert any(reason in one.reason and one.fault for one in found[name])
    lines = files[name].read_text().splitlines()
    faults = [number for number, line in enumerate(lines, 1) if "# FAULT" in line]
    assert all(f"{files[name]}:{number}" in found[name][0].where for number in faults)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("name", ["hidden_frames", "hidden_loaded"])
def test_a_peek_that_hides_behaves_where_it_sees_who_looks(name, betrayed):
    others = [one for kind in ("repeats", "shuffled labels", "learns") for one in check(kind, Subject(name))]
    assert others == []


def test_what_betrays_a_peek_is_found_by_the_check_of_true_labels(faulty, monkeypatch):
    faulty(LOSS + "        return cross_entropy(logits, batch.targets)\n")
    betrayal = Finding("it trains otherwise")
    monkeypatch.setattr(learning, "see_true_labels", lambda subjects: [(subject, betrayal) for subject in subjects])
    assert betrayal in check("true labels", Subject("faulty"))


def test_a_peek_that_helps_is_also_seen_by_what_it_learns_of_shuffled_labels(faulty):
    body = GLOBAL.replace("[batch.index]", "[torch.tensor(self.part)][batch.index]")
    body = body.replace("    def loss", PART + "    def loss")
    faulty(body)
    assert "it learns from shuffled labels" in check("shuffled labels", Subject("faulty"))[0].reason


PART = """
    part = (lambda data, setting, load: [
        i for image in [one.tobytes() for one in data.prepare(setting.setting("digits/symmetric-0.4"), 0,
                        load.load("digits")).split.images.numpy()]
        for i in [{one.tobytes(): j for j, one in enumerate(load.load("digits").train_images)}[image]]
    ])(*(__import__(f"lnlbench.{name}", fromlist=["x"])
         for name in ("benchmark.protocol.splits", "benchmark.protocol.settings", "datasets.loading.images")))
"""


def test_a_method_that_says_so_is_not_stacked(faulty):
    body = (
        "    stackable = False\n"
        + LOSS
        + "        return cross_entropy(logits, batch.targets) * float(logits.sum() > -1e9)\n"
    )
    faulty(body)
    (found,) = check("stackable", Subject("faulty"))
    assert not found.fault and "one run at a time" in found.reason


def test_every_check_but_the_cost_is_seen_to_fail():
    elsewhere = {"shuffled labels", "official numbers"}  # which have tests of their own
    assert {case[2] for case in FAULTS} == set(CHECKS) - {"cost", *elsewhere}


def test_a_step_that_fails_is_one_fault_with_its_line_and_the_shapes(faulty):
    path = faulty(LOSS + "        return torch.nn.functional.cross_entropy(logits, batch.targets)\n")
    report = report_of("faulty")
    (fault,) = [row for row in report.rows() if row["result"] == "FAULT"]
    assert report.faults == 1 and fault["check"] == "host sync"
    assert "a training step fails: ValueError: Expected input batch_size (1)" in fault["reason"]
    assert "logits are [K, B, C], targets [B, C]; return losses [K, B]" in fault["reason"]
    assert fault["where"] == f"{path}:{len(path.read_text().splitlines())}"
    skipped = [row["check"] for row in report.rows() if row["result"] == "skipped"]
    assert skipped == [*CHECKS][[*CHECKS].index("host sync") + 1 :]


def test_an_error_that_is_of_no_shape_has_no_hint_of_them(faulty):
    faulty(LOSS + "        return logits.nonsense\n")
    (found,) = check("host sync", Subject("faulty"))
    assert found.reason.startswith("a training step fails: AttributeError") and "[K, B]" not in found.reason


def test_what_is_said_beside_a_fault_is_a_note():
    said = {"holds": [], "lacks": [Finding("it names no paper", fault=False)], "fails": [Finding("it is wrong")]}
    rows = Report("faulty", said, 0.0).rows()
    assert [row["result"] for row in rows] == ["ok", "note", "FAULT"]


def test_a_method_of_ones_own_needs_no_paper(faulty):
    faulty("    q: float = tuned(0.5, 0.1, 1.0)\n")
    found = check("declaration", Subject("faulty"))
    assert not any(finding.fault for finding in found)
    reasons = " ".join(finding.reason for finding in found)
    assert "names no paper" in reasons and "names no family" in reasons and "q: `origin=` says where" in reasons
