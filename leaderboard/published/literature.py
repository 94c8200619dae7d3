"""The table of published accuracies: methods, noises and data sets that there are here, each row with its source."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Published:
    """One published mean, in the words of this project where it has some.

    Noise is written as here, in the convention of the source: ELR redraws labels from all classes, so its rows are
    `symmetric-inclusive-…`. Its asymmetric noise is left out: its generator changes labels while it reads them, which
    makes another noise. `rule` is the rule of ours that the source's choice of an epoch amounts to: the last epoch is
    `final`, the mean of the last ten `mean10`, noisy validation `noisy_val`, the best test epoch `oracle`. Rows whose
    choice is not stated are left out.
    """

    dataset: str
    noise: str
    method: str  # name of the method, with the values of the source
    backbone: str  # ours where there is one, else the source's word
    epochs: int
    rule: str
    held_out: float  # share of the training set that validation takes
    mean: float  # test accuracy in percent
    std: float | None  # over the n runs of the source, in points
    n: int | None
    source: str

    @property
    def tolerance(self) -> float:
        """Points within which a repetition agrees: two standard deviations, but at least one point."""
        return max(1.0, 2 * (self.std or 0.0))


@cache
def literature() -> tuple[Published, ...]:
    """Every row of the table."""
    with (Path(__file__).parent / "literature.csv").open(newline="", encoding="utf-8") as file:
        return tuple(_row(row) for row in csv.DictReader(file))


def _row(row: dict[str, str]) -> Published:
    return Published(
        dataset=row["dataset"],
        noise=row["noise"],
        method=row["method"],
        backbone=row["backbone"],
        epochs=int(row["epochs"]),
        rule=row["rule"],
        held_out=float(row["held_out"]),
        mean=float(row["mean"]),
        std=float(row["std"]) if row["std"] else None,
        n=int(row["n"]) if row["n"] else None,
        source=row["source"],
    )
