"""The report of a tuning: a section of a Markdown page, made again in place, and its figures beside the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.budget import TuneError
from lnlbench.benchmark.tuning.front import FRONT, fronts
from lnlbench.benchmark.tuning.gains import Gains, change_texts, gains, score_text, told_by
from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.page import SEARCHED, renewed, scored_by, section_name
from lnlbench.benchmark.tuning.pruning import pruning
from lnlbench.benchmark.tuning.reliability import reliability
from lnlbench.benchmark.tuning.space import values_text
from lnlbench.benchmark.tuning.summary import in_vain
from lnlbench.leaderboard.ranking.before_after import Change
from lnlbench.leaderboard.ranking.budget import expected, searched
from lnlbench.leaderboard.ranking.confirming import DEFAULTS, KEPT, best
from lnlbench.leaderboard.ranking.selection import regret
from lnlbench.leaderboard.results.files import replacing
from lnlbench.leaderboard.results.form import TUNED
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.show.board_figures import written
from lnlbench.leaderboard.show.change_figure import changed


def write(
    page: Path,
    outcomes: Sequence[Outcome],
    results: Sequence[Result],
    command: str,
    hosts: Mapping[str, Result] = {},
) -> list[Path]:
    """Write the section of these searches into a page, in place of what it held of them; the rest of it stays.

    Args:
        page: a Markdown file; its figures go into `figures/` beside it.
        outcomes: closed and scored, of one task or of several.
        results: of the tuned and the default track, oldest first.
        command: what makes the section.
        hosts: results by key that readings are of, beside the others.

    Returns:
        the files that were written.

    Raises:
        TuneError: the page or a figure cannot be written.
    """
    budget = outcomes[0].budget
    name, by = section_name([outcome.spec for outcome in outcomes], budget), scored_by(budget)
    files, lines = dict[Path, bytes](), [f"```console\n$ {command}\n```\n"]
    lost = [f"- {o.spec.run.label} at {o.spec.run.setting.name}: {said}" for o in outcomes if (said := in_vain(o))]
    lines += [*lost, ""] if lost else []
    outcomes = [outcome for outcome in outcomes if not outcome.lost]
    told = told_by(outcomes)
    tuned = dict.fromkeys(result.setting for result in results if result.track == TUNED)
    at = dict.fromkeys(outcome.spec.run.setting.name for outcome in outcomes)
    settings = [*(name for name in at if name in tuned), *(name for name in tuned if name not in at)]
    for setting in settings:
        found = gains(setting, results, told, hosts)
        lines += [f"### {setting}{by}\n", *(f"{said}\n" for said in found.sentences), comparison(found), ""]
        if found.sentences:
            title = f"{setting}{by}: defaults (hollow) and tuned (filled, with its 95 % interval)\n"
            title += "blue: surely above its defaults, orange: surely below (Holm over the table)"
            figure = written(changed(found.chosen, title), "svg")
            file = f"{_stem(page, setting, name)}-changes.svg"
            files[page.parent / "figures" / file] = figure
            lines += [f"![what tuning changed](figures/{file})\n"]
    for setting in at:
        members = [outcome for outcome in outcomes if outcome.spec.run.setting.name == setting]
        stem = _stem(page, setting, name)
        for kind, draw in (("budget", figures.budget), ("importance", figures.importance)):
            files[page.parent / "figures" / f"{stem}-{kind}.svg"] = draw(members)
        lines += [
            f"### {SEARCHED} {setting}{by}\n",
            f"{budget_of(members)}\n",
            searches(members),
            *([f"\n{pruning(members)}"] if budget.prune else []),
            *(_front(members, files, page.parent, stem) if budget.cost else []),
            "\nWhat could choose, over the configurations: Kendall's τ with test accuracy, and the regret in points.\n",
            reliability(members),
            "\nExpected test accuracy of the validation winner after n configurations; band: 95 %, these resampled.\n",
            f"![what n configurations are worth](figures/{stem}-budget.svg)\n",
            f"![which values matter](figures/{stem}-importance.svg)\n",
        ]
    files[page] = renewed(page, name, "\n".join(lines)).encode()
    try:
        for path, content in files.items():
            with replacing(path) as unfinished:
                unfinished.write_bytes(content)
    except OSError as error:
        raise TuneError(f"{page} cannot be written: {error.strerror or error}") from error
    return list(files)


def _front(outcomes: Sequence[Outcome], files: dict[Path, bytes], folder: Path, stem: str) -> list[str]:
    """Return the lines on accuracy and cost, and put Optuna's plots among the files."""
    lines = [
        "\nThe configurations that no other beats in validation accuracy and cost, in passes of each sample over the "
        "whole training. One is chosen as without `--cost`, by accuracy alone: the tuned track compares accuracy at "
        "equal epochs and shows cost beside it.\n",
        f"{fronts(outcomes)}\n",
    ]
    for outcome in outcomes:
        label = outcome.spec.run.label
        file = f"{stem}-{re.sub(r'[^a-z0-9.]+', '-', label.lower())}-{FRONT}"
        files[folder / "figures" / file] = outcome.plots[FRONT]
        lines.append(f"![accuracy and cost of {label}](figures/{file})\n")
    return lines


