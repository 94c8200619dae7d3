"""The one compact record of a run: all that boards, pages and checks need, as plain JSON."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.form import check_form
from lnlbench.leaderboard.results.precision import rekeyed
from lnlbench.leaderboard.results.predictions import pack as pack
from lnlbench.leaderboard.results.predictions import unpack as unpack

SCHEMA = 1
"""Version of the JSON layout; raised whenever a field is added, dropped or changes its meaning."""

Curve = list[float | None]

# Written as text, because JSON has no such numbers and None already says "not measured at this epoch".
_HIGHEST = 1 << 1023  # a larger integer is no float
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Result:
    """What one run (or one reading of a run) gave, and what made it.

    Epochs are counted from 0 and every curve holds one value per epoch that was trained. Accuracies are fractions
    in [0, 1]. `identity` has the parts "setting" (its fields), "seeds", "dataset" (revision, fingerprint), "noise"
    (the manifest) and "split" ("train", "validation" and "test" sizes, "sha256"), and "sources" where the method or a
    part of it is the user's own; boards read what is there: the manifest's "labels_sha256", "nominal_rate",
    "realised_rate", "guaranteed", the split's "validation" and "sha256", and the sources.

    Raises:
        StoreError: an accuracy curve is missing, curves differ in length, or `report` names an untrained epoch.
    """

    key: str  # hex id of all that makes the result
    protocol: int
    dataset: str
    setting: str  # "mnist-fast/symmetric-0.5"
    noise: str  # "symmetric-0.5"
    length: str  # "fast" or "full"
    track: str  # of `TRAINED` or `SEARCHED` in form.py, or `TRIAL`, which is on no board
    method: str  # the full text with every value: "gce(q=0.7)"
    label: str  # as the user wrote it: "gce"
    replicate: int
    host: str | None  # key of the run that this is a reading of
    told: tuple[str, ...]  # what the method knew beyond the given labels
    networks: int
    classes: int
    identity: dict[str, Any]
    curves: dict[str, Curve]
    report: int  # the epoch that the method's own `report` answers
    epochs: int  # planned, not trained
    diverged: bool
    predictions: str  # test arg-max per epoch and network, see pack
    cost: dict[str, Any]
    environment: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("validation_accuracy", "test_accuracy"):
            if name not in self.curves:
                raise StoreError(f"a result needs the curve {name!r}; got: {', '.join(sorted(self.curves)) or 'none'}")
        lengths = {name: len(curve) for name, curve in self.curves.items()}
        if len(set(lengths.values())) > 1:
            raise StoreError(f"the curves of one result differ in length: {lengths}")
        trained = self.trained
        if not (0 <= self.report < trained or (trained == 0 and self.diverged)):
            raise StoreError(f"report must name one of the {trained} trained epochs, counted from 0; got {self.report}")

    @property
    def name(self) -> str:
        """What the run is called: `gce mnist-fast/symmetric-0.5 s1`."""
        return f"{self.label} {self.setting} s{self.replicate}"

    @property
    def scored(self) -> bool:
        """Whether there is a test accuracy to score; a trial of a tuning has none."""
        return any(value is not None for value in self.curves["test_accuracy"])

    @property
    def trained(self) -> int:
        """How many epochs were trained."""
        return len(self.curves["test_accuracy"])


def to_json(result: Result) -> str:
    """Return the record as JSON text with sorted fields and the schema version first.

    Raises:
        StoreError: a value is none of the JSON types (after conversion of NumPy scalars).
    """
    record = {"schema": SCHEMA} | {f.name: _plain(getattr(result, f.name)) for f in fields(result)}
    try:
        return json.dumps(record, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise StoreError(f"the result of {result.label!r} cannot be written as JSON: {one_line(error)}") from error


def from_json(text: str | bytes, *, predictions: bool = True) -> Result:
    """Return the result that `to_json` wrote, under the key of its precision (see `rekeyed`).

    Args:
        text: a JSON object.
        predictions: whether to read the test predictions, most of the text, which boards never look at; else they are
            empty, as in a file that was exported without them.

    Raises:
        StoreError: not JSON, another schema version, missing or unknown fields, or a field of the wrong type or form.
    """
    try:
        if not predictions:
            text = _without_predictions(text)
        record = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # includes text that is not UTF-8
        raise StoreError(f"a record must be JSON: {one_line(error)}") from error
    if not isinstance(record, dict):
        raise StoreError(f"a record must be a JSON object, got {type(record).__name__}")
    if record.get("schema") != SCHEMA:
        raise StoreError(f"this version reads records of schema {SCHEMA}, got {record.get('schema')!r}")
    del record["schema"]
    _check_fields(record)
    record = rekeyed(record)
    record["told"] = tuple(record["told"])
    record["curves"] = {
        # Nearly all are floats already, and a store may hold millions.
        name: [value if type(value) is float else _number(value, name) for value in curve]
        for name, curve in record["curves"].items()
    }
    result = Result(**record)
    check_form(record)
    return result


_PACKED = r'"predictions":\s*"[A-Za-z0-9+/=:,]*"'
_PACKED_TEXT, _PACKED_BYTES = re.compile(_PACKED), re.compile(_PACKED.encode())


def _without_predictions(text: str | bytes) -> str | bytes:
    """Cut the packed predictions out: most of the text, and slow to read."""
    if isinstance(text, bytes):
        return _PACKED_BYTES.sub(b'"predictions":""', text)
    return _PACKED_TEXT.sub('"predictions":""', text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


_TYPES: dict[str, Any] = {
    "host": (str, type(None)),
    "told": list,
    "identity": dict,
    "curves": dict,
    "diverged": bool,
    "cost": dict,
    "environment": dict,
} | dict.fromkeys(("protocol", "replicate", "networks", "classes", "report", "epochs"), int)


def _check_fields(record: Mapping[str, Any]) -> None:
    names = {f.name for f in fields(Result)}
    if missing := sorted(names - record.keys()):
        raise StoreError(f"a record lacks the fields: {', '.join(missing)}")
    if unknown := sorted(record.keys() - names):
        raise StoreError(f"a record has unknown fields: {', '.join(unknown)}")
    for name, value in record.items():
        expected = _TYPES.get(name, str)
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise StoreError(f"the field {name!r} of a record has the wrong type: {type(value).__name__}")
    if bad := [name for name, curve in record["curves"].items() if not isinstance(curve, list)]:
        raise StoreError(f"the curve {bad[0]!r} of a record must be a list of numbers")


def _number(value: object, curve: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _HIGHEST:
        return float(value)
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    raise StoreError(f"the curve {curve!r} of a record holds {value!r:.60}, which is not a number")


def _plain(value: object) -> object:
    """Return the same value out of JSON's types alone; NumPy and torch scalars become Python numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    if not isinstance(value, (str, bytes, bool, int, float, type(None))) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
