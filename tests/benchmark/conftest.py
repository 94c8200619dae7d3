"""Small data to train on, jobs and stores, for the tests of the harness."""

from dataclasses import replace

import pytest
import torch

from lnlbench.benchmark import Job, Setting, Split
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods import Composition, Method, parse

FACTS = {"noise_rate": 0.25, "transition_matrix": 0.7 * torch.eye(4) + 0.075}
"""What jobs are told here; a method gets what it declares."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path, request):
    """No test reads the user's settings, and none finds a data set by chance."""
    for name in ("LNLBENCH_DATA", "LNLBENCH_DATABASE", "MLFLOW_TRACKING_URI", "HF_DATASETS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("LNLBENCH_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    if request.node.get_closest_marker("realdata"):
        home.mkdir()
        (home / "cache").symlink_to(request.getfixturevalue("decoded"), target_is_directory=True)


@pytest.fixture(scope="session")
def split_of():
    """Make training data: images of random pixels, brighter in one corner by class, one label in four wrong."""

    def make(samples=48, validation=20, test=30, *, channels=1, side=8, classes=4, seed=0) -> Split:
        source = torch.Generator().manual_seed(seed)
        true = torch.randint(classes, (samples + validation + test,), generator=source)
        images = torch.randint(0, 160, (len(true), channels, side, side), generator=source)
        for label in range(classes):
            images[true == label, :, 2 * label // side : 2 * label // side + 2, 2 * label % side] += 90
        shift = torch.where(torch.rand(len(true), generator=source) < 0.25, 1, 0)
        given, ends = (true + shift) % classes, (samples, samples + validation)
        return Split(
            images=images[: ends[0]].to(torch.uint8),
            given=given[: ends[0]],
            validation_images=images[ends[0] : ends[1]].to(torch.uint8),
            validation_given=given[ends[0] : ends[1]],
            classes=classes,
            mean=(0.3, 0.35, 0.4)[:channels],
            std=(0.2, 0.25, 0.3)[:channels],
            probes={"test": images[ends[1] :].to(torch.uint8)},
        )

    return make


@pytest.fixture(scope="session")
def job_of(split_of):
    """Make a job of a method's text, or of a method that a test defines; further arguments change the setting."""

    def make(method="ce", split=None, replicate=0, told=None, **changes) -> Job:
        found = Composition((method,)) if isinstance(method, Method) else parse(method)
        base = Setting("toy", "digits", "clean", "mlp", epochs=3, lr=0.05, weight_decay=1e-3, batch_size=8)
        split = split or split_of()
        facts = FACTS | {"clean_validation": split.validation_given} if told is None else told
        return Job(replace(base, **changes), found, replicate, split, facts)

    return make


@pytest.fixture(scope="session")
def train_run():
    """Train one run on the CPU and return its result; further arguments are those of `train_runs`."""

    def trained(run, prepared, **options) -> Result:
        ((_, result),) = train_runs([(run, prepared)], device="cpu", **options)
        return result

    return trained
