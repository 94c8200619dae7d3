"""What is stored, run by run: the one index that every command reads, by SQL where the store is a database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

KEY, KIND, STATE, HOST = "lnlbench.key", "lnlbench.kind", "lnlbench.state", "lnlbench.host"
SETTING, METHOD, LABEL, REPLICATE = "lnlbench.setting", "lnlbench.method", "lnlbench.label", "lnlbench.replicate"
TRACK = "lnlbench.track"
PRECISION = "lnlbench.precision"
"""A run without it is from before keys knew it: its key tag is its key in fp32, whatever it was computed in."""

HARDWARE, CELL, PARENT = "lnlbench.hardware", "lnlbench.cell", "mlflow.parentRunId"
"""Tags of a run, as MLflow's UI and all stores made before know them."""

SECONDS = "cost/seconds"
"""The number of a run that forecasts are made of: seconds of device time."""

RESULTS: Mapping[str, Collection[str]] = {STATE: ("finished",)}
"""What the tags of a run say that ended with a result."""

CELLS: Mapping[str, Collection[str]] = {KIND: ("cell",)}
"""What the tags of a cell say, the parent run of a setting and a method."""

ALL = "lnl/%"
"""Every data set's experiment; `lnl/digits` is that of one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored run: where it is, and those of its tags and last numbers that were asked for."""

    run_id: str
    experiment: str  # MLflow's id of it
    artifacts: str  # address of its files
    started: int  # milliseconds since 1970
    tags: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


class Index(Protocol):
    """Finds runs by their tags, and reads of each only what is asked for."""

    def entries(
        self,
        tags: Sequence[str] = (),
        *,
        where: Mapping[str, Collection[str]] = RESULTS,
        numbers: Sequence[str] | None = (),
        place: str = ALL,
        runs: Collection[str] | None = None,
        status: str = "FINISHED",
    ) -> list[Entry]:
        """Return runs of a status, finished ones by default, that are not in the trash; oldest first.

        Args:
            tags: to read.
            where: tags that a run must have, each with one of these values.
            numbers: whose last values to read; None: of all there are.
            place: name of an experiment, or the beginning of names and `%`.
            runs: MLflow's ids of those to look at; all by default.
            status: MLflow's: FINISHED, RUNNING, FAILED or KILLED.

        Raises:
            StoreError: the store cannot be read.
        """
