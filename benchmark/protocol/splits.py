"""From a setting and a replicate to what training may see, and apart from it the truth that scores need."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.stratify import stratified
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images, load, load_blind
from lnlbench.datasets.noise.base import Corruption, parse_noise, realised

TEST = "test"  # the name of the probe that scores are made of
FEWEST = 2  # images to train on: networks normalise over a batch


@dataclass(frozen=True)
class Split:
    """All that training may see: images, the labels as given, and images to predict. No true label, no test label."""

    images: Tensor  # uint8 [N, C, H, W]
    given: Tensor  # int64 [N]
    validation_images: Tensor  # uint8 [V, C, H, W]
    validation_given: Tensor  # int64 [V]
    classes: int
    mean: tuple[float, ...]  # per channel, of images in [0, 1]
    std: tuple[float, ...]
    probes: Mapping[str, Tensor] = field(default_factory=dict)  # named uint8 images, predicted after every epoch

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width


@dataclass(frozen=True)
class Truth:
    """The labels that nothing but `metrics` reads, and what a method declares to be told."""

    train: Tensor  # int64 [N] true labels of the training part, in its order
    test: Tensor  # int64 [T]
    validation: Tensor  # int64 [V] of the validation split; a method may declare that it is told them


@dataclass(frozen=True)
class Blind:
    """The data of tuning: no test label, no true label, and so no score or diagnostic that needs one."""

    split: Split  # without probes, or with test images whose predictions are sealed
    identity: dict[str, Any]  # as in `Prepared`

    @property
    def manifest(self) -> dict[str, Any]:
        """Return the noise's manifest, which lies in the identity."""
        return dict(self.identity["noise"])


@dataclass(frozen=True)
class Prepared:
    """One replicate's data: what training sees, the truth, and what says where they come from."""

    split: Split
    truth: Truth
    identity: dict[str, Any]  # data set, seeds, noise and split, JSON-able
    index: Tensor  # int64 [N] places of the training part's samples in the whole training set

    @property
    def manifest(self) -> dict[str, Any]:
        """Return the noise's manifest, which lies in the identity."""
        return dict(self.identity["noise"])


def images_of(dataset: str, data_dir: Path | None = None, blind: bool = False) -> Images:
    """Return a data set, kept in memory; where it is `blind`, without the labels of its test set.

    Raises:
        DataError: it is not available.
    """
    return _kept(dataset, data_dir, blind)


@lru_cache(maxsize=4)
def _kept(dataset: str, data_dir: Path | None, blind: bool) -> Images:
    # Every call names all three: the cache takes a default that is left out for another call.
    return load_blind(dataset, data_dir) if blind else load(dataset, data_dir)


def canonical(setting: Setting, images: Images) -> Setting:
    """Return the setting with its noise in canonical text, once the data set is known to be fit for it.

    Raises:
        DataError: no such noise, an impossible rate, or too few images to hold some out for validation.
    """
    noise = parse_noise(setting.noise)
    noise.check(images.card)
    samples, held = samples_used(setting, images), validation_size(setting, images)
    if held < 1 or samples - held < FEWEST:
        raise DataError(
            f"{images.name} has too little data: of {samples} training images {held} are held out for validation "
            f"(validation={setting.validation:g}) and {samples - held} are left; at least 1 and {FEWEST} are needed"
        )
    if not len(images.test_images):
        raise DataError(f"{images.name} has no test images")
    return replace(setting, noise=str(noise))


def samples_used(setting: Setting, images: Images) -> int:
    """Return how many training images a setting uses: all of them, or a subset."""
    return min(setting.samples or len(images.train_images), len(images.train_images))


def validation_size(setting: Setting, images: Images) -> int:
    """Return how many of the training images that a setting uses are held out for validation."""
    return round(setting.validation * samples_used(setting, images))


def fingerprint(setting: Setting, images: Images) -> str:
    """Return what a run's key must know of its data: the data set, and the labels where they are read and not drawn.

    Raises:
        DataError: the label file is missing, damaged, or not of this data set.
    """
    noise = parse_noise(setting.noise)
    if noise.drawn and not noise.whole:
        return images.fingerprint
    return labelled(images.fingerprint, noise.corrupt(images, 0).manifest["labels_sha256"])


def labelled(images: str, labels: str) -> str:
    """Return the fingerprint of images and given labels together, from those of each."""
    return hashlib.sha256(f"{images}\n{labels}".encode()).hexdigest()


