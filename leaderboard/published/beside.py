"""Published beside reproduced: compared where noise, network and rule are the same, else what differs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lnlbench.leaderboard.published.literature import Published, literature
from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.ranking.statistics import Interval, interval
from lnlbench.leaderboard.results import markdown
from lnlbench.leaderboard.results.interval import mean_text
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import can_score, score

HEADER = ["setting", "method", "rule", "published", "ours", "n", "difference", "also differs", "source"]
NOTHING = "No published number is of a data set, a noise and a method that are stored."
_RATE = re.compile(r"\d*\.?\d+")


@dataclass(frozen=True)
class Beside:
    """A method of ours in one setting and precision beside one published mean of it.

    `name` is the label, with the precision where the label was run in several; `text` the method with every value.
    `ours` is scored under the rule of the source, in percent. `apart` says what makes the two numbers incomparable;
    `also` what else differs, which a difference may come from.
    """

    setting: str
    track: str
    label: str
    name: str
    text: str
    published: Published
    ours: Interval
    apart: tuple[str, ...]
    also: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Ours minus published, in points; None where they are not comparable."""
        return None if self.apart else self.ours.mean - self.published.mean

    @property
    def agrees(self) -> bool | None:
        """Whether the difference is within the tolerance; None where they are not comparable."""
        return None if self.difference is None else abs(self.difference) <= self.published.tolerance


def beside(results: Sequence[Result], published: Iterable[Published] | None = None) -> list[Beside]:
    """Return every published mean of the data set, the method and the kind and rate of noise of stored results.

    Args:
        results: of any settings and tracks.
        published: rows; by default those of `literature`.
    """
    rows = list(literature() if published is None else published)
    hosts, labels = {result.key: result for result in results}, board_labels(results)
    cells: dict[tuple[str, str, str, str, str], dict[int, Result]] = {}
    for result in (result for result in results if result.key in labels):
        place = result.setting, result.track, labels[result.key], precision_of(result), result.method
        cells.setdefault(place, {})[result.replicate] = result
    precisions: dict[tuple[str, str, str], set[str]] = {}
    for setting, track, label, precision, _ in cells:
        precisions.setdefault((setting, track, label), set()).add(precision)
    found = []
    for (setting, track, label, precision, text), runs in cells.items():
        name = f"{label} [{precision}]" if len(precisions[setting, track, label]) > 1 else label
        first = next(iter(runs.values()))
        for row in rows:
            if (row.dataset, row.method) == (first.dataset, _name(first)) and _kind(row.noise) == _kind(first.noise):
                known = [run for run in runs.values() if can_score(run, row.rule, hosts)]
                if not known:
                    continue
                scores = [100 * score(run, row.rule, hosts) for run in known]
                what = setting, track, label, name, text
                found.append(Beside(*what, row, interval(scores), *_differences(first, row)))
    return sorted(found, key=lambda one: (one.setting, one.track, bool(one.apart), one.name, one.published.source))


def to_markdown(found: Sequence[Beside]) -> str:
    """Return the rows as a table, the comparable ones of a setting first."""
    if not found:
        return NOTHING
    return markdown.table(HEADER, table(found), "lllrrrrl")


def table(found: Sequence[Beside]) -> list[list[str]]:
    """Return a line of texts under `HEADER` for each."""
    lines = []
    for one in found:
        row = one.published
        spread = "" if row.std is None else f" ± {row.std:.2f} (std)"
        means = [f"{row.mean:.2f}{spread}", mean_text(one.ours.mean, one.ours.half), str(one.ours.n)]
        also = "; ".join(one.also) or "nothing known"
        lines.append([one.setting, one.name, row.rule, *means, verdict(one), also, row.source])
    return lines


def verdict(one: Beside) -> str:
    """Return the difference in points and whether it is within the tolerance, or why there is none."""
    if one.difference is None:
        return "not compared: " + "; ".join(one.apart)
    within = "within" if one.agrees else "outside"
    return f"{one.difference:+.2f}, {within} ±{one.published.tolerance:.2f}"


def _differences(run: Result, row: Published) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the differences that forbid a comparison, and all others."""
    setting: dict[str, Any] = run.identity.get("setting") or {}
    apart, also = [], []
    if row.noise != run.noise:
        apart.append(f"noise {row.noise}")
    if row.backbone != setting.get("model"):
        apart.append(f"network {row.backbone}")
    if row.epochs != run.epochs:
        also.append(f"{row.epochs} epochs")
    held_out = setting.get("validation", 0.0)
    if row.held_out != held_out:
        also.append(f"{100 * row.held_out:.0f} % held out, not {100 * held_out:.0f} %")
    if run.track != "paper":
        also.append("recipe")
    return tuple(apart), tuple(also)


def _name(run: Result) -> str:
    """Return the method's name without values and side information; no composition was published."""
    return re.sub(r"\(.*\)", "", marked(run.method)[0]) if " + " not in run.method else ""


def _kind(noise: str) -> tuple[str, str]:
    """Kind and rate of noise, whatever the convention: `symmetric` and `0.4` of `symmetric-inclusive-0.4`."""
    kind, _, rest = noise.partition("-")
    rate = rest.rpartition("-")[2]
    return kind, str(float(rate)) if _RATE.fullmatch(rate) else rest
