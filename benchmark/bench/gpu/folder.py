"""The folder of what was found: every line is there as soon as it is known, and says to a later call what was done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lnlbench.benchmark.bench.gpu import summary
from lnlbench.benchmark.bench.gpu.part import Finding, Part, Record, Said, Table
from lnlbench.leaderboard.results import archive, files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import from_json

FINDINGS, SUMMARY = "findings.jsonl", "summary.md"
FULL = 15 << 20
"""Bytes of a file of results from which on the next one is begun."""
ARCHIVES = 4


@dataclass(frozen=True)
class Outcome:
    """How a part ended: "done", "failed" or "cut", with its stated cost and the seconds that it took."""

    state: str
    cost: float
    seconds: float


class Folder:
    """Findings as JSON lines, results as `lnlbench export` writes them, tables and a summary in Markdown.

    Raises:
        StoreError: the folder cannot be written, or holds results that are damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self.events = list(_events(path / FINDINGS))
            if self.events and not (path / FINDINGS).read_bytes().endswith(b"\n"):
                self._write("\n")  # behind the line in whose midst an earlier call was killed
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        self._keys = {result.key for file in self._archives() for result in archive.stream(file, predictions=False)}
        self._left: dict[str, str] = {}

    def begin(self, **about: Any) -> None:
        """Say that a call begins."""
        self._note({"event": "call", **about})

    def state(self, part: Part) -> str:
        """Return how a part ended in the call that asked it last; nothing where none has."""
        ends = [event["event"] for event in self._ends(part.name)]
        return str(ends[-1]) if ends else ""

    def spent(self, part: Part) -> float:
        """Return the seconds that a part took at most, without an end."""
        return max((event["seconds"] for event in self._ends(part.name) if event["event"] == "cut"), default=0.0)

    def outcomes(self, group: str = "") -> list[Outcome]:
        """Return how the parts of a group, or all parts, ended that did not fail."""
        ends = [event for event in self._ends() if group in ("", event["part"].partition("/")[0])]
        return [Outcome(e["event"], e["cost"], e["seconds"]) for e in ends if e["event"] != "failed"]

    def add(self, part: Part, said: Said) -> None:
        """Keep what a part says.

        Raises:
            StoreError: a result that cannot be kept.
        """
        match said:
            case Finding():
                self._note({"event": "finding", "part": part.name, **asdict(said)})
            case Table(name, text):
                files.write_all(self.path, {f"{name}.md": f"{text}\n"})
            case Record(text):
                self._archive(text)

    def close(self, part: Part, outcome: Outcome, lines: tuple[str, ...]) -> None:
        """Say how a part ended, and bring the summary up to date."""
        about = {"part": part.name, "cost": outcome.cost, "seconds": round(outcome.seconds, 3)}
        self._note({"event": outcome.state, **about, **({"lines": lines} if lines else {})})
        self.summarise()

    def leave(self, part: Part, why: str) -> None:
        """Say that a part was not asked in this call."""
        self._left[part.name] = why

    def summarise(self) -> None:
        """Write the summary."""
        files.write_all(self.path, {SUMMARY: summary.text(self.events, self._left)})

    def _ends(self, name: str = "") -> list[dict[str, Any]]:
        ends = [event for event in self.events if event["event"] in ("done", "failed", "cut")]
        return [event for event in ends if name in ("", event["part"])]

    def _note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._write(json.dumps(event, default=str) + "\n")

    def _write(self, text: str) -> None:
        with (self.path / FINDINGS).open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _archive(self, text: str) -> None:
        """Add a result to the last file of results, each a stream of its own behind the others."""
        result = from_json(text)
        if result.key in self._keys:  # a call was killed after it, and before its part was closed
            return
        old = self._archives()
        last = old[-1] if old and old[-1].stat().st_size < FULL else self.path / f"results-{len(old) + 1}.jsonl.xz"
        if last not in old and len(old) == ARCHIVES:
            raise StoreError(f"{self.path} holds {ARCHIVES} full files of results; begin a new folder")
        before = last.read_bytes() if last in old else b""
        with files.replacing(last) as unfinished:
            archive.write(unfinished, [result])
            unfinished.write_bytes(before + unfinished.read_bytes())
        self._keys.add(result.key)

    def _archives(self) -> list[Path]:
        return sorted(self.path.glob("results-*.jsonl.xz"))


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what earlier calls noted; the last line of one that was killed may be cut off."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue
