"""What a board is: methods by settings under one rule, all runs of one track, length and protocol version."""

from dataclasses import dataclass, field

from lnlbench.leaderboard.ranking.across import Across, compare_across


@dataclass(frozen=True)
class Cell:
    """One method in one setting; accuracies are fractions in [0, 1].

    `half` is half the width of the 95 % interval (None with one replicate), `rank` is None where the setting or the
    row does not rank, `letters` are the groups of methods that its tests do not tell apart (None where not all could
    be made, empty where they are too many for letters), and `same_as_host` says that the numbers are those of the run
    that a reading was read off. `searched` are the ends of the interval that includes the search, of a tuned method
    under the rule that the search went by.
    """

    mean: float
    half: float | None
    n: int
    rank: int | None = None
    letters: str | None = None
    diverged: int = 0
    same_as_host: bool = False
    searched: tuple[float, float] | None = None


@dataclass(frozen=True)
class Pair:
    """Two methods in one setting: how much higher a is than b over n common replicates, half its interval, Holm's p."""

    a: str
    b: str
    difference: float
    half: float | None
    p: float | None
    n: int


@dataclass(frozen=True)
class Column:
    """One setting: its rates, what validation can resolve there (a fraction), and whether it counts for ranks.

    `needed` is how many replicates a difference of half a point would take, None where it cannot be told; `groups` is
    how many sets of methods the tests leave together, which overlap, None where not all tests could be made.
    """

    setting: str
    dataset: str
    noise: str
    nominal_rate: float | None
    realised_rate: float | None
    guaranteed: bool  # noisy validation chooses the best epoch in expectation
    resolution: float | None
    counted: bool
    needed: int | None = None
    pairs: tuple[Pair, ...] = ()
    groups: int | None = None


@dataclass(frozen=True)
class Row:
    """One method: a cell per setting where it has results, and its ranks and means over the counted settings.

    `letters` are the groups that tests across settings do not tell apart, None where nothing could be decided. A
    `reading` is read off another method's runs; a `reference` was trained longer and never ranks.
    """

    name: str  # the label, or the full text where one label stands for several
    methods: tuple[str, ...]  # full texts
    told: tuple[str, ...]
    networks: int
    reading: bool
    cells: dict[str, Cell]
    mean_rank: float | None
    average: float | None
    rank_interval: tuple[float, float] | None = None
    letters: str | None = None
    reference: bool = False


@dataclass(frozen=True)
class Board:
    """Rows in order, best first, and in `notes` what a reader must know, one sentence each."""

    protocol: int
    length: str
    track: str
    rule: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    across: Across = field(default_factory=lambda: compare_across({}, ()))

    @property
    def title(self) -> str:
        """The board's name."""
        return f"{self.rule}, track {self.track}, length {self.length}, protocol {self.protocol}"