def _stem(page: Path, setting: str, section: str) -> str:
    """Return how the names of a setting's figures begin: no other page or section in the folder has these."""
    how = section[section.index(" by ") :]
    return re.sub(r"[^a-z0-9.]+", "-", f"{page.stem}-{setting}{how}".lower())


def comparison(found: Gains) -> str:
    """Return defaults, the choice of the search alone and the confirmed one, method by method: test accuracy, percent.

    The tests are those of boards under the primary rule; p is by Holm over the table. Where nothing was confirmed
    the second and the third are one. Regret: by how many points the best configuration of the search is above the
    chosen one, in test accuracy on the data of tuning; by the search alone, and confirmed.
    """
    rows = []
    for label, change in found.chosen.items():
        ends = searched(found.said[label], change.after, TUNED)
        first = found.alone.get(label)
        lost = [100 * value for value in regrets(found.said[label])]
        rows.append(
            [
                label,
                score_text(change.before),
                *(_whole(first) if found.confirmed else []),
                score_text(change.after),
                str(change.after.n),
                "–" if ends is None else f"{max(0.0, ends[0]):.2f} to {min(100.0, ends[1]):.2f}",
                *change_texts(change),
                " → ".join(f"{value:.2f}" for value in (lost if found.confirmed else lost[:1])),
            ]
        )
    p = f"p (Holm, {found.family})" if found.family else "p"
    both = ["search alone", "− default", p] if found.confirmed else []
    name = "confirmed" if found.confirmed else "tuned"
    header = ["method", "default", *both, name, "n", f"{name}, search included", f"{name} − default", p, "regret"]
    return table(header, rows, "lr")


def regrets(search: dict[str, Any]) -> tuple[float, float]:
    """Return the regret of the search alone and of what was chosen in the end."""
    test = [test for _, test in search["scores"]]
    first = best(dict(enumerate(validation for validation, _ in search["scores"])))
    return regret(test, first), regret(test, search["trial"])


def _whole(change: Change | None) -> list[str]:
    """Return mean, difference with its interval, and p."""
    return ["–", "–", "–"] if change is None else [score_text(change.after), *change_texts(change)]


def searches(outcomes: Sequence[Outcome]) -> str:
    """Report the cost and the best values of each search."""
    header = ["method", "trials", "failed", "device-seconds", "winner", "its values", "validation"]
    most = max(len(outcome.trials) for outcome in outcomes)
    shown = sorted({size for size in (1, 4) if size < most} | {most})
    rows = []
    for outcome in outcomes:
        won, pairs = outcome.winner, outcome.scores()
        sizes = [min(size, len(pairs)) for size in shown]
        rows.append(
            [
                outcome.spec.run.label,
                str(outcome.spent),
                str(sum(made.validation is None for made in outcome.runs)),
                f"{outcome.seconds:.0f}" if outcome.seconds >= 10 else f"{outcome.seconds:.1f}",
                _called(won.number),
                values_text(won.values),
                f"{100 * (won.validation or 0):.2f}",
                *_confirming(outcome),
                ", ".join(f"{100 * expected(pairs, size):.2f}" for size in sizes),
            ]
        )
    more = ["search alone", "confirming"] if any(outcome.confirmed for outcome in outcomes) else []
    after = ", ".join([*map(str, shown[:-1]), "all"])
    return table([*header, *more, f"test after {after}"], rows, "lrrrrlr" + "r" * len(more))


def _confirming(outcome: Outcome) -> list[str]:
    """Return the search's own choice, and how far the best other was above the defaults on the fresh draws."""
    if outcome.choice is None:
        return []
    gain = f"{100 * outcome.choice.gain:+.2f}, SE {100 * outcome.choice.error:.2f}"
    return [_called(outcome.searched.number), gain]


def _called(number: int) -> str:
    return f"{number}" + (" (defaults)" if number == DEFAULTS else "")


def budget_of(outcomes: Sequence[Outcome]) -> str:
    """Return how the trials of a setting were spent, and what its validation resolves."""
    spec, budget = outcomes[0].spec, outcomes[0].budget
    splits = spec.splits(budget)
    said = f"One training resolves {100 * spec.resolution:.1f} points of clean accuracy on {spec.size} labels. "
    each = "" if splits == 1 else f" on {splits} splits each"
    said += f"Of {budget.trials} trials the search spends {budget.configurations(splits) * splits}: "
    tried = budget.configurations(splits)
    said += f"{tried} configurations{each}"
    if budget.draws:
        kept = min(KEPT, tried)
        said += f"; {kept * budget.draws} confirm: {kept} configurations on {budget.draws} fresh draws"
    return said + "."
