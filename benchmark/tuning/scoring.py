"""The scores of a closed search's trials: the files that each kept are evaluated once, and then deleted."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.epoch_numbers import answers_of
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.engine.threads import threads
from lnlbench.benchmark.protocol.splits import Prepared, prepare
from lnlbench.benchmark.runs.facts import teller
from lnlbench.benchmark.runs.metrics import accuracy
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.tuning.outcome import FinishedTraining, Outcome
from lnlbench.benchmark.tuning.rules import agreement, rules_of
from lnlbench.benchmark.tuning.sealed import REVEALED, SEALED, revealed, votes_after
from lnlbench.benchmark.tuning.trials import TUNING, WEIGHTS, Trial
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import best_epoch
from lnlbench.leaderboard.store.keyed import KeyedRuns
from lnlbench.leaderboard.store.store import Store

SCORE, RULE = "score/test_of_best_validation", "rule/"
AGREEMENT = f"{RULE}agreement"
KEPT = ("validation_accuracy", "seconds_train", "seconds_evaluate", "forward_passes", "backward_passes")
"""The curves in the record of a trial, beside those that are revealed."""
BATCH = 2000


class Scorer:
    """Scores the trials of closed searches in one setting; their data are made once for all of them.

    Args:
        images: of their data set.
        options: where to compute.
        store: holds the trials.
    """

    def __init__(self, images: Images, options: Options, store: Store) -> None:
        self.images, self.options, self.store = images, options, store
        self.whole: dict[tuple[Any, ...], Prepared] = {}

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return a search with the test accuracy and the curves of every trial; chance for one that failed.

        A score is stored before the files that it is made of are deleted, and is not made again.

        Raises:
            StoreError: the store cannot be used, or lacks weights.
        """
        with threads():  # as trials are computed
            trials = [replace(trial, runs=self.together(trial.runs)) for trial in outcome.trials]
            confirmed = [replace(one, runs=self.together(one.runs)) for one in outcome.confirmed]
        return replace(outcome, trials=tuple(trials), confirmed=tuple(confirmed))

    @cached_property
    def stored(self) -> KeyedRuns:
        """The MLflow run of every key."""
        return self.store.stored()

    def together(self, runs: Sequence[FinishedTraining]) -> tuple[FinishedTraining, ...]:
        """Return the trainings of a configuration scored, by their agreement too where there are several."""
        if len(runs) > 1 and all(training.validation is not None for training in runs):
            self.agree([self.stored[training.run.key] for training in runs], runs)
        return tuple(map(self.scored, runs))

    def agree(self, run_ids: Sequence[str], runs: Sequence[FinishedTraining]) -> None:
        """Store the agreement of trainings with each of them, unless it is stored, or their predictions are deleted."""
        if all(AGREEMENT in self.store.numbers(run_id) for run_id in run_ids):
            return
        try:
            sealed = [self.store.file(run_id, SEALED) for run_id in run_ids]
        except StoreError:  # from before there was this rule
            return
        epochs = [best_epoch(self.store.result(training.run.key).curves["validation_accuracy"]) for training in runs]
        value = agreement([votes_after(file, epoch) for file, epoch in zip(sealed, epochs, strict=True)])
        for run_id in run_ids:
            self.store.annotate(run_id, {AGREEMENT: value})

    def scored(self, training: FinishedTraining) -> FinishedTraining:
        """Return a training with its test accuracy and its revealed curves."""
        chance = 1 / self.images.card.classes
        if training.run.key not in self.stored:
            return replace(training, test=chance)
        entry = self.stored.run(training.run.key)
        run_id = entry.run_id
        known, curves = self.store.numbers(run_id), self.revealed(training.run, run_id)
        if SCORE not in known:
            found = {SCORE: chance}
            if training.validation is not None:
                found = self.evaluated(training.run, run_id, curves)
            self.store.annotate(run_id, found)
            known = known | found
        # Whether they are there is not known: whoever scored it may have been killed before this line.
        self.store.remove_files(entry, (WEIGHTS, SEALED) if curves else (WEIGHTS,))
        rules = {name.removeprefix(RULE): value for name, value in known.items() if name.startswith(RULE)}
        return replace(training, test=known[SCORE], rules=rules, curves=curves)

    def revealed(self, run: Trial, run_id: str) -> dict[str, list[float | None]]:
        """Return the curves of a trial; none where it is older than they are."""
        try:
            curves: dict[str, list[float | None]] = json.loads(self.store.file(run_id, REVEALED))
        except StoreError:
            curves = self.unsealed(run, run_id)
        return curves

    def unsealed(self, run: Trial, run_id: str) -> dict[str, list[float | None]]:
        """Score the sealed predictions of a trial, and keep the curves."""
        try:
            sealed = self.store.file(run_id, SEALED)
        except StoreError:
            return {}
        record = self.store.result(run.key).curves
        curves = revealed(sealed, self.data(run)) | {name: record[name] for name in KEPT}
        self.store.annotate(run_id, {}, {REVEALED: json.dumps(curves)})
        return curves

    def data(self, run: Trial) -> Prepared:
        """Return the data of a trial with the truth, made once for all trials that share them."""
        if run.data_key not in self.whole:
            self.whole[run.data_key] = prepare(run.setting, run.draw, self.images, run.place)
        return self.whole[run.data_key]

    def evaluated(self, run: Trial, run_id: str, curves: Mapping[str, list[float | None]]) -> dict[str, float]:
        """Return the scores of a trial: test accuracy at its best epoch, and the values of other rules.

        The first is read off its curves; of a trial from before there were any, the kept weights are evaluated.
        """
        if curves:
            found = {SCORE: curves["test_accuracy"][best_epoch(curves["validation_accuracy"])] or 0.0}
        else:
            votes = self.answers(run, run_id, torch.tensor(self.images.test_images)).argmax(-1)
            found = {SCORE: accuracy(votes, torch.tensor(self.images.test_labels))}
        if run.fresh:  # what confirms is not compared by other rules
            return found
        how, split = choose_compute(self.options.device, run.precision), self.data(run).split
        matrix = teller(how).estimate(run.setting, self.data(replace(run, part=0))).matrix
        rules = rules_of(self.answers(run, run_id, split.validation_images), split.validation_given, matrix)
        return found | {f"{RULE}{name}": value for name, value in rules.items()}

    def answers(self, run: Trial, run_id: str, pixels: torch.Tensor) -> torch.Tensor:
        """Return the logits of kept weights for images, by which a run is scored: [K, M, C], or [1, M, C] together."""
        how, split = choose_compute(self.options.device, run.precision), self.data(run).split
        networks = Networks(run.setting.model, run.method.networks, split.classes, split.shape, TUNING, how)
        weights = io.BytesIO(self.store.file(run_id, WEIGHTS))
        networks.restore(torch.load(weights, map_location="cpu", weights_only=True))
        images = DeviceImages(pixels, split.mean, split.std, how.device, how.dtype, 0)
        return answers_of(networks.predict(images.chunks(BATCH)), run.method.ensemble).cpu()
