"""Verify a stored result by recomputing its scores, hashes and key; one finding for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields

import numpy as np

from lnlbench.benchmark.protocol.keys import PROTOCOL, key_of
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import fingerprint, labelled
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATE, ESTIMATED, is_bound
from lnlbench.benchmark.runs.facts import mode_of, stated, told_rate, varies
from lnlbench.benchmark.runs.reading import history_of
from lnlbench.benchmark.verification.consistency import of_record
from lnlbench.benchmark.verification.findings import (
    MALFORMED,
    OK,
    UNKNOWN,
    WRONG,
    Finding,
    differences,
    judged,
    unreadable,
)
from lnlbench.benchmark.verification.recompute import Data, apart, labels, predictions
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.leaderboard.results.form import SEARCHED
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._compose import Composition
from lnlbench.methods._errors import MethodError
from lnlbench.methods._parse import parse, without_revision, written


def verify(result: Result, data: Data, known: Mapping[str, Result]) -> tuple[list[Finding], np.ndarray | None]:
    """Check a result against itself, against this version's code, and against the data set.

    What no record can prove is how training went: losses, times, and the validation curve that `noisy_val` chooses
    by. That takes the run to be made again.

    Args:
        result: to be checked.
        data: the data set that it names.
        known: other results by key, among them the host of a reading.

    Returns:
        the findings, and the predictions uint8 [E, K, T] where they could be read.
    """
    findings, setting = of_record(result, known.get(result.host or ""))
    if setting is None:
        return findings, None
    text, _ = marked(result.method)
    networks = None
    try:
        method = parse(without_revision(text), result.classes)
    except MethodError as error:
        findings.append(Finding("method", UNKNOWN, f"{error}; a file of your own is named with --plugin"))
    else:
        networks = 1 if method.ensemble else method.networks
        try:
            findings += _of_method(result, setting, method, data, known)
        except MALFORMED as error:
            findings.append(unreadable("method", error))
    finding, array = predictions(result, networks, data)
    return [*findings, labels(result, setting, data), finding], array


def _of_method(
    result: Result, setting: Setting, method: Composition, data: Data, known: Mapping[str, Result]
) -> Iterator[Finding]:
    """Check what takes the method itself."""
    text, told = marked(result.method)
    yield _method(result, method, text, told)
    yield _key(result, setting, method, data)
    yield judged("epochs", _ended(result, method), f"{result.trained} of {result.epochs} trained")
    if result.host is not None or method.is_reading:
        yield _host(result, setting, method, data, known)


def _method(result: Result, method: Composition, text: str, told: str | None) -> Finding:
    """Check that the method, how it is called and what is said of it agree."""
    called, mark = marked(result.label)
    try:
        label = parse(without_revision(called), result.classes)
    except MethodError as error:
        return Finding("method", WRONG, f"its label is no method: {error}")
    needs = varies(method.told)
    now = text if told is not None or not needs else f"{text} without being told {', '.join(method.told)}"
    if (without_revision(text), told is not None) != (without_revision(str(method)), needs):
        return Finding("method", UNKNOWN, f"{now} is of another version of the method, which is now {method}")
    said: list[tuple[str, object, object]] = [
        ("networks", result.networks, method.networks),
        ("told", result.told, stated(method.told, mode_of(told or ""))),
    ]
    faults = [f"{name} is {came!r}, but the method's is {right!r}" for name, came, right in said if came != right]
    mode = mode_of(told or ESTIMATED)
    if mode_of(mark or ESTIMATED) != mode:
        faults.append(
            f"its label {result.label!r} says otherwise how it is told what it must know than {result.method!r}"
        )
    faults += _ledger(result, mode if needs else None)
    faults += _estimate(result) if told == ESTIMATE else []
    older = text != str(method)  # of another revision, whose defaults may have been others
    free = older or result.track in SEARCHED  # the search chose every value that the label does not write
    if _values(label, called if free else None) != _values(method, called if free else None):
        faults.append(f"its label {result.label!r} means {label}, but it is of {method}")
    detail = f"{result.method}, a formula that this version no longer trains: its own is {method}"
    return judged("method", faults, detail if older else result.method)


def _ledger(result: Result, mode: str | None) -> list[str]:
    """Where what a method was told is not what its mode and the realised noise say."""
    ledger, noise = result.identity.get("told", {}), result.identity["noise"]
    if mode is None or noise.get("realised_rate") is None:
        return [] if mode is not None or "mode" not in ledger else ["it was told something that it does not ask for"]
    right: dict[str, object] = {"mode": mode, "true": {"noise_rate": noise["realised_rate"]}}
    came = {name: ledger.get(name) for name in right}
    if "noise_rate" in ledger:
        if mode != ESTIMATED:
            right["noise_rate"] = told_rate(mode, noise["realised_rate"])
            came["noise_rate"] = ledger["noise_rate"]
        right["error"] = ledger["noise_rate"] - noise["realised_rate"]
        came["error"] = ledger.get("error", {}).get("noise_rate")
    return list(differences(came, right, "told"))


def _estimate(result: Result) -> list[str]:
    """Where what is said of an estimate does not go together."""
    ledger = result.identity.get("told", {})
    estimates, accuracy = ledger.get("estimates"), ledger.get("out_of_fold_accuracy")
    parts = estimates.values() if isinstance(estimates, dict) else ()
    shares = [value for value in (*parts, accuracy) if isinstance(value, float) and 0 <= value <= 1]
    if len(parts) != 2 or len(shares) != 3:
        return [f"its estimates are {estimates!r} and its out-of-fold accuracy {accuracy!r}, which are no shares"]
    right = {"upper_bound": is_bound(shares[:2], shares[2]), "noise_rate": min(shares[:2])}
    return list(differences({name: ledger.get(name, right[name]) for name in right}, right, "told"))


def _values(method: Composition, chosen: str | None) -> object:
    """Return what a method and its label must share: all of it, or its parts and the values that the label writes."""
    if chosen is None:
        return str(method)
    values = {(part.name, f.name): getattr(part, f.name) for part in method.parts for f in fields(part)}
    return [part.name for part in method.parts], {name: values.get(name) for name in written(chosen)}


def key_now(result: Result, setting: Setting, method: Composition, data: Data) -> str | None:
    """Return the key that a result would have with a method as it is here; None where only the data set tells."""
    content = content_of(result, setting, data)
    return None if content is None else _key_with(content, result, setting, result.method, method)


def _key(result: Result, setting: Setting, method: Composition, data: Data) -> Finding:
    right = key_now(result, setting, method, data)
    if right is None:
        why = apart(result, data) or "the file is missing or does not fit"
        return Finding("key", UNKNOWN, f"its labels are a part or a draw of a label file's: {why}")
    if right != result.key:
        return Finding("key", WRONG, f"is {result.key}, but identity and method give {right}")
    said = result.identity.get("sources", [*method.sources])  # records of before do not name them
    if said != [*method.sources]:
        return Finding("key", WRONG, f"is of the sources {[*method.sources]}, but its identity says {said}")
    return Finding("key", OK, right)


def _key_with(content: str, result: Result, setting: Setting, text: str, method: Composition) -> str:
    """Return the key of a result's setting, replicate, track and precision with a method."""
    recipe, sources, precision = setting.identity(), method.sources, precision_of(result)
    return key_of(PROTOCOL, content, recipe, text, result.replicate, result.track, sources=sources, precision=precision)


