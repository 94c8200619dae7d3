"""The memorisation gap: how much of what cross-entropy loses after its best epoch a method's answer wins back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.ranking.scored import REFERENCE
from lnlbench.leaderboard.results.comparable import comparable
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import score


@dataclass(frozen=True)
class MemorisationGap:
    """One method in one setting, track, precision and replicate; accuracies as fractions."""

    setting: str
    track: str
    precision: str
    method: str  # its label
    text: str  # the method with every value
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


def gaps(results: Sequence[Result]) -> list[MemorisationGap]:
    """Return the gap of every result beside which cross-entropy was run, in the order of the results."""
    plain = {_place(result): result for result in results if result.method == REFERENCE}
    found, labels = [], board_labels(results)
    for result in results:
        base = plain.get(_place(result))
        if base is not None and result.key in labels:
            where = result.setting, result.track, precision_of(result)
            answers = score(base, "oracle", {}), score(base, "final", {}), score(result, "final", {})
            found.append(MemorisationGap(*where, labels[result.key], result.method, result.replicate, *answers))
    return found


def to_markdown(found: Sequence[MemorisationGap]) -> str:
    """One table a setting, track and precision: each replicate's gap, and the share of it that each method closes.

    First those that close most on the mean of their replicates.
    """
    tables: dict[str, dict[tuple[str, str], list[MemorisationGap]]] = defaultdict(lambda: defaultdict(list))
    for gap in found:
        tables[gap.setting][gap.track, gap.precision].append(gap)
    return "\n\n".join(
        f"**{setting}**{_apart(part, [*parts])}: {_table(here)}"
        for setting, parts in tables.items()
        for part, here in parts.items()
    )


def _place(result: Result) -> tuple[object, ...]:
    """Return what a result must share with cross-entropy's."""
    return *comparable(result), result.replicate


def _apart(part: tuple[str, str], parts: Sequence[tuple[str, str]]) -> str:
    """Return what tells a table from the others of its setting: track, precision or both; nothing where it is alone."""
    tracks, precisions = ({one[i] for one in parts} for i in (0, 1))
    words = [f"track {part[0]}"] * (len(tracks) > 1) + [part[1]] * (len(precisions) > 1)
    return f" ({', '.join(words)})" if words else ""


def _table(here: Sequence[MemorisationGap]) -> str:
    """Return the gaps of one table as a sentence, and under it the shares; a label of several methods in full."""
    sizes = {gap.replicate: gap.size for gap in sorted(here, key=lambda gap: gap.replicate)}
    rows: dict[tuple[str, str], dict[int, float | None]] = defaultdict(dict)
    for gap in here:
        rows[gap.method, gap.text][gap.replicate] = gap.closed
    labels = [label for label, _ in rows]
    lines = [
        [text if labels.count(label) > 1 else label, *(_percent(row.get(i)) for i in sizes)]
        for (label, text), row in sorted(rows.items(), key=lambda item: -_mean(item[1].values()))
    ]
    said = ", ".join(f"{100 * size:.2f} (s{i})" for i, size in sizes.items())
    return "\n".join(
        [
            f"cross-entropy's best test epoch minus its last, in points: {said}",
            "",
            table(["method", *(f"share closed, s{i}" for i in sizes)], lines, "lr"),
        ]
    )


def _mean(shares: Iterable[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return fmean(known) if known else -inf


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{round(100 * share)} %".replace("-", "−")
