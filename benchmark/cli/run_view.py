"""One stored run in the terminal: its curves, its scores under each rule, its diagnostics, its cost, what made it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group
from rich.text import Text

from lnlbench.benchmark.cli.own_files import files_of
from lnlbench.benchmark.runs.kept_samples import SAMPLES, suspects
from lnlbench.leaderboard.results.command import that_made, that_reproduces
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES, scored_run, scores_of
from lnlbench.leaderboard.show.terminal import Fitted
from lnlbench.leaderboard.store.reader import existing

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.address import StoreAddress

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 60  # columns of a curve, at most
ACCURACIES = ("test_accuracy", "validation_accuracy")


def sparkline(curve: Sequence[float | None], low: float, high: float, width: int = WIDTH) -> str:
    """Draw a curve as blocks between `low` and `high`, one per epoch or mean of some, gaps where unmeasured."""
    count = min(width, len(curve))
    found = []
    for i in range(count):
        part = curve[i * len(curve) // count : (i + 1) * len(curve) // count]
        values = [value for value in part if value is not None and math.isfinite(value)]
        if not values:
            found.append(" ")
            continue
        share = (sum(values) / len(values) - low) / (high - low) if high > low else 0.0
        found.append(BLOCKS[min(len(BLOCKS) - 1, max(0, int(share * len(BLOCKS))))])
    return "".join(found)


def shown(run_id: str, result: Result, hosts: Mapping[str, Result], given: Iterable[str] = ()) -> Group:
    """All that the terminal shows of a run; `hosts` has that of a reading, by its key; `given` as of `files_of`."""
    title = Text.assemble((f"{result.label} ", "bold"), f"on {result.setting}, replicate {result.replicate}")
    facts = _facts(run_id, result, files_of(result, given))
    return Group(title, *_notes(result, hosts), "", _scores(result, hosts), "", Curves(result), "", facts)


def as_json(run_id: str, result: Result, hosts: Mapping[str, Result]) -> str:
    """Return the same as JSON: the record with its scores, without the packed predictions."""
    record = {name: value for name, value in asdict(result).items() if name != "predictions"}
    finite = {
        name: [value if value is None or math.isfinite(value) else str(value) for value in curve]
        for name, curve in result.curves.items()
    }
    head = {"run_id": run_id or None, "scores": scores_of(result, hosts)}
    return json.dumps({**head, **record, "curves": finite}, default=str)


def suspects_of(address: StoreAddress, run_id: str) -> str:
    """Return the training samples that a run thinks are mislabelled, as CSV (see `kept_samples.suspects`).

    Raises:
        StoreError: the run kept no samples.
    """
    if not run_id:
        raise StoreError("a run of the package kept no samples: make it in a store, with --keep-samples")
    try:
        with existing(address) as store:
            content = store.file(run_id, SAMPLES)
    except StoreError:
        raise StoreError(
            f"run {run_id} kept no samples; delete it in the UI, and run it again with --keep-samples"
        ) from None
    return suspects(content)


def _notes(result: Result, hosts: Mapping[str, Result]) -> list[Text]:
    notes = []
    if result.diverged:
        notes.append(Text(f"It diverged and scores chance, 1/{result.classes}.", "red"))
    if result.host is not None:
        there = "it counts as that run, but under final" if result.host in hosts else "which is not there"
        notes.append(Text(f"A reading of run {result.host[:12]}: not trained again; {there}."))
    return notes


@dataclass(frozen=True)
class Curves:
    """The curves of a run as sparklines that take what the terminal leaves them."""

    result: Result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Fitted]:
        """Yield a table with a line for each curve."""
        rows, ends = [], []
        for name in self._names():
            curve = self.result.curves[name]
            values = [value for value in curve if value is not None and math.isfinite(value)]
            if values:
                share = min(values) >= 0 and max(values) <= 1 and "distance" not in name
                ends.append((curve, *((0.0, 1.0) if share else (min(values), max(values)))))
                rows.append([name, f"{values[0]:.4g}", f"{values[-1]:.4g}"])
        header = ["curve", "first", "last"]
        others = [max(map(len, texts)) for texts in zip(header, *rows, strict=True)]
        width = max(1, min(WIDTH, options.max_width - sum(others) - 3 * len(header) - 2))
        rows = [[*row, sparkline(*end, width)] for row, end in zip(rows, ends, strict=True)]
        yield Fitted([*header, f"epochs 1 to {self.result.trained}"], rows)

    def _names(self) -> list[str]:
        hidden = ("seconds", "forward", "backward", "learning_rate", "objective")
        names = [name for name in self.result.curves if not name.startswith(hidden) and not name.endswith("_exact")]
        return [*ACCURACIES, *sorted(set(names) - set(ACCURACIES))]


def _scores(result: Result, hosts: Mapping[str, Result]) -> Fitted:
    rows = []
    for name, score in scores_of(result, hosts).items():
        run = scored_run(result, name, hosts)
        if run.diverged:
            epoch = "-"
        else:
            epochs = RULES[name].epochs(run)
            epoch = " to ".join(str(1 + epoch) for epoch in dict.fromkeys((epochs[0], epochs[-1])))  # as pages count
        rows.append([f"{name} (ranks)" if name == PRIMARY else name, f"{100 * score:.2f}", epoch])
    return Fitted(["rule", "test accuracy, %", "epoch"], rows)


def _facts(run_id: str, result: Result, files: Sequence[str]) -> Fitted:
    identity, cost, made = result.identity, result.cost, result.environment
    noise, split = identity.get("noise", {}), identity.get("split", {})
    facts: dict[str, Any] = {
        "method": result.method,
        "told": _told(result),
        "noise": f"{result.noise}: nominal {_short(noise.get('nominal_rate'))}, "
        f"realised {_short(noise.get('realised_rate'))}",
        "labels": noise.get("labels_sha256"),
        "split": f"{split.get('train')} train, {split.get('validation')} validation, {split.get('sha256')}",
        "data": " ".join(str(identity.get("dataset", {}).get(name, "")) for name in ("name", "revision")),
        "length": f"{result.trained} of {result.epochs} epochs, {result.length}, track {result.track}",
        "cost": ", ".join(f"{name} {_short(value)}" for name, value in cost.items()),
        "made by": ", ".join(f"{name} {_short(value)}" for name, value in made.items()),
        "command": that_made(result, files) or "none: its values come from a search",
        "again": that_reproduces(result, files),
        "key": f"{result.key}, protocol {result.protocol}",
        "MLflow run": run_id or "none: it is not of the store",
    }
    return Fitted([], [[name, str(value)] for name, value in facts.items()])


def _told(result: Result) -> str:
    """Return what the method knew, and what an estimate rests on."""
    facts = result.identity.get("told", {})
    text = ", ".join(result.told) or "nothing beyond the labels"
    if "noise_rate" in facts:
        text += f": {_short(facts['noise_rate'])}"
    if "out_of_fold_accuracy" in facts:
        bound = ", an upper bound" if facts["upper_bound"] else ""
        text += f"{bound}; out-of-fold accuracy {_short(facts['out_of_fold_accuracy'])}"
    return text


def _short(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