def _ended(result: Result, method: Composition) -> list[str]:
    """List where training ended, or was answered, otherwise than the method and the curves say."""
    faults, curves = [], result.curves
    try:
        ends = [curves[name][-1] for name in ("objective", "weight_norm")]
        history = history_of(result, method.told)
        finite = all(value is not None and math.isfinite(value) for value in ends)
        if result.diverged == finite:
            faults.append(f"diverged is {result.diverged}, but its last loss and weights are {ends}")
        if result.trained != result.epochs and not result.diverged and not method.stop(history):
            faults.append(f"it ends after {result.trained} of {result.epochs} epochs, and nothing stopped it")
        if (right := method.report(history)) != result.report:
            faults.append(f"it reports epoch {result.report}, but the method would report {right}")
    except (KeyError, IndexError) as error:
        faults.append(f"a curve is missing or empty: {error}")
    return faults


def content_of(result: Result, setting: Setting, data: Data) -> str | None:
    """Return what `splits.fingerprint` says, from the record alone where that is possible, else None."""
    dataset = result.identity["dataset"]
    noise = parse_noise(setting.noise)
    if noise.drawn and not noise.whole:
        return str(dataset["fingerprint"])
    if not noise.drawn and "subset" not in dataset:
        return labelled(dataset["fingerprint"], result.identity["noise"]["labels_sha256"])
    if data.images is None or apart(result, data):
        return None
    try:
        return fingerprint(setting, data.images)
    except DataError:
        return None


def _host(result: Result, setting: Setting, method: Composition, data: Data, known: Mapping[str, Result]) -> Finding:
    """Check that a reading is of the run that it names."""
    content = content_of(result, setting, data)
    host = known.get(result.host or "")
    if result.host is None or not method.is_reading:
        what = "is read off another run, but it names none" if method.is_reading else "is trained, but it names a host"
        return Finding("host", WRONG, f"the method {what}")
    if host is None or content is None:
        return Finding("host", UNKNOWN, f"the run {result.host} that it was read off is not at hand")
    trained = method.host
    text, told = marked(result.method)
    name = str(trained) if text == str(method) else without_revision(str(trained))
    right = _key_with(content, result, setting, f"{name} [{told}]" if varies(trained.told) else name, trained)
    faults = [f"is {result.host}, but identity and method give {right}"] if right != result.host else []
    faults += [f"its {name} is not the host's" for name in result.curves if not _same(result, host, name)]
    return judged("host", faults, right)


def _same(result: Result, host: Result, name: str) -> bool:
    """Whether a curve is the beginning of the host's; NaN equals NaN."""
    own, other = (np.array(run.curves.get(name, []), float)[: result.trained] for run in (result, host))
    return np.array_equal(own, other, equal_nan=True)
