"""A store with every kind of result, made once, and a file of it."""

from pathlib import Path

import pytest

from lnlbench.benchmark import run
from lnlbench.leaderboard.results.archive import read, write
from lnlbench.leaderboard.store.store import Store

NOISY = "digits/symmetric-0.4"


@pytest.fixture(scope="session")
def made(template, tmp_path_factory) -> tuple[str, Path]:
    """The URL of a store with runs, a host and its reading, two networks that are told something; and a file of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "mlflow.db").write_bytes(template.read_bytes())
    url = f"sqlite:///{folder / 'mlflow.db'}"
    cpu = {"device": "cpu", "precision": "fp32", "execution": "loop", "epochs": 3}
    run(NOISY, "ce, gce, gce + early_stopping, co_teaching", "0-1", tracking_uri=url, **cpu)
    store = Store(url)
    write(folder / "all.jsonl.xz", store.results())
    store.close()
    return url, folder / "all.jsonl.xz"


@pytest.fixture
def results(made):
    """The results of the file, by label and replicate."""
    return {(result.label, result.replicate): result for result in read(made[1])}
