"""The test score of a closed study's trials: each one's kept weights, evaluated once, and then deleted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace

import torch

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.runs.metrics import accuracy
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.tuning.study import Outcome, Told
from lnlbench.benchmark.tuning.trials import TUNING, WEIGHTS
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.store.store import Store

SCORE = "score/test_of_best_validation"
BATCH = 2000


def scored(outcome: Outcome, images: Images, options: Options, store: Store) -> Outcome:
    """Return the outcome with a test accuracy for every trial; chance for one that failed.

    A score is stored before the weights are deleted, and what is stored is not made again.

    Raises:
        StoreError: the store cannot be used, or lacks weights.
    """
    stored = store.stored()
    return replace(outcome, trials=tuple(_scored(told, images, options, store, stored) for told in outcome.trials))


def _scored(told: Told, images: Images, options: Options, store: Store, stored: Mapping[str, str]) -> Told:
    if told.run is None or told.run.key not in stored:
        return replace(told, test=1 / images.card.classes)
    run_id = stored[told.run.key]
    known = store.numbers(run_id).get(SCORE)
    if known is None:
        if told.validation is None:
            known = 1 / images.card.classes
        else:
            known = evaluated(store.file(run_id, WEIGHTS), told, images, options)
        store.annotate(run_id, {SCORE: known})
    store.remove_file(run_id, WEIGHTS)
    return replace(told, test=known)


def evaluated(weights: bytes, told: Told, images: Images, options: Options) -> float:
    """Test accuracy of kept weights, mean of the networks."""
    if told.run is None:
        raise ValueError(f"trial {told.number} has no run to evaluate")
    how = choose_compute(options.device, told.run.precision)
    channels, height, width = images.test_images.shape[1:]
    count, classes = told.run.method.networks, images.card.classes
    networks = Networks(told.run.setting.model, count, classes, (channels, height, width), TUNING, how)
    networks.restore(torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True))
    mean, std = tuple(images.card.mean), tuple(images.card.std)
    resident = DeviceImages(torch.tensor(images.test_images), mean, std, how.device, how.dtype, 0)
    votes = networks.predict(resident.chunks(BATCH)).argmax(-1).cpu()
    return accuracy(votes, torch.tensor(images.test_labels))
