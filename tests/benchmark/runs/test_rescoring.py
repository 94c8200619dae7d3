"""Runs are scored once more before they are stored: no method that patches the scoring comes onto a board."""

import gc

import numpy as np
import pytest
import torch

from lnlbench.benchmark import RunsFailed, Truth, run
from lnlbench.benchmark.runs import metrics, record
from lnlbench.benchmark.runs.rescoring import scorer
from lnlbench.leaderboard.results import predictions as packing
from lnlbench.leaderboard.results.result import pack
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import method_class
from lnlbench.methods.base import cross_entropy


@pytest.mark.parametrize("networks", [1, 2])
def test_it_scores_as_the_metrics_do(networks):
    source = np.random.default_rng(0)
    predictions, labels = source.integers(0, 10, (5, networks, 77)), torch.tensor(source.integers(0, 10, 77))
    right = [metrics.accuracy(torch.tensor(epoch), labels) for epoch in predictions]
    assert scorer(labels)(pack(predictions)) == pytest.approx(right, abs=1e-12)


def test_the_labels_are_a_copy_of_what_they_were():
    labels = torch.zeros(4, dtype=torch.int64)
    rescore = scorer(labels)
    labels += 1
    assert rescore(pack(np.zeros((1, 1, 4), int))) == [1.0]


# A method in this process can do what these do, whether by accident or on purpose.


def patched_metric(patch):
    for module in (metrics, record):
        patch.setattr(module, "accuracy", lambda predictions, labels: 1.0)


def patched_metric_and_unpacking(patch):
    patched_metric(patch)
    patch.setattr(packing, "unpack", lambda text: 1 / 0)
    patch.setattr(np, "equal", lambda a, b: np.ones_like(a, bool))


def patched_comparison(patch):
    patch.setattr(torch.Tensor, "__eq__", lambda a, b: torch.ones_like(a, dtype=torch.bool))


def patched_labels(patch):
    """Find the truth in memory, and make it what a network predicts that knows nothing."""

    def loss(self, logits, batch, clock):
        for one in gc.get_objects():
            if type(one) is Truth:
                one.test.zero_()
        return cross_entropy(logits, batch.targets)

    patch.setattr(method_class("gce"), "loss", loss)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [patched_metric, patched_metric_and_unpacking, patched_comparison, patched_labels],
    ids=lambda f: f.__name__,
)
def test_a_method_that_patches_the_scoring_is_not_stored(change, url, monkeypatch):
    run("digits/clean", "ce", "0", tracking_uri=url, epochs=1, device="cpu")  # what the store needs is imported
    with monkeypatch.context() as patch:
        change(patch)
        with pytest.raises(RunsFailed, match="1 of 1 runs failed: ScoreError: test accuracy of epoch 0 is"):
            run("digits/clean", "gce", "0", tracking_uri=url, epochs=1, device="cpu", execution="loop")
    assert [result.label for result in Store(url).results()] == ["ce"]
