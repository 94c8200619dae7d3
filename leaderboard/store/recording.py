"""Records one run while it trains: numbers are buffered, and nothing is lost when training fails."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from lnlbench.leaderboard.results.errors import ScoreError, StoreError, one_line
from lnlbench.leaderboard.results.precision import PLAIN
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.claims import Heartbeat
from lnlbench.leaderboard.store.naming import CHARTS

FLUSH = 10.0
"""Seconds between two writes of metrics."""

NEAR = 1e-9
"""Two ways to take the mean of an epoch's hits differ by less."""

Point = tuple[str, float, int, int]
"""Chart key, value, epoch, milliseconds since 1970."""


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run before it starts; the fields mean what they mean in `Result`."""

    key: str
    dataset: str
    setting: str
    noise: str
    method: str
    label: str
    replicate: int
    length: str = "full"
    track: str = "default"
    host: str | None = None
    sweep: str | None = None
    study: str | None = None  # of the tuning that a trial belongs to
    precision: str = PLAIN
    params: Mapping[str, object] = field(default_factory=dict)  # hyper-parameters and fields of the setting
    manifest: Mapping[str, Any] = field(default_factory=dict)  # of the noise; its "labels_sha256" names the labels
    cell_files: Callable[[], Mapping[str, bytes | str]] | None = None  # made by whoever creates the cell
    rescore: Callable[[str], list[float]] | None = (
        None  # test accuracies from packed predictions, by whoever knows labels
    )

    @property
    def cell(self) -> str:
        """Return what names this run's cell (two runs of one differ in their replicate alone) or its study."""
        if self.study is not None:
            return "\n".join((self.dataset, "study", self.study))
        precision = () if self.precision == PLAIN else (self.precision,)
        return "\n".join((self.dataset, self.length, self.track, self.setting, self.method, *precision))

    def tags(self, kind: str) -> dict[str, str]:
        """Return what marks a run of a kind in MLflow: a cell, a run, a reading, a study, a trial."""
        names = ("setting", "method", "label", "track", "length", "precision")
        return {"lnlbench.kind": kind} | {f"lnlbench.{name}": str(getattr(self, name)) for name in names}

    @property
    def shared(self) -> dict[str, str]:
        """The parameters that all runs of its cell have in common."""
        names = {"method": self.label, "method_text": self.method, "setting": self.setting, "noise": self.noise}
        return names | {"track": self.track}


class Sink(Protocol):
    """What a recording needs of the store."""

    def write_points(self, run_id: str, points: list[Point]) -> None:
        """Store metrics."""

    def close_run(self, recording: "Recording", result: Result, artifacts: Mapping[str, bytes | str]) -> None:
        """Store the result, and mark the run as finished."""

    def break_run(self, recording: "Recording", status: str, reason: str) -> None:
        """Mark the run as FAILED or KILLED."""


class Recording:
    """One run's log, made by `Store.begin`; use it as a context manager.

    Leaving the block without `finish` marks the run as failed (KILLED after Ctrl-C), with the reason as a tag. With
    an owner, the claim on the key is kept alive inside the block, then closed or given back.
    """

    def __init__(
        self, sink: Sink, run_id: str, parent: str, info: RunInfo, owner: str | None, heartbeat: "Keeper"
    ) -> None:
        self.run_id, self.parent, self.info, self.owner = run_id, parent, info, owner
        self.finished = False
        self.heartbeat: Heartbeat | None = None
        self._sink, self._keeper = sink, heartbeat
        self._points: list[Point] = []
        self._flushed = time.monotonic()

    def log(self, metrics: Mapping[str, float | None], epoch: int) -> None:
        """Note the numbers of one epoch, named as the curves of a result; the main ones reach MLflow.

        Raises:
            StoreError: the store cannot be written.
        """
        now = int(time.time() * 1000)
        for name, value in metrics.items():
            if name in CHARTS and value is not None:
                self._points.append((CHARTS[name], float(value), epoch, now))
        if time.monotonic() - self._flushed > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        points, self._points = self._points, []
        self._flushed = time.monotonic()
        try:
            self._sink.write_points(self.run_id, points)
        except StoreError:
            self._points = points + self._points  # the next flush tries again
            raise

    def finish(self, result: Result, artifacts: Mapping[str, bytes | str] | None = None) -> None:
        """Store the result with its files, and mark the run as finished.

        Raises:
            ScoreError: its test accuracies are not what its predictions give.
            StoreError: the result is another run's, the run is closed, or the store cannot be written.
        """
        if result.key != self.info.key:
            raise StoreError(f"the result is of another run: its key is {result.key}, this run's {self.info.key}")
        if self.finished:
            raise StoreError(f"the run {self.run_id} is closed already")
        self._check_scores(result)
        self.flush()
        self._sink.close_run(self, result, artifacts or {})
        self.finished = True

    def _check_scores(self, result: Result) -> None:
        if self.info.rescore is None:
            return
        right = self.info.rescore(result.predictions)
        curve = result.curves["test_accuracy"]
        for epoch, (came, accuracy) in enumerate(zip(curve, right, strict=True)):
            if came is None or not abs(came - accuracy) <= NEAR:
                raise ScoreError(
                    f"test accuracy of epoch {epoch} is {came}, but the predictions give {accuracy:.6g}: something "
                    "changed how runs are scored, and nothing is stored"
                )

    def fail(self, reason: str, status: str = "FAILED") -> None:
        """Mark the run as failed, for a reason of one line."""
        if self.finished:
            return
        self.finished = True
        with suppress(StoreError):  # the reason matters more than the last numbers
            self.flush()
        self._sink.break_run(self, status, reason)

    def __enter__(self) -> Self:
        self.heartbeat = self._keeper.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.fail("left without a result")
                return
            reason = f"{type(error).__name__}: {one_line(error)}"
            with suppress(StoreError):  # must not hide the error on its way out
                self.fail(reason, "FAILED" if isinstance(error, (Exception, SystemExit)) else "KILLED")
        finally:
            self._keeper.__exit__(None, None, None)


Keeper = AbstractContextManager[Heartbeat | None]
