"""Scores are rules applied to one run's history (protocol 2): which epoch's test accuracy counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # `--help` says what the rules mean, and needs no array for it
    from lnlbench.leaderboard.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A rule that scores a run by its mean test accuracy at the epochs that count; a diverged run scores chance."""

    words: str
    epochs: Callable[[Result], Sequence[int]]
    """Which epochs count, from a run that has not diverged."""
    of_method: bool = False
    """Whether the method says which epoch counts. Under any other rule a reading is the run that it was read off."""
    of_validation: bool = False
    """Whether noisy validation says which epoch counts."""
    over_epochs: bool = False
    """Whether it is a mean over the last epochs, which may lie within a cycle of the learning rate."""
    ranks: bool = True
    """Whether it may rank methods: not where the test set says which epoch counts."""
    measures: ClassVar[str] = "accuracy"

    def __call__(self, result: Result) -> float:
        """Return the score, in [0, 1].

        Raises:
            ValueError: the run has no test accuracy at one of the epochs.
        """
        if result.diverged:
            return chance(result)
        epochs = self.epochs(result)
        return math.fsum(_test(result, epoch) for epoch in epochs) / len(epochs)


RULES: dict[str, Accuracy] = {
    "noisy_val": Accuracy(
        words="test accuracy at the epoch of the best noisy-validation accuracy",
        epochs=lambda result: [best_epoch(result.curves["validation_accuracy"])],
        of_validation=True,
    ),
    "final": Accuracy(
        words="test accuracy at the epoch that the method reports, by default the last",
        epochs=lambda result: [result.report],
        of_method=True,
    ),
    "mean10": Accuracy(
        words="mean test accuracy of the last ten epochs, or of all where there are fewer",
        epochs=lambda result: range(max(0, result.trained - 10), result.trained),
        over_epochs=True,
    ),
    "oracle": Accuracy(
        words="test accuracy at the best test epoch, which nobody knows in practice and which never ranks",
        epochs=lambda result: [best_epoch(result.curves["test_accuracy"])],
        ranks=False,
    ),
}
"""Rules by which a run is scored; of equally good epochs the earliest counts."""
PRIMARY = "noisy_val"


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A rule that scores how well a run's signal tells wrong labels from right ones, at the epoch of best validation.

    The signals are those of training: each sample against its given label, before the step that it is trained in.
    """

    words: str
    curve: str
    measures: str
    of_method: ClassVar[bool] = False
    of_validation: ClassVar[bool] = True
    over_epochs: ClassVar[bool] = False
    ranks: ClassVar[bool] = True
    chance: Callable[[Result], float] = lambda _: 0.5
    """What a signal that knows nothing scores: so does a run that diverged."""

    def __call__(self, result: Result) -> float:
        """Return the value of the curve at the epoch of best noisy-validation accuracy.

        Raises:
            ValueError: the run has none at that epoch.
        """
        if result.diverged:
            return self.chance(result)
        value = result.curves[self.curve][best_epoch(result.curves["validation_accuracy"])]
        if value is None:
            raise ValueError(f"the result of {result.label!r} has no value of {self.curve} at its best epoch")
        return value


DETECTION: dict[str, Detector] = {
    # The area under the ROC curve of the loss.
    "detection_auroc": Detector(
        words="the loss as a detector of wrong labels", curve="auroc_online", measures="AUROC of wrong labels"
    ),
    # The share of the wrong labels among as many samples of the largest loss as there are wrong labels: one minus the
    # rate of false negatives at a budget equal to the noise rate.
    "detection_recall": Detector(
        words="wrong labels among as many samples of the largest loss",
        curve="found_online",
        measures="recall of wrong labels",
        chance=lambda result: float(result.identity["noise"]["realised_rate"]),
    ),
    # That of the mean margin so far: the logit of the given label minus the largest other one (AUM, Pleiss et al. 2020)
    "detection_margin": Detector(
        words="the mean margin so far (AUM) as a detector of wrong labels",
        curve="auroc_margin_online",
        measures="AUROC of wrong labels",
    ),
    # The harmonic mean of precision and recall of the samples that the network is confident are of another class
    # (confident learning, Northcutt et al. 2021, here by the network in training instead of one that hasn't seen them).
    "detection_confident": Detector(
        words="F1 of what confident learning takes for wrong labels",
        curve="f1_confident_online",
        measures="F1 of wrong labels",
        chance=lambda _: 0.0,
    ),
}
"""Rules by which the same runs are ranked as detectors of wrong labels."""
EVERY: dict[str, Accuracy | Detector] = {**RULES, **DETECTION}
RANKED = tuple(name for name, rule in EVERY.items() if rule.ranks)


def applies(rule: str, result: Result) -> bool:
    """Return whether a rule has something to measure in a run: clean labels hold no wrong ones to detect.

    A diverged run that was measured on wrong labels scores chance, even where no epoch gave a number. A run from before
    the rule existed has no such curve.
    """
    detector = DETECTION.get(rule)
    if detector is None:
        return True
    curve = result.curves.get(detector.curve)
    if curve is not None and result.diverged:
        return bool(result.identity["noise"].get("realised_rate"))  # None where nobody knows the true labels
    return any(value is not None for value in curve or ())


def scores_of(result: Result, hosts: Mapping[str, Result]) -> dict[str, float]:
    """Return the score under every rule that can score a result; none of a trial, which knows no test accuracy.

    Args:
        result: a run or a reading.
        hosts: results by their keys, that of a reading's host among them where it is at hand.
    """
    known = result.scored or not result.trained
    return {name: score(result, name, hosts) for name in RULES if known and can_score(result, name, hosts)}


def rule_named(name: str) -> Accuracy | Detector:
    """Return the rule of that name.

    Raises:
        ValueError: no rule has that name.
    """
    if name not in EVERY:
        close = get_close_matches(name, EVERY, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown rule {name!r}; {hint}known: {', '.join(sorted(EVERY))}")
    return EVERY[name]


def score(result: Result, rule: str, hosts: Mapping[str, Result]) -> float:
    """Return the score of a result under a rule: of a reading, unless the rule asks the method, that of its host.

    Args:
        result: a run or a reading.
        rule: name of one of `RULES` or `DETECTION`.
        hosts: results by their keys.

    Raises:
        ValueError: no rule has that name, or the host of a reading is not among the hosts: `can_score` says so.
    """
    return rule_named(rule)(scored_run(result, rule, hosts))


def scored_run(result: Result, rule: str, hosts: Mapping[str, Result]) -> Result:
    """Return the run that a rule looks at: the result itself, or the host of a reading; arguments and errors as there.

    A reading ends where its method stops: its own curve does not say what rules that leave the method out would choose.
    """
    if result.host is None or rule_named(rule).of_method:
        return result
    if result.host not in hosts:
        raise ValueError(
            f"{result.label!r} has no score under {rule!r} without the run {result.host} that it is read off"
        )
    return hosts[result.host]


def can_score(result: Result, rule: str, hosts: Mapping[str, Result]) -> bool:
    """Return whether a result has a score: a reading without its host only under a rule that asks the method."""
    return result.host is None or rule_named(rule).of_method or result.host in hosts


def best_epoch(curve: list[float | None]) -> int:
    """Return the epoch of the highest value, ties to the earliest; missing and NaN values never win.

    Raises:
        ValueError: the curve holds no number.
    """
    candidates = [(value, -epoch) for epoch, value in enumerate(curve) if value is not None and not math.isnan(value)]
    if not candidates:
        raise ValueError(f"no epoch to choose: the curve of {len(curve)} epochs holds no number")
    return -max(candidates)[1]


def cyclic(result: Result) -> bool:
    """Whether the learning rate of a run rises again after it has fallen, so that its last ten epochs are of a cycle.

    A warm-up followed by a single descent is no cycle.
    """
    rates = [rate for rate in result.curves.get("learning_rate", ()) if rate is not None]
    falls = [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
    return any(rates[i] > rates[i - 1] for i in range(falls[0], len(rates))) if falls else False


def chance(result: Result) -> float:
    """Return the accuracy of guessing, one over the number of classes: the score of a diverged run."""
    return 1.0 / result.classes


def resolution(size: int, accuracy: float, noise_rate: float, classes: int) -> float:
    """Return the standard error of a noisy-validation accuracy in units of clean accuracy, a fraction.

    The standard error √(a(1 − a)/n) of accuracy `a` on `size` noisy labels, divided by 1 − ε − ε/(K − 1): by how
    much noisy accuracy moves when clean accuracy moves by one, under symmetric noise. Two epochs that differ by
    less than this cannot be told apart by validation.

    Raises:
        ValueError: a value is out of range, or the noise has no diagonal dominance (ε ≥ (K − 1)/K).
    """
    if size < 1 or classes < 2 or not 0 <= accuracy <= 1:
        raise ValueError(f"need size >= 1, classes >= 2 and 0 <= accuracy <= 1; got {size}, {classes}, {accuracy}")
    slope = 1 - noise_rate - noise_rate / (classes - 1)
    if noise_rate < 0 or slope <= 1e-12:
        raise ValueError(
            f"the noise rate must be in [0, {(classes - 1) / classes:g}) for {classes} classes, got {noise_rate}"
        )
    return math.sqrt(accuracy * (1 - accuracy) / size) / slope


def _test(result: Result, epoch: int) -> float:
    value = result.curves["test_accuracy"][epoch]
    if value is None:
        raise ValueError(f"the result of {result.label!r} has no test accuracy at epoch {epoch}")
    return value
