"""Records one run while it trains: numbers are buffered, and nothing is lost when training fails."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, fields
from types import TracebackType
from typing import Any, Protocol, Self

from lnlbench.leaderboard.results.errors import ScoreError, StoreError, one_line
from lnlbench.leaderboard.results.precision import PLAIN, precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.claims import ClaimLost, Heartbeat
from lnlbench.leaderboard.store.naming import AT_ONCE, CHARTS
from lnlbench.leaderboard.store.rows import LONGEST, Point, Rows

FLUSH = 10.0
"""Seconds between two writes of metrics."""

NEAR = 1e-9
"""Two ways to take the mean of an epoch's hits differ by less."""


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
    labels: str = ""  # SHA-256 of the given labels, by which MLflow knows the data of a run
    cell_files: Callable[[], Mapping[str, bytes | str]] | None = None  # made by whoever creates the cell
    rescore: Callable[[str], list[float]] | None = (
        None  # test accuracies from packed predictions, by whoever knows labels
    )

    @classmethod
    def of(cls, result: Result, **more: Any) -> Self:
        """Return what a finished run would have said of itself before it started."""
        names = {f.name for f in fields(cls)} & {f.name for f in fields(result)}
        known = {name: getattr(result, name) for name in names}
        labels = str(result.identity["noise"].get("labels_sha256", ""))
        return cls(**known, precision=precision_of(result), labels=labels, **more)

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

    @property
    def all_params(self) -> dict[str, str]:
        """Return every parameter of the run, as text that MLflow takes."""
        values = {"replicate": self.replicate, **self.params} | self.shared
        return {name: str(value)[:LONGEST] for name, value in values.items()}


class Sink(Protocol):
    """What a recording needs of the store."""

    @property
    def everything(self) -> bool:
        """Whether all curves are written at once, since others look on while the run is made."""

    def write(self, run_id: str, rows: Rows) -> None:
        """Add to a run."""

    def close_run(
        self, recording: "Recording", result: Result, artifacts: Mapping[str, bytes | str], rows: Rows
    ) -> None:
        """Store the result, and mark the run as finished."""

    def break_run(self, recording: "Recording", status: str, reason: str, rows: Rows) -> None:
        """Mark the run as FAILED or KILLED."""


class Recording:
    """One run's log, made by `Store.begin`; use it as a context manager.

    Leaving the block without `finish` marks the run as failed (KILLED after Ctrl-C, and where another process has
    its key now), with the reason as a tag. With an owner, the claim on the key is kept alive inside the block, then
    closed or given back.

    What is logged is written every `FLUSH` seconds and at the end. Of a run that is over before that nobody saw a
    curve grow: its accuracies are written, and of the other charts the last values. `showcase.prepare` adds the rest
    from the record when someone looks; the four of them are half of what a run of some epochs takes in the database.
    """

    def __init__(
        self, sink: Sink, run_id: str, parent: str, info: RunInfo, owner: str | None, heartbeat: "Keeper"
    ) -> None:
        self.run_id, self.parent, self.info, self.owner = run_id, parent, info, owner
        self.finished = False
        self.heartbeat: Heartbeat | None = None
        self._sink, self._keeper = sink, heartbeat
        self._params = info.all_params
        self._points: list[Point] = []
        self._later: list[Point] = []  # of charts that are not written yet
        self._everything = sink.everything
        self._flushed = time.monotonic()

    def log(self, metrics: Mapping[str, float | None], epoch: int) -> None:
        """Note the numbers of one epoch, named as the curves of a result; the main ones reach MLflow.

        Raises:
            ClaimLost: someone else has taken the key over, so that there is nothing left to do here.
            StoreError: the store cannot be written.
        """
        if self.heartbeat is not None:
            self.heartbeat.check()
        now = int(time.time() * 1000)
        for name, value in metrics.items():
            if name in CHARTS and value is not None:
                points = self._points if self._everything or name in AT_ONCE else self._later
                points.append((CHARTS[name], float(value), epoch, now))
        if time.monotonic() - self._flushed > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write all that was noted, and from now on all charts: the run takes long enough to be looked at.

        Raises:
            StoreError: the store cannot be written; the next flush tries again.
        """
        self._points += self._later
        self._later, self._everything = [], True
        self._flushed = time.monotonic()
        self._sink.write(self.run_id, self._rows())
        self._points, self._params = [], {}

    def finish(self, result: Result, artifacts: Mapping[str, bytes | str] | None = None) -> None:
        """Store the result with its files, and mark the run as finished.

        Raises:
            ScoreError: its test accuracies are not what its predictions give.
            ClaimLost: someone else has taken the key over; nothing is stored.
            StoreError: the result is another run's, the run is closed, or the store cannot be written.
        """
        if result.key != self.info.key:
            raise StoreError(f"the result is of another run: its key is {result.key}, this run's {self.info.key}")
        if self.finished:
            raise StoreError(f"the run {self.run_id} is closed already")
        self._check_scores(result)
        self._points += {point[0]: point for point in self._later}.values()  # the last one of each chart
        self._sink.close_run(self, result, artifacts or {}, self._rows())
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
        self._points += self._later
        self._sink.break_run(self, status, reason, self._rows())

    def _rows(self) -> Rows:
        return Rows(points=self._points, params=self._params)

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
                lost = isinstance(error, ClaimLost)  # the run has not failed, it is made elsewhere
                self.fail(reason, "FAILED" if isinstance(error, (Exception, SystemExit)) and not lost else "KILLED")
        finally:
            self._keeper.__exit__(None, None, None)


def left_for_later(result: Result, started: int) -> list[Point]:
    """Return the points that the recording of a short run does not write: of all charts but the accuracies.

    The last one of each is left out, which it does write.

    Args:
        result: of the run.
        started: when the run began, milliseconds since 1970; the times follow from the seconds that its epochs took.
    """
    seconds = [row for name, row in result.curves.items() if name in ("seconds_train", "seconds_evaluate")]
    times, time_ms = [], float(started)
    for epoch in range(result.trained):
        time_ms += 1000 * sum(row[epoch] or 0.0 for row in seconds)
        times.append(int(time_ms))
    points: list[Point] = []
    for name, chart in CHARTS.items():
        if name not in AT_ONCE:
            curve = enumerate(result.curves.get(name, ()))
            points += [(chart, value, epoch, times[epoch]) for epoch, value in curve if value is not None][:-1]
    return points


Keeper = AbstractContextManager[Heartbeat | None]
