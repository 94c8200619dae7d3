"""What a board is: methods by settings under one rule, all runs of one suite, track, length and protocol version.

Everything that shows results reads this one structure: terminal, Markdown, LaTeX, CSV, JSON, figures, the page and
`compare`. All accuracies are in percent and all differences in percentage points. A walk through it:

- `Board.rows` are in order of the mean, best first; `Board.below` are those that are not compared (incomplete, or
  trained longer). `Board.columns` are the settings, those with `counted` make the order.
- `Row.score` is the cell that orders the board: the mean over the counted settings, or the cell of the only one.
  `Row.cells` has a cell per setting. Overall and per setting a `Cell` says the same: mean and half-width, rank range,
  could be best, the mark against cross-entropy, the gap to the first, the chance of being first.
- `Board.tests` and `Column.tests` say how the cells were compared, and hold all pairs.
- `Board.sentences` are what a reader should take away, in order; `Board.notes` what else must be known.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from lnlbench.leaderboard.results.rules import rule_named
from lnlbench.leaderboard.results.standing import of_all

RankRange = tuple[int, int]
"""The best and the worst rank that a method may truly have, counted from 1."""

Status = Literal["ranked", "same", "reference", "incomplete"]
"""Of a row: compared with the others; a reading identical to its host; trained longer; or without enough runs."""

BETTER, WORSE, OPEN = "+", "−", "·"


@dataclass(frozen=True, kw_only=True)
class Against:
    """A method beside the reference, cross-entropy: `p` is Holm's over a family of `family` comparisons."""

    reference: str
    difference: float  # this method minus the reference
    half: float | None  # of the 95 % interval of the difference, not adjusted; None where nothing is known of it
    p: float
    family: int
    mark: str  # BETTER, WORSE or OPEN: cannot be told apart yet


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far a method is below the first; `bound` is how far it may be, one-sided at 95 % over all methods."""

    points: float  # 0 or less
    bound: float | None  # None where nothing is known of it
    practically_equal: bool  # the bound is within the board's margin


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One method in one setting, or over all counted ones.

    `half` is half of the 95 % interval, on moderated variances, and `freedom` what its t has of degrees; None with one
    replicate. `rank`, `against`, `gap` and `chance_of_first` are None where the cell is not compared; `against` also
    for readings and cross-entropy itself. `scores` are the accuracies by replicate. `variance`, in
    squared points, is what the tests take for that of a replicate: without what draws do to all methods alike where
    `Tests.common` is above 0. `searched` are the ends of the interval that includes the search, of a tuned method under
    the rule that the search went by.
    """

    mean: float
    half: float | None
    n: int
    scores: dict[int, float]
    rank: RankRange | None = None
    could_be_best: bool = False
    against: Against | None = None
    gap: Gap | None = None
    chance_of_first: float | None = None
    variance: float | None = None
    freedom: float | None = None
    diverged: int = 0  # runs that score chance
    same_as_host: bool = False
    searched: tuple[float, float] | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Return the ends of the interval, cut to 0 and 100; None where there is none."""
        return None if self.half is None else (max(0.0, self.mean - self.half), min(100.0, self.mean + self.half))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two methods of one column: `difference` is a minus b, and a stands above b there, so that it is 0 or more."""

    a: str
    b: str
    difference: float
    half: float | None  # of the 95 % interval, not adjusted
    p: float  # of this test alone
    p_holm: float  # over all pairs of the column
    a_higher: float  # probability that a is truly higher: a description

    def decided(self, alpha: float) -> bool:
        """Return whether the pair is told apart, among all pairs."""
        return self.p_holm < alpha


