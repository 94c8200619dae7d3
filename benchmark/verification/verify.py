"""Whether a stored result is what it says: its scores, hashes and key recomputed, one finding each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from lnlbench.benchmark.protocol.keys import PROTOCOL, key_of
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.protocol.settings import Setting, SettingError
from lnlbench.benchmark.protocol.splits import fingerprint, labelled
from lnlbench.benchmark.runs.facts import stated, varies
from lnlbench.benchmark.runs.reading import history_of
from lnlbench.benchmark.verification.recompute import OK, UNKNOWN, WRONG, Data, Finding, judged, labels, predictions
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._compose import Composition
from lnlbench.methods._parse import parse, without_revision
from lnlbench.methods.base import MethodError

_TASK = re.compile(r"[\w.,=+-]+")  # of a name that any page may show
_MARK = re.compile(r"^(.*?)(?: \[([\w.+-]+)\])?$")


def verify(result: Result, data: Data, known: Mapping[str, Result]) -> list[Finding]:
    """Check a result against itself, against this version's code, and against the data set.

    What no record can prove is how training went: losses, times, and the validation curve that `noisy_val` chooses
    by. That takes the run to be made again.

    Args:
        result: to be checked.
        data: the data set that it names.
        known: other results by key, among them the host of a reading.
    """
    if result.protocol != PROTOCOL:
        detail = f"made under protocol {result.protocol}, this version knows {PROTOCOL}: it cannot be checked or ranked"
        return [Finding("protocol", WRONG, detail)]
    try:
        setting = Setting(**result.identity["setting"])
        faults = list(_inconsistent(result, setting))
    except (KeyError, TypeError, ValueError) as error:
        text = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        return [_known("protocol", PROTOCOL), Finding("identity", WRONG, f"it does not read: {text}")]
    findings = [_known("protocol", PROTOCOL), judged("identity", faults, f"{result.label} on {result.setting}")]
    text, told = _marked(result.method)
    networks = None
    try:
        method = parse(without_revision(text), result.classes)
    except MethodError as error:
        findings.append(Finding("method", UNKNOWN, f"{error}; a file of your own is named with --plugin"))
    else:
        networks = 1 if method.ensemble else method.networks
        findings.append(_method(result, method, text, told))
        findings.append(_key(result, setting, method, data))
        findings.append(judged("epochs", _misread(result, method), f"{result.trained} of {result.epochs} trained"))
        if result.host is not None or method.is_reading:
            findings.append(_host(result, setting, method, data, known))
    findings += [labels(result, setting, data), predictions(result, networks, data)]
    return findings


def worst(findings: list[Finding]) -> str:
    """What all findings together come to."""
    states = {finding.state for finding in findings}
    return WRONG if WRONG in states else UNKNOWN if UNKNOWN in states else OK


def _marked(text: str) -> tuple[str, str | None]:
    """A method or a label, and how it is told what it must know, which stands behind it in brackets."""
    found = _MARK.fullmatch(text)
    return (text, None) if found is None else (found[1], found[2])


def _known(what: str, value: object) -> Finding:
    return Finding(what, OK, str(value))


def _inconsistent(result: Result, setting: Setting) -> Iterator[str]:
    """Where the parts of a record contradict each other."""
    identity = result.identity
    seeds, noise = identity["seeds"], identity["noise"]
    drawn = parse_noise(setting.noise).drawn
    said: list[tuple[str, object, object]] = [
        ("dataset", result.dataset, setting.dataset),
        ("setting", result.setting, setting.name),
        ("noise", result.noise, setting.noise),
        ("length", result.length, setting.length),
        ("epochs", result.epochs, setting.epochs),
        ("data set's name", identity["dataset"]["name"], setting.dataset),
        ("classes", result.classes, noise["classes"]),
        ("replicate", seeds["replicate"], result.replicate),
        ("noise seed", noise["seed"], seed("noise", result.replicate) if drawn else None),
        ("split seed", seeds["split"], seed("split", result.replicate)),
    ]
    for name, came, right in said:
        if came != right:
            yield f"{name} is {came!r}, but all else says {right!r}"
    if not _TASK.fullmatch(setting.task):
        raise SettingError(f"a task's name has letters, digits and ,.=+-_ alone, got {setting.task!r}")
    if result.track != "tuned" and "tuning" in identity:
        yield f"it was tuned, but its track is {result.track!r}"


def _method(result: Result, method: Composition, text: str, told: str | None) -> Finding:
    """Whether the method, how it is called and what is said of it agree."""
    try:
        label = parse(_marked(result.label)[0], result.classes)
    except MethodError as error:
        return Finding("method", WRONG, f"its label is no method: {error}")
    names = [sorted(part.name for part in one.parts) for one in (method, label)]
    marked = varies(method.told)
    now = text if told is not None or not marked else f"{text} without being told {', '.join(method.told)}"
    older = text != str(method)
    if (without_revision(text), told is not None) != (without_revision(str(method)), marked):
        return Finding("method", UNKNOWN, f"{now} is of another version of the method, which is now {method}")
    said: list[tuple[str, object, object]] = [
        ("label", names[1], names[0]),
        ("networks", result.networks, method.networks),
        ("told", result.told, stated(method.told, told or "")),
    ]
    faults = [f"{name} is {came!r}, but the method's is {right!r}" for name, came, right in said if came != right]
    detail = f"{result.method}, a formula that this version no longer trains: its own is {method}"
    return judged("method", faults, detail if older else result.method)


def _key(result: Result, setting: Setting, method: Composition, data: Data) -> Finding:
    content = _content(result, setting, data)
    if content is None:
        return Finding("key", UNKNOWN, f"its labels are a part of a file's, which takes the data set: {data.why}")
    right = key_of(PROTOCOL, content, setting.identity(), result.method, result.replicate, result.track, method.sources)
    if right != result.key:
        return Finding("key", WRONG, f"is {result.key}, but identity and method give {right}")
    return Finding("key", OK, right)


def _content(result: Result, setting: Setting, data: Data) -> str | None:
    """What `data.fingerprint` says, from the record alone where that is possible."""
    dataset = result.identity["dataset"]
    noise = parse_noise(setting.noise)
    if noise.drawn and not noise.whole:
        return str(dataset["fingerprint"])
    if "subset" not in dataset:
        return labelled(dataset["fingerprint"], result.identity["noise"]["labels_sha256"])
    try:
        return None if data.images is None else fingerprint(setting, data.images)
    except DataError:
        return None


def _misread(result: Result, method: Composition) -> list[str]:
    """Where training ended, or was answered, otherwise than the method and the curves say."""
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


def _host(result: Result, setting: Setting, method: Composition, data: Data, known: Mapping[str, Result]) -> Finding:
    """Whether a reading is of the run that it names."""
    content = _content(result, setting, data)
    host = known.get(result.host or "")
    if result.host is None or not method.is_reading:
        what = "is read off another run, but it names none" if method.is_reading else "is trained, but it names a host"
        return Finding("host", WRONG, f"the method {what}")
    if host is None or content is None:
        return Finding("host", UNKNOWN, f"the run {result.host} that it was read off is not at hand")
    text, told = _marked(result.method)
    trained = method.host
    name = str(trained) if text == str(method) else without_revision(str(trained))
    text = f"{name} [{told}]" if varies(trained.told) else name
    right = key_of(PROTOCOL, content, setting.identity(), text, result.replicate, result.track, trained.sources)
    faults = [f"is {result.host}, but identity and method give {right}"] if right != result.host else []
    faults += [f"its {name} is not the host's" for name in result.curves if not _same(result, host, name)]
    return judged("host", faults, right)


def _same(result: Result, host: Result, name: str) -> bool:
    """Whether a curve is the beginning of the host's; NaN equals NaN."""
    own, other = (np.array(run.curves.get(name, []), float)[: result.trained] for run in (result, host))
    return np.array_equal(own, other, equal_nan=True)
