"""What a record says against itself, without torch and without data: its parts, its task and its costs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.protocol.settings import Setting, SettingError, tasks
from lnlbench.benchmark.protocol.settings import setting as named
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATE, length_of, passes_of, passes_read
from lnlbench.benchmark.verification.findings import MALFORMED, OK, WRONG, Finding, differences, judged, unreadable
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.leaderboard.ranking.confirming import choose
from lnlbench.leaderboard.results.form import SEARCHED, TUNED
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.precision import PLAIN, precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName

_TASK = re.compile(r"[\w.,=+@-]+")  # of a name that any page may show
_CLOSE = 1e-6  # of sums of seconds, relative
_ESTIMATE = 2.0  # passes a sample and epoch that the first version of the estimate took at most


def of_record(result: Result, host: Result | None) -> tuple[list[Finding], Setting | None]:
    """Check what a record says against itself.

    Args:
        result: to be checked.
        host: of a reading; None where it is not at hand.

    Returns:
        the findings, and the setting; None where nothing more can be checked.
    """
    if result.protocol != PROTOCOL:
        detail = f"made under protocol {result.protocol}, this version knows {PROTOCOL}: it cannot be checked or ranked"
        return [Finding("protocol", WRONG, detail)], None
    findings = [Finding("protocol", OK, str(PROTOCOL))]
    try:
        setting = Setting(**result.identity["setting"])
        faults, uncounted = list(contradictions(result, setting)), list(_uncounted(result))
    except MALFORMED as error:
        return [*findings, unreadable("identity", error)], None
    findings.append(judged("identity", faults, f"{result.label} on {result.setting}"))
    findings.append(judged("curves", uncounted, f"accuracies of {result.trained} epochs are counts"))
    findings.append(judged("cost", costs(result, host), "seconds and passes are what the curves add up to"))
    return findings, setting


def contradictions(result: Result, setting: Setting) -> Iterator[str]:
    """Yield where the parts of a record contradict each other.

    Raises:
        KeyError, TypeError, ValueError: a part is missing or of another kind, or no page may show the task's name.
    """
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
        ("precision", result.environment.get("precision", PLAIN), precision_of(result)),
    ]
    for name, came, right in said:
        if came != right:
            yield f"{name} is {came!r}, but all else says {right!r}"
    if not _TASK.fullmatch(setting.task):
        raise SettingError(f"a task's name has letters, digits and ,.=+-_@ alone, got {setting.task!r}")
    yield from differences(identity["setting"], setting.identity(), "setting")
    yield from _track(result, setting)
    yield from _recipe(result, setting)


def _track(result: Result, setting: Setting) -> Iterator[str]:
    """Where track and search do not go together."""
    tuning = result.identity.get("tuning")
    if (result.track in SEARCHED) != bool(tuning):
        yield f"it was {'tuned' if tuning else 'not tuned'}, but its track is {result.track!r}"
    if result.track not in (*SEARCHED, setting.track):
        yield f"its track is {result.track!r}, but its setting's is {setting.track!r}"
    if tuning:
        validation = [pair[0] for pair in tuning["scores"]]
        confirming = {row["trial"]: row["validation"] for row in tuning.get("confirming", ())}
        spent = len(validation) * tuning.get("splits", 1) + sum(map(len, confirming.values()))
        confirmed = confirming and result.track == TUNED
        number = choose(confirming).number if confirmed else validation.index(max(validation))
        won = (spent, number, validation[number])
        said = tuple(tuning[name] for name in ("trials", "trial", "validation"))
        yield from differences(list(said), list(won), "the search's trials, winner and its validation")


def _recipe(result: Result, setting: Setting) -> Iterator[str]:
    """Where the recipe is not that of the task that it is called by: the key does not know the name."""
    name = SettingName.parse(setting.name)
    if name.task not in tasks():
        return  # the user's own data
    try:
        right = named(str(name.unchanged)).override(**name.values())
    except SettingError as error:
        yield f"its task {setting.task!r} does not read: {error}"
        return
    if result.track in SEARCHED:  # the search chose these
        right = replace(right, lr=setting.lr, weight_decay=setting.weight_decay)
    for fault in differences(setting.identity(), right.identity(), "setting"):
        yield f"{fault}, as {setting.task!r} says"


def _uncounted(result: Result) -> Iterator[str]:
    """Accuracies that no count of samples gives: each is one over as many as are in its part, times the networks."""
    for part in ("validation", "test"):
        size = result.identity.get("split", {}).get(part, 0) * result.networks
        for name, curve in result.curves.items():
            if f"{part}_accuracy" not in name or (part == "test" and "validation" in name):
                continue
            for epoch, value in enumerate(curve):
                if value is not None and not abs(value * size - round(value * size)) <= _CLOSE * size:  # of float32
                    yield f"{name} of epoch {epoch} is {value!r}, which is no share of {size}"
                    break


def costs(result: Result, host: Result | None) -> list[str]:
    """Return where seconds and passes are not what the curves add up to.

    Args:
        result: to be checked.
        host: of a reading; None where it is not at hand.
    """
    curves, cost = result.curves, result.cost
    try:
        sums = {name: math.fsum(value or 0.0 for value in curve) for name, curve in curves.items()}
        train = sums["seconds_train"]
        estimate = cost.get("estimate_seconds", 0.0)
        start = result.identity.get("diagnostics", {}).get("seconds", 0.0) if result.host is None else 0.0
        total = math.fsum(value for name, value in sums.items() if name.startswith("seconds_")) + start
        said = [
            ("train_seconds", cost["train_seconds"], train + estimate),
            ("total_seconds", cost["total_seconds"], total + estimate),
            ("epochs", cost["epochs"], result.trained),
        ]
        if result.host is not None:
            said += _read(result, host) if host is not None else []
        else:
            speed = result.identity["split"]["train"] * result.trained / max(train, 1e-9)
            said += [("samples_per_second", cost["samples_per_second"], speed)]
            said += [("networks", cost["networks"], result.networks)]
            said += _passes(result, sums, estimate)
        tuning = result.identity.get("tuning", {})
        said += [
            (f"tuning_{name}", cost.get(f"tuning_{name}"), tuning.get(name))
            for name in ("trials", "seconds")
            if f"tuning_{name}" in cost or name in tuning
        ]
        faults = [
            f"{name} is {came!r}, but the curves give {right!r}" for name, came, right in said if _off(came, right)
        ]
    except MALFORMED as error:
        return [f"what it cost is incomplete: {error}"]
    return faults


def _read(result: Result, host: Result) -> list[tuple[str, object, object]]:
    """Compare what a reading shares with its host, and the passes that it is charged.

    Readings once had their host's passes an epoch, in which an estimate was spread over the host's length: too few,
    and still what was said then.
    """
    cost = result.cost
    said: list[tuple[str, object, object]] = [
        (name, cost.get(name), host.cost.get(name)) for name in ("samples_per_second", "estimate_seconds")
    ]
    for name in ("forward_passes", "backward_passes"):
        once = host.cost[name]
        right = passes_read(host, name, result.trained) if _off(cost[name], once) else once
        said.append((name, cost[name], right))
    return said


def _passes(result: Result, sums: dict[str, float], estimate: float) -> list[tuple[str, float, float]]:
    """Compare passes a sample and epoch with the curves; those of an estimate come on top, and are not in them."""
    found = []
    length = length_of(Setting(**result.identity["setting"]), result.identity["split"]["train"])
    trained, evaluated = passes_of(length)
    for name, more in (("forward_passes", trained + evaluated), ("backward_passes", trained)):
        came, right = result.cost[name], sums[name] / result.trained
        if estimate and marked(result.method)[1] == ESTIMATE:
            right += more / result.trained
        elif estimate:
            right = min(max(came, right), right + _ESTIMATE)
        found.append((name, came, right))
    return found


def _off(came: object, right: object) -> bool:
    if isinstance(came, (int, float)) and isinstance(right, (int, float)):
        return not math.isclose(came, right, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return came != right