@dataclass(frozen=True, kw_only=True)
class Tests:
    """How the methods of one column were compared.

    `names` are those compared, best first; `borrowed` is how many replicates' worth of variance came from the other
    methods (0: nothing borrowed), and `pairs` are all pairs, a before b in `names`. `common` is the share of the
    variance between replicates that is common to all methods and taken out of the tests; 0 where it is left in. Means
    are then as on all draws, and `apart` are the methods that share no two draws with others, compared as they are.
    """

    names: tuple[str, ...]
    borrowed: float
    pairs: tuple[Pair, ...]
    common: float = 0.0
    apart: tuple[str, ...] = ()

    def pair(self, a: str, b: str) -> Pair | None:
        """Return the pair of two methods, in either order; None where they were not compared."""
        return next((pair for pair in self.pairs if {pair.a, pair.b} == {a, b}), None)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One setting: its noise, what validation can resolve there (in points), and how its methods were compared.

    `tests` is None where nothing was compared: a rule that never ranks, or one replicate.
    """

    setting: str
    dataset: str
    noise: str
    nominal_rate: float | None  # shares in [0, 1]
    realised_rate: float | None
    guaranteed: bool  # noisy validation chooses the best epoch in expectation
    resolution: float | None
    counted: bool
    n: int = 0  # replicates that most methods have
    tests: Tests | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method: a cell per setting where it has results, and `score` over the counted settings.

    `have` says in how many of the counted settings it has enough replicates; `score` is None where it lacks one.
    """

    name: str  # the shortest label, or the full text where one label stands for several
    methods: tuple[str, ...]  # full texts
    told: tuple[str, ...]  # what it knew beyond the given labels
    precisions: tuple[str, ...]  # that its runs were computed in
    networks: int
    status: Status
    reading: bool  # read off another method's runs
    host: str | None  # the row that it is read off
    score: Cell | None
    cells: dict[str, Cell]
    have: int
    plugins: tuple[str, ...] = ()  # names of the files that registered the method, where it is nobody's but the user's
    standing: str = ""  # how far its runs were checked, by whom and when; nothing where nobody keeps it

    @property
    def diverged(self) -> int:
        """Return how many of its runs diverged."""
        return sum(cell.diverged for cell in self.cells.values())


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A method that could also be best: replicates in all with which the gap seen would be decided, None: too many."""

    name: str
    gap: float  # points below the first, 0 or more
    replicates: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would decide who is first: the command that adds replicates for the contenders alone.

    `command` is empty where no number of replicates would tell, or no command makes them. It is a first step where some
    contender would take more replicates than it adds.
    """

    contenders: tuple[Contender, ...]
    command: str
    runs: int
    seconds: float | None  # of device time, from what such runs took
    first_step: bool = False


@dataclass(frozen=True, kw_only=True)
class Board:
    """Rows in order, best first, and what they say. See the top of this file."""

    suite: str
    protocol: int
    length: str
    track: str
    rule: str
    reference: str | None  # the row that all are held against, where it is on the board
    margin: float  # points within which methods are practically equal
    alpha: float
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    below: tuple[Row, ...]
    tests: Tests | None  # of the scores
    plan: Plan | None = None
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return the suite and how many settings the board has, and how many count, or the setting if it has one."""
        count = len(self.columns)
        if count == 1:
            return self.columns[0].setting
        counted = "" if len(self.counted) == count else f"{len(self.counted)} of "
        return f"{self.suite}, {counted}{count} settings"

    @property
    def title(self) -> str:
        """Return the board's name."""
        return f"{self.place}: {self.rule}, track {self.track}, length {self.length}, protocol {self.protocol}"

    @property
    def counted(self) -> tuple[Column, ...]:
        """Return the settings that make the order."""
        return tuple(column for column in self.columns if column.counted)

    @property
    def score_name(self) -> str:
        """Return what the score is: `mean of 3`, or the setting where only one counts."""
        return self.counted[0].setting if len(self.counted) == 1 else f"mean of {len(self.counted)}"

    @property
    def n(self) -> int:
        """Return how many replicates the scores of most rows are the mean of; 0 where there is no score."""
        found = Counter(row.score.n for row in (*self.rows, *self.below) if row.score)
        return found.most_common(1)[0][0] if found else 0

    @property
    def standings(self) -> dict[str, list[str]]:
        """Return the names of rows by how far they were checked, where that is kept."""
        found: dict[str, list[str]] = {}
        for row in (*self.rows, *self.below):
            if row.standing:
                found.setdefault(row.standing, []).append(row.name)
        return found

    @property
    def standing(self) -> str:
        """Return how far every row was checked, where it is the same of all; else nothing."""
        return of_all(row.standing for row in (*self.rows, *self.below))

    @property
    def standings_differ(self) -> bool:
        """Return whether every row must say for itself how far it was checked."""
        return bool(self.standings) and not self.standing

    @property
    def measure(self) -> str:
        """Return what the scores measure, in percent."""
        return rule_named(self.rule).measures

    def doubtful(self, column: Column) -> bool:
        """Return whether noisy validation chooses the epochs and is not guaranteed to prefer the better one there."""
        return rule_named(self.rule).of_validation and not column.guaranteed

    def held(self, row: Row) -> str:
        """Return what an incomplete row has: `1 of 2` settings with enough replicates, or `n = 1` of every one."""
        found = [row.cells[column.setting].n for column in self.counted if column.setting in row.cells]
        if len(found) == len(self.counted) and (len(found) == 1 or {*found} == {1}):
            return f"n = {found[0]}"
        return f"{row.have} of {len(self.counted)}"

    def row(self, name: str) -> Row | None:
        """Return the row of that name, wherever it stands."""
        return next((row for row in (*self.rows, *self.below) if row.name == name), None)
