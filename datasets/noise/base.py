"""What a noise model is: a text, a nominal matrix, a draw of labels, and the manifest of what was realised."""

from __future__ import annotations

import functools
import hashlib
import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError, unknown
from lnlbench.datasets.loading.images import Images

REFERENCE_RATE = 0.4  # at which a family is tuned (protocol 3)


@dataclass(frozen=True, eq=False)
class Corruption:
    """Given labels of the training set, int64 ``[N]``, and a JSON-able manifest of what made them."""

    given: np.ndarray
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Noise:
    """A noise model with its nominal rate; one subclass per file of this folder.

    Attributes:
        option: the variant, one of ``options``; empty for the usual one. Those in ``retired`` are still read, for what
            was made with them, and no longer offered.
        rate: the nominal rate in [0, 1); None where there is none.
    """

    kind: ClassVar[str]
    family: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ("",)
    retired: ClassVar[tuple[str, ...]] = ()
    separator: ClassVar[str] = "-"
    guaranteed: ClassVar[bool] = True  # the best epoch by noisy validation is the best by clean validation
    drawn: ClassVar[bool] = True  # False: one fixed set of labels, whatever the seed
    whole: ClassVar[bool] = False  # True: there are labels for the whole training set only, not for a part of it

    option: str = ""
    rate: float | None = None

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model from the part of its text after the kind: ``0.4`` or ``option-0.4``.

        Raises:
            DataError: no rate, or an option that does not exist.
        """
        match = re.fullmatch(r"(?:(.*[^-])-)?(\d+(?:\.\d*)?|\.\d+)", rest)
        shown = [f"{cls.kind}-{name}-0.4".replace("--", "-") for name in cls.options]
        if match is None:
            text = f"{cls.kind}-{rest}" if rest else cls.kind
            raise DataError(f"noise {text!r} has no rate at its end; write {' or '.join(shown)}")
        option, rate = match[1] or "", match[2]
        if option not in (*cls.options, *cls.retired):
            raise unknown(f"option of {cls.kind} noise", option, [name for name in cls.options if name])
        return cls(option=option, rate=float(rate))

    def __str__(self) -> str:
        rate = "" if self.rate is None else np.format_float_positional(self.rate, trim="-")
        return "-".join(part for part in (self.kind, self.option, rate) if part)

    def check(self, card: Card) -> None:
        """Refuse what cannot be asked of this data set, before any work.

        Raises:
            DataError: the rate is impossible or leaves the true label without the majority.
        """
        if self.rate is not None and not 0 <= self.rate < 1:
            raise DataError(f"the rate of '{self}' must be at least 0 and below 1")

    def check_below(self, limit: float, card: Card) -> None:
        """Refuse a rate at or above ``limit``, from which on the true label is not the most frequent one."""
        if self.rate is not None and self.rate >= limit:
            raise DataError(f"'{self}' on {card.name} leaves no diagonal dominance: the rate must be below {limit:.4g}")

    def reference(self, card: Card) -> Noise:
        """Return the noise of this family at which methods are tuned: rate 0.4, and the option as it is."""
        return self if self.rate is None else replace(self, rate=REFERENCE_RATE)

    def matrix(self, card: Card) -> np.ndarray | None:
        """Return the nominal transition matrix ``[K, K]``, rows are true classes; None if it depends on the image."""
        return None

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return given labels int64 ``[N]`` and what else the manifest should say."""
        raise NotImplementedError

    def corrupt(self, images: Images, seed: int) -> Corruption:
        """Return the given labels of the whole training set; the same seed gives the same labels on every machine.

        Raises:
            DataError: see ``check``; or a label file does not fit.
        """
        self.check(images.card)
        if self.drawn and not images.card.true_labels:
            raise DataError(f"'{self}' is drawn from true labels, which {images.name} has not; its noise is 'given'")
        if seed < 0:
            raise DataError(f"a noise seed is a non-negative integer, not {seed}")
        given, extras = self.draw(images, np.random.Generator(np.random.PCG64(seed)))
        manifest = {
            "text": str(self),
            "kind": self.kind,
            "option": self.option,
            "family": self.family,
            "nominal_rate": self.rate,
            "convention": self.convention,
            "guaranteed": self.guaranteed,
            "seed": seed if self.drawn else None,
            "dataset": images.name,
            "dataset_fingerprint": images.fingerprint,
            **realised(images.train_labels, given, images.card.classes),
            **extras,
        }
        return Corruption(given, manifest)

    @property
    def convention(self) -> str:
        """``exclusive`` if the rate counts wrong labels alone, ``inclusive`` if it counts redrawn ones."""
        return "exclusive"


def realised(true: np.ndarray, given: np.ndarray, classes: int) -> dict[str, Any]:
    """Return the manifest's measured part: rates, row-normalised transition matrix, SHA-256 of the given labels."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true, given), 1)
    totals = counts.sum(axis=1)
    matrix = counts / np.maximum(totals, 1)[:, None]
    rates = [float(1 - matrix[k, k]) if totals[k] else None for k in range(classes)]
    return {
        "classes": classes,
        "samples": len(given),
        "realised_rate": float((true != given).mean()),
        "class_rates": rates,
        "transition_matrix": matrix.tolist(),
        "labels_sha256": hashlib.sha256(given.astype("<i8").tobytes()).hexdigest(),
    }


def chosen(true: np.ndarray, rates: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Choose exactly ``round(rates[k] · n_k)`` samples of every class k (halves up), uniformly: bool ``[N]``."""
    mask = np.zeros(len(true), bool)
    for k in np.flatnonzero(rates):
        members = np.flatnonzero(true == k)
        count = int(np.floor(rates[k] * len(members) + 0.5))
        mask[generator.permutation(members)[:count]] = True
    return mask


N = TypeVar("N", bound=type[Noise])
_KINDS: dict[str, type[Noise]] = {}


def register(kind: str) -> Callable[[N], N]:
    """Register a noise model under the word that its text begins with."""

    def add(model: N) -> N:
        if kind in _KINDS and _KINDS[kind].__qualname__ != model.__qualname__:
            raise DataError(f"two noise models are called {kind!r}")
        model.kind = kind
        _KINDS[kind] = model
        return model

    return add


@functools.cache
def kinds() -> Mapping[str, type[Noise]]:
    """Return every noise model by kind: the files of this folder are read once."""
    for module in sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])):
        importlib.import_module(f"{__package__}.{module}")
    return _KINDS


def parse_noise(text: str) -> Noise:
    """Return the noise model of a text such as ``symmetric-0.4``, ``human-worst`` or ``file:labels.npy``.

    ``str`` of the result is the canonical text.

    Raises:
        DataError: the kind is unknown (the message names the closest), or the rest of the text does not fit it.
    """
    kind = re.split("[-:]", text, maxsplit=1)[0]
    if kind not in kinds():
        raise unknown("noise", kind, kinds())
    model, rest = kinds()[kind], text[len(kind) :]
    if rest and rest[0] != model.separator:
        raise DataError(f"noise {text!r}: after {kind!r} comes {model.separator!r}, not {rest[0]!r}")
    return model.parse(rest[1:])
