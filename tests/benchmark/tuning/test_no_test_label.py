"""No process of a search holds a label of the test set: measured in their memory, from outside, while they train."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TRAIN, TEST, CLASSES = 90, 80, 3
LABELS = np.random.default_rng(7).integers(0, CLASSES, TEST)  # of images that say nothing: no prediction is like them
WINDOW = slice(10, 60)

LOOKER = """
import gc, hashlib, os, time
from pathlib import Path
import numpy as np, torch
from lnlbench.methods import Method, register
from lnlbench.methods.base import cross_entropy

HERE = Path(__file__).parent
WANTED = (HERE / "digest").read_text()

def held():
    for one in gc.get_objects():
        array = one.detach().numpy() if isinstance(one, torch.Tensor) and not one.is_floating_point() else one
        if isinstance(array, np.ndarray) and array.shape == (SIZE,) and array.dtype.kind in "iu":
            if hashlib.sha256(array.astype("<i8").tobytes()).hexdigest() == WANTED:
                return True
    return False

@register("looker")
class Looker(Method):
    def loss(self, logits, batch, clock):
        mine = HERE / f"{os.getpid()}.ready"
        if not mine.exists():
            draft = mine.with_suffix(".draft")
            draft.write_text(str(held()))
            draft.rename(mine)
            while not mine.with_suffix(".go").exists():
                time.sleep(0.05)
        return cross_entropy(logits, batch.targets)
"""


def folder_of(root):
    """Write pictures of noise whose labels are in a table."""
    draw = np.random.default_rng(8)
    for split, labels in {"train": draw.integers(0, CLASSES, TRAIN), "test": LABELS}.items():
        (root / split).mkdir(parents=True)
        for i in range(len(labels)):
            Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(root / split / f"{i:03}.png")
        (root / split / "metadata.csv").write_text("\n".join(["file_name,label", *table_of(labels)]))
    return root


def table_of(labels):
    return [f"{i:03}.png,{label}" for i, label in enumerate(labels)]


def patterns():
    part = LABELS[WINDOW]
    binary = {kind: part.astype(kind).tobytes() for kind in ("<i8", "<i4", "<i2", "u1", "<f4", "<f8")}
    return binary | {"text": "\n".join(table_of(LABELS)[WINDOW]).encode()}


def found_in(pid):
    """Return the forms of the labels that lie in what a process can read, but for the code of libraries."""
    wanted, found, overlap = patterns(), set(), 1 << 12
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_, name = [*line.split(maxsplit=5), ""][:6]
            if rights[0] != "r" or ".so" in name or name.startswith("[v"):
                continue
            at, end = (int(part, 16) for part in span.split("-"))
            while at < end:
                memory.seek(at)
                try:
                    content = memory.read(min(end - at, 1 << 26))
                except OSError:  # a page that is not there
                    break
                found |= {form for form, pattern in wanted.items() if pattern in content}
                at += max(len(content) - (overlap if at + len(content) < end else 0), 1)
    return found


HOLDER = """
import sys
import numpy as np
labels = np.random.default_rng(7).integers(0, CLASSES, TEST)
held = [labels.astype(kind) for kind in ("<i8", "u1")]
print("ready", flush=True)
sys.stdin.read()
""".replace("CLASSES", str(CLASSES)).replace("TEST", str(TEST))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_scan_sees_labels_that_are_there():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout.readline() == "ready\n"
        assert {"<i8", "u1"} <= found_in(holder.pid)
        holder.stdin.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_neither_the_tuner_nor_its_workers_hold_a_test_label(tmp_path):
    data, plugin = folder_of(tmp_path / "data"), tmp_path / "looker.py"
    (tmp_path / "digest").write_text(hashlib.sha256(LABELS.astype("<i8").tobytes()).hexdigest())
    plugin.write_text(LOOKER.replace("SIZE", str(TEST)))
    options = ["--trials", "2", "--confirm", "0", "--splits", "1", "--sampler", "random", "--seeds", "0"]
    options += ["--epochs", "2", "--jobs", "2", "--device", "cpu", "--execution", "loop"]
    command = [sys.executable, "-m", "lnlbench.benchmark.cli", "tune", str(data), "-m", str(plugin), *options]
    home = os.environ | {"LNLBENCH_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": ""}
    tuner = subprocess.Popen(command, env=home, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = {}  # by process: whether its objects, and what of its memory, holds the labels
    try:
        deadline = time.monotonic() + 400
        while tuner.poll() is None and time.monotonic() < deadline:
            for ready in set(tmp_path.glob("*.ready")) - {one.with_suffix(".ready") for one in tmp_path.glob("*.go")}:
                if not seen:
                    assert found_in(tuner.pid) == set(), "the tuner, while the first trial trains"
                seen[ready.stem] = ready.read_text() == "True", found_in(ready.stem)
                ready.with_suffix(".go").touch()
            time.sleep(0.1)
    finally:
        tuner.kill()
    said = tuner.communicate()[0].decode()
    assert tuner.returncode == 0, said
    *trials, winner = seen.values()
    assert trials == [(False, set())] * 2, "its workers"
    assert winner == (True, winner[1]) and "<i8" in winner[1], "a run that is scored holds them, and is seen to"
