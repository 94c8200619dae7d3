"""From a setting and a replicate to what training may see, and apart from it the truth that scores need."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.loader import Split
from lnlbench.benchmark.sampling import stratified
from lnlbench.benchmark.seeds import seed
from lnlbench.benchmark.settings import Setting
from lnlbench.datasets.images import Images
from lnlbench.datasets.noise.base import parse_noise

TEST = "test"  # the name of the probe that scores are made of


@dataclass(frozen=True)
class Truth:
    """The labels that nothing but `metrics` reads, and what a method declares to be told."""

    train: Tensor  # int64 [N] true labels of the training part, in its order
    test: Tensor  # int64 [T]
    validation: Tensor  # int64 [V] of the validation split; a method may declare that it is told them


@dataclass(frozen=True)
class Blind:
    """The data of tuning: no test image, no true label, and so no score or diagnostic that needs one."""

    split: Split  # without probes
    manifest: dict[str, Any]  # of the noise
    identity: dict[str, Any]  # as in `Prepared`


@dataclass(frozen=True)
class Prepared:
    """One replicate's data: what training sees, the truth, and what says where they come from."""

    split: Split
    truth: Truth
    manifest: dict[str, Any]  # of the noise
    identity: dict[str, Any]  # data set, seeds and split, JSON-able


def canonical(setting: Setting, images: Images) -> Setting:
    """The setting with its noise in canonical text, after a check that the data set can have that noise.

    Raises:
        DataError: no such noise, or an impossible rate.
    """
    noise = parse_noise(setting.noise)
    noise.check(images.card)
    return replace(setting, noise=str(noise))


def fingerprint(setting: Setting, images: Images) -> str:
    """What a run's key must know of its data: the data set, and the labels where they are read and not drawn.

    Raises:
        DataError: the label file is missing, damaged, or not of this data set.
    """
    noise = parse_noise(setting.noise)
    if noise.drawn:
        return images.fingerprint
    labels = noise.corrupt(images, 0).manifest["labels_sha256"]
    return hashlib.sha256(f"{images.fingerprint}\n{labels}".encode()).hexdigest()


def prepare(setting: Setting, replicate: object, images: Images) -> Prepared:
    """Corrupt the whole training set, then split it, stratified by given label.

    Args:
        setting: under canonical noise.
        replicate: names the noise draw and the split; the same for every method.
        images: the data set.

    Raises:
        DataError: the noise cannot be had.
    """
    blind, held = _drawn(setting, replicate, images)
    split = replace(blind.split, probes={TEST: torch.tensor(images.test_images)})
    identity = {**blind.identity, "split": {**blind.identity["split"], "test": len(images.test_labels)}}
    true = torch.tensor(images.train_labels)
    return Prepared(split, Truth(true[~held], torch.tensor(images.test_labels), true[held]), blind.manifest, identity)


def prepare_blind(setting: Setting, draw: object, images: Images) -> Blind:
    """The same corruption and split for tuning: true labels are read by the noise alone, the test set by nobody.

    Raises:
        DataError: the noise cannot be had.
    """
    return _drawn(setting, draw, images)[0]


def _drawn(setting: Setting, replicate: object, images: Images) -> tuple[Blind, Tensor]:
    """What training may see, and which of the training set are held out for validation: bool [N]."""
    noise_seed, classes = seed("noise", replicate), images.card.classes
    corruption = parse_noise(setting.noise).corrupt(images, noise_seed)
    given = torch.from_numpy(corruption.given)
    held = torch.zeros(len(given), dtype=torch.bool)
    held[stratified(given, round(setting.validation * len(given)), "split", replicate)] = True
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
            "official": images.official,
        },
        "seeds": {"replicate": replicate, "noise": corruption.manifest["seed"], "split": seed("split", replicate)},
        "noise": corruption.manifest,
        "split": {
            "train": len(split.given),
            "validation": len(split.validation_given),
            "sha256": hashlib.sha256(held.nonzero().numpy().astype("<i8").tobytes()).hexdigest(),
        },
    }
    return Blind(split, corruption.manifest, identity), held
