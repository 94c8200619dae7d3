"""How often the tests of boards err, and what they find: simulated grids whose truth is known.

    python docs/scripts/simulation.py tests/leaderboard/methods.jsonl.xz

writes the table of `docs/leaderboard.md`. Means and spreads of the methods are those of the results in the file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lnlbench.leaderboard.ranking.compare import columns
from lnlbench.leaderboard.ranking.families import all_pairs, rank_ranges
from lnlbench.leaderboard.ranking.moderation import Moderated, moderate
from lnlbench.leaderboard.ranking.scored import scored
from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.results.archive import read
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result

Floats = npt.NDArray[np.float64]
REPLICATES = (2, 3, 5)
SMALLEST = 0.5
"""True gap in points from which on a pair counts for the power."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Methods whose truth is known: `means` and `deviations` [s, m] over s settings, in percent.

    A method with a `collapse` loses `drop` points in that share of its runs, in every setting; the true mean is with
    these. A draw moves all methods by `common` points (its standard deviation), each by more or less of it (`unlike`,
    the standard deviation of that share). Scores are normal around it and rounded to a test set of ten thousand images.
    """

    name: str
    means: Floats
    deviations: Floats
    collapse: Floats | None = None
    drop: float = 10.0
    common: float = 0.0
    unlike: float = 0.0

    @property
    def truth(self) -> Floats:
        """Return the true mean over settings of every method [m]."""
        lost = 0.0 if self.collapse is None else self.collapse * self.drop
        truth: Floats = self.means.mean(axis=0) - lost
        return truth

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return scores [m, n], the mean over settings of each replicate."""
        shape = (*self.means.shape, n)
        scores = self.means[..., None] + self.deviations[..., None] * rng.standard_normal(shape)
        if self.common:
            moved = 1 + self.unlike * rng.standard_normal(self.means.shape)
            scores = scores + self.common * moved[..., None] * rng.standard_normal((len(self.means), 1, n))
        if self.collapse is not None:
            scores = scores - self.drop * (rng.random(shape[1:]) < self.collapse[:, None])
        drawn: Floats = np.round(np.clip(scores, 0.0, 100.0), 2).mean(axis=0)
        return drawn


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What came out, as shares.

    `error`: trials in which any pair is decided that truly is equal, or the other way round; `power`: pairs truly
    `SMALLEST` points apart or more that are decided; `coverage`: intervals that hold the true mean; `ranks`: rank
    ranges that hold the true rank; `best`: trials in which the truly best method could be best.
    """

    error: float
    power: float
    coverage: float
    ranks: float
    best: float


def simulate(scenario: Scenario, n: int, trials: int, seed: int = 0) -> Rates:
    """Return the rates of a scenario with n replicates.

    Args:
        scenario: the truth.
        n: replicates, two or more.
        trials: simulated grids.
        seed: of the draws.
    """
    rng = np.random.default_rng([seed, n])
    truth = scenario.truth
    count = len(truth)
    gaps = np.round(truth[:, None] - truth[None, :], 9)
    far = np.abs(gaps) >= SMALLEST
    best, worst = 1 + (gaps < 0).sum(axis=1), count - (gaps > 0).sum(axis=1)
    names = [str(i) for i in range(count)]
    found = np.zeros((trials, 5))
    for trial in range(trials):
        scores = scenario.draw(n, rng)
        rows = {name: dict(enumerate(row)) for name, row in zip(names, scores.tolist(), strict=True)}
        alone, welch = columns(names, names, rows, names, trend=len(scenario.means) == 1)
        decided = all_pairs(welch) < ALPHA
        wrong = decided & (np.sign(welch.difference) != np.sign(gaps))
        ranges = rank_ranges(welch)
        found[trial] = (
            wrong.any(),
            (decided & far & ~wrong).sum() / max(1, far.sum()),
            (np.abs(alone.means - truth) <= alone.mean_half_widths()).mean(),
            ((ranges.best <= best) & (ranges.worst >= worst)).mean(),
            (ranges.best[truth >= truth.max() - 1e-9] == 1).all(),
        )
    error, power, coverage, ranks, leads = map(float, found.mean(axis=0))
    return Rates(error=error, power=power if far.any() else float("nan"), coverage=coverage, ranks=ranks, best=leads)


def scenarios(results: Sequence[Result], rule: str = "final", seed: int = 0) -> Iterator[Scenario]:
    """Yield scenarios with the means and spreads of results, without and with methods that are unstable or collapse.

    Args:
        results: of one suite; methods with a diverged run are left out.
        rule: under which they are scored.
        seed: of spreads that are drawn.
    """
    found = scored(results, rule)
    settings = sorted(found.settings)  # boards show them in another order, on which no scenario may hang
    names = [name for name in found.candidates if not any(found.diverged(name, s) for s in settings)]
    scores = np.array([[list(found.scores[name][s].values()) for name in names] for s in settings])  # [s, m, n]
    means = scores.mean(axis=2)
    own = [_moderated(values) for values in scores]
    deviations = np.sqrt([one.variance for one in own])
    # As far from what the others suggest as those that collapsed in one of their runs.
    unstable = np.array([one.variance > 9 * one.prior for one in own])
    for k, setting in enumerate(settings):
        noise, calm = setting.partition("/")[2], ~unstable[k]
        one = slice(k, k + 1)
        yield Scenario(name=f"{noise}", means=means[one, calm], deviations=deviations[one, calm])
        yield Scenario(name=f"{noise}, ties", means=_tied(means[one, calm]), deviations=deviations[one, calm])
    calm = ~unstable.any(axis=0)
    count = len(means)
    yield Scenario(name=f"mean of {count}", means=means[:, calm], deviations=deviations[:, calm])
    yield Scenario(name=f"mean of {count}, ties", means=_tied(means[:, calm]), deviations=deviations[:, calm])
    equal = np.full_like(means[-1:, calm], 95.0)
    yield Scenario(name="all equal", means=equal, deviations=deviations[-1:, calm])
    first = slice(0, 1)
    yield Scenario(name="unstable methods, ties", means=_tied(means[first]), deviations=deviations[first])
    rng = np.random.default_rng(seed)
    unlike = np.exp(rng.uniform(np.log(0.03), np.log(3.0), equal.shape))
    yield Scenario(name="all equal, spreads 0.03 to 3", means=equal, deviations=unlike)
    together = Scenario(name="", means=equal - 25, deviations=unlike**0.5 * np.sqrt(3), common=5.0, unlike=0.1)
    yield replace(together, name="draws move all by 5 points, all equal")
    yield replace(together, name="draws move all by 5 points, each by a third more or less, all equal", unlike=1 / 3)
    wild = together.deviations * np.where(np.arange(equal.shape[1]) < 3, 8.0, 1.0)
    yield replace(together, name="draws move all by 5 points, three have eight times their spread", deviations=wild)
    apart = equal[:, :8] - 25 - 2 * np.arange(8)
    yield replace(
        together,
        name="draws move all by 5 points, eight 2 points apart",
        means=apart,
        deviations=together.deviations[:, :8],
    )
    collapse = np.where(np.arange(equal.shape[1]) == 0, 0.2, 0.0)
    for name, lift in (("one collapses in a fifth of its runs", 0.0), ("one collapses, and ties with the others", 2.0)):
        lifted = equal - 4.0 + lift * (collapse > 0)
        yield Scenario(name=name, means=lifted, deviations=deviations[-1:, calm], collapse=collapse)


def report(results: Sequence[Result], trials: int) -> str:
    """Return the rates of all scenarios as a Markdown table."""
    rows = []
    for scenario in scenarios(results):
        rates = [simulate(scenario, n, trials) for n in REPLICATES]
        for name in ("error", "power", "coverage", "ranks", "best"):
            values = [getattr(one, name) for one in rates]
            if not np.isnan(values).any():
                rows.append([scenario.name if name == "error" else "", name, *(f"{value:.3f}" for value in values)])
    return table(["scenario", "share", *(f"n = {n}" for n in REPLICATES)], rows, "llr")


def _moderated(scores: Floats) -> Moderated:
    count, n = scores.shape
    means, variances = scores.mean(axis=1), scores.var(axis=1, ddof=1)
    return moderate(means, variances, np.full(count, float(n)), np.ones(count, bool))


def _tied(means: Floats, size: int = 4) -> Floats:
    """Means [s, m] whose average over settings is equal for so many neighbours in order; spreads stay as they are."""
    total = means.mean(axis=0)
    order = np.argsort(-total)
    tied = np.empty_like(total)
    for start in range(0, len(total), size):
        members = order[start : start + size]
        tied[members] = total[members].mean()
    moved: Floats = means + (tied - total)
    return moved


if __name__ == "__main__":
    sys.stdout.write(report(read(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 1000) + "\n")