def prepare(setting: Setting, replicate: object, images: Images, split: object = None) -> Prepared:
    """Corrupt the whole training set, then split it, stratified by given label.

    Args:
        setting: under canonical noise.
        replicate: names the noise draw and the split; the same for every method.
        images: the data set.
        split: names the split where it is another one of the same draw.

    Raises:
        DataError: the noise is not available.
        TypeError: the images are blind.
    """
    if len(images.test_labels) != len(images.test_images):
        raise TypeError(f"{images.name} was loaded without its test labels, and nothing can be scored")
    blind, held, used = _drawn(setting, replicate, images, split)
    seen = replace(blind.split, probes={TEST: torch.tensor(images.test_images)})
    identity = {**blind.identity, "split": {**blind.identity["split"], "test": len(images.test_labels)}}
    true = torch.tensor(used.train_labels)
    truth = Truth(true[~held], torch.tensor(images.test_labels), true[held])
    return Prepared(seen, truth, identity, (~held).nonzero().flatten())


def prepare_blind(setting: Setting, draw: object, images: Images) -> Blind:
    """Return the same corruption and split for tuning: true labels are read by the noise alone, the test set by nobody.

    Raises:
        DataError: the noise is not available.
    """
    return _drawn(setting, draw, images)[0]


def prepare_sealed(setting: Setting, draw: object, images: Images, split: object = None) -> Blind:
    """Return the same with test images, unlabelled, whose predictions are kept until the search is closed.

    Args:
        setting: under canonical noise.
        draw: names the noise draw and the split.
        images: the data set.
        split: names the split where it is another one of the same draw.

    Raises:
        DataError: the noise is not available.
    """
    blind = _drawn(setting, draw, images, split)[0]
    return replace(blind, split=replace(blind.split, probes={TEST: torch.tensor(images.test_images)}))


def _drawn(setting: Setting, replicate: object, images: Images, part: object = None) -> tuple[Blind, Tensor, Images]:
    """Return what training may see, the samples held out for validation, bool [N], and the images that are used."""
    named = replicate if part is None else part
    classes, official = images.card.classes, images.official
    images, corruption, subset = _corrupted(setting, seed("noise", replicate), images)
    given = torch.from_numpy(corruption.given)
    held = torch.zeros(len(given), dtype=torch.bool)
    held[stratified(given, validation_size(setting, images), "split", named)] = True
    pixels = torch.tensor(images.train_images)
    split = Split(
        images=pixels[~held],
        given=given[~held],
        validation_images=pixels[held],
        validation_given=given[held],
        classes=classes,
        mean=tuple(images.card.mean),
        std=tuple(images.card.std),
        probes={},
    )
    identity = {
        "dataset": {
            "name": images.name,
            "revision": images.revision,
            "fingerprint": images.fingerprint,
            "official": official,
            **subset,
        },
        "seeds": {"replicate": replicate, "noise": corruption.manifest["seed"], "split": seed("split", named)},
        "noise": corruption.manifest,
        "split": {
            "train": len(split.given),
            "validation": len(split.validation_given),
            "sha256": _digest(held.nonzero().numpy()),
        },
    }
    return Blind(split, identity), held, images


def _corrupted(setting: Setting, noise_seed: int, images: Images) -> tuple[Images, Corruption, dict[str, str]]:
    """Return the images that are used, their given labels, and what names the subset, if it is one.

    A subset is the same for every replicate. Noise is drawn on it, so that its rate is exact there, unless the labels
    exist for the whole training set alone.
    """
    noise = parse_noise(setting.noise)
    if samples_used(setting, images) == len(images.train_images):
        return images, noise.corrupt(images, noise_seed), {}
    kept = stratified(torch.tensor(images.train_labels), setting.samples, "subset").numpy()
    part = replace(images, train_images=images.train_images[kept], train_labels=images.train_labels[kept])
    if not noise.whole:
        return part, noise.corrupt(part, noise_seed), {"subset": _digest(kept)}
    whole = noise.corrupt(images, noise_seed)
    given = whole.given[kept]
    manifest = whole.manifest | realised(part.train_labels, given, images.card.classes)
    return part, Corruption(given, manifest), {"subset": _digest(kept)}


def _digest(index: np.ndarray) -> str:
    return hashlib.sha256(index.astype("<i8").tobytes()).hexdigest()
