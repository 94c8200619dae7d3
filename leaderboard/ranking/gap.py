"""The memorisation gap: how much of what cross-entropy loses after its best epoch a method's answer wins back."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import RULES

BASELINE = "ce"  # the method's full text: a run without any answer of its own


@dataclass(frozen=True)
class Gap:
    """One method in one setting and replicate; accuracies as fractions."""

    setting: str
    method: str
    replicate: int
    best: float  # test accuracy of cross-entropy at its best test epoch
    last: float  # and at its last
    final: float  # test accuracy of the method under the rule `final`

    @property
    def size(self) -> float:
        """What cross-entropy loses between its best test epoch and its last."""
        return self.best - self.last

    @property
    def closed(self) -> float | None:
        """The share of it that the method closes: 0 is cross-entropy's last epoch, 1 its best; None without a gap."""
        return (self.final - self.last) / self.size if self.size > 0 else None


def gaps(results: Sequence[Result]) -> list[Gap]:
    """Return the gap of every result whose setting and replicate has cross-entropy too, in the order of the results."""
    plain = {(r.protocol, r.track, r.setting, r.replicate): r for r in results if r.method == BASELINE}
    found = []
    final, oracle = RULES["final"], RULES["oracle"]
    for result in results:
        base = plain.get((result.protocol, result.track, result.setting, result.replicate))
        if base is not None:
            found.append(Gap(result.setting, result.label, result.replicate, oracle(base), final(base), final(result)))
    return found


def to_markdown(found: Sequence[Gap]) -> str:
    """One table a setting: the gap of each replicate, and the share of it that each method closes, most first."""
    parts = []
    for setting in dict.fromkeys(gap.setting for gap in found):
        here = [gap for gap in found if gap.setting == setting]
        replicates = sorted({gap.replicate for gap in here})
        sizes = {gap.replicate: gap.size for gap in here}
        rows = []
        for method in _by_share(here):
            row = {gap.replicate: gap.closed for gap in here if gap.method == method}
            shares = [("—" if row.get(i) is None else f"{round(100 * row[i])} %".replace("-", "−")) for i in replicates]  # type: ignore[operator]
            rows.append([method, *shares])
        lines = [
            f"**{setting}**: cross-entropy's best test epoch minus its last, in points: "
            + ", ".join(f"{100 * sizes[i]:.2f} (s{i})" for i in replicates),
            "",
            table(["method", *(f"share closed, s{i}" for i in replicates)], rows, "lr"),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _by_share(found: Sequence[Gap]) -> list[str]:
    """Return the methods, first those that close most on the mean of their replicates."""
    shares: dict[str, list[float]] = {}
    for gap in found:
        shares.setdefault(gap.method, []).extend([] if gap.closed is None else [gap.closed])
    return sorted(shares, key=lambda name: -fmean(shares[name] or [-inf]))
