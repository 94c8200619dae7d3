"""The report of a tuning: a section of a Markdown page, made again in place, and its figures beside the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.study import Outcome, TuneError
from lnlbench.leaderboard.ranking.before_after import Change, changes
from lnlbench.leaderboard.ranking.budget import Pairs, expected, with_search
from lnlbench.leaderboard.results.files import replacing
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES
from lnlbench.leaderboard.show.words import interval as mean_and_half
from lnlbench.leaderboard.show.words import p_value


def write(page: Path, outcomes: Sequence[Outcome], results: Sequence[Result], command: str) -> list[Path]:
    """Write the section of these studies into a page, in place of what it held of them; the rest of it stays.

    Args:
        page: a Markdown file; its figures go into `figures/` beside it.
        outcomes: closed and scored, of one task or of several.
        results: of the tuned and the default track, oldest first.
        command: what makes the section.

    Returns:
        the files that were written.

    Raises:
        TuneError: the page or a figure cannot be written.
    """
    tasks = list(dict.fromkeys(outcome.study.run.setting.task for outcome in outcomes))
    name, files, lines = " ".join(tasks), dict[Path, bytes](), [f"```console\n$ {command}\n```\n"]
    settings = list(dict.fromkeys(result.setting for result in results if result.track == "tuned"))
    for setting in settings:
        lines += [f"### {setting}\n", comparison(setting, results), ""]
    for at in dict.fromkeys(outcome.study.run.setting.name for outcome in outcomes):
        members = [outcome for outcome in outcomes if outcome.study.run.setting.name == at]
        stem = re.sub(r"[^a-z0-9.]+", "-", f"tuning-{at}".lower())
        for kind, draw in (("budget", figures.budget), ("importance", figures.importance)):
            files[page.parent / "figures" / f"{stem}-{kind}.svg"] = draw(members)
        lines += [
            f"### The search at {at}\n",
            searches(members),
            "\nExpected test accuracy of the validation winner after n trials; band: 95 %, trials resampled.\n",
            f"![what n trials are worth](figures/{stem}-budget.svg)\n",
            f"![which values matter](figures/{stem}-importance.svg)\n",
        ]
    files[page] = _placed(page, name, "\n".join(lines)).encode()
    try:
        for path, content in files.items():
            with replacing(path) as unfinished:
                unfinished.write_bytes(content)
    except OSError as error:
        raise TuneError(f"{page} cannot be written: {error.strerror or error}") from error
    return list(files)


def comparison(setting: str, results: Sequence[Result]) -> str:
    """Return default against tuned, method by method: test accuracy in percent under the primary rule.

    The tests are those of boards; p is by Holm over the table.
    """
    runs: dict[str, dict[str, dict[int, Result]]] = {"default": {}, "tuned": {}}
    for result in results:
        if result.setting == setting and result.track in runs:
            runs[result.track].setdefault(result.label, {})[result.replicate] = result
    score = RULES[PRIMARY]
    scores = {
        track: {label: {i: 100 * score(run) for i, run in row.items()} for label, row in rows.items()}
        for track, rows in runs.items()
    }
    found = changes(scores["default"], scores["tuned"])
    family = max((change.family for change in found.values()), default=0)
    rows = []
    for label, change in found.items():
        told = next(iter(runs["tuned"][label].values())).identity["tuning"]["scores"]
        pairs: Pairs = [(validation, 100 * test) for validation, test in told]
        ends = with_search(list(scores["tuned"][label].values()), pairs)
        rows.append(
            [
                label,
                "–" if change.before is None else mean_and_half(change.before),
                mean_and_half(change.after),
                str(change.after.n),
                "–" if ends is None else f"{max(0.0, ends[0]):.2f} to {min(100.0, ends[1]):.2f}",
                *_change(change),
            ]
        )
    header = ["method", "default", "tuned", "n", "tuned, search included", "tuned − default", f"p (Holm, {family})"]
    return table(header, rows, "lr")


def _change(change: Change) -> list[str]:
    """Return the difference with its interval, and p."""
    if change.same:
        return ["the same runs", "–"]
    if change.difference is None:
        return ["–", "–"]
    half = "" if change.half is None else f" ± {change.half:.2f}"
    return [f"{change.difference:+.2f}{half}", "–" if change.p is None else p_value(change.p)]


def searches(outcomes: Sequence[Outcome]) -> str:
    """Report the cost and the best values of each search."""
    header = ["method", "trials", "failed", "device-seconds", "winner", "its values", "validation"]
    rows = []
    for outcome in outcomes:
        won, pairs = outcome.winner, outcome.scores()
        values = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in won.values.items())
        sizes = [size for size in (1, 4, len(pairs)) if size <= len(pairs)]
        rows.append(
            [
                outcome.study.run.label,
                str(len(outcome.trials)),
                str(sum(told.validation is None for told in outcome.trials)),
                f"{outcome.seconds:.0f}",
                f"{won.number}" + (" (defaults)" if won.number == 0 else ""),
                values,
                f"{100 * (won.validation or 0):.2f}",
                ", ".join(f"{100 * expected(pairs, size):.2f}" for size in sizes),
            ]
        )
    return table([*header, "test after 1, 4, all"], rows, "lrrrrlr")


def _placed(page: Path, name: str, section: str) -> str:
    begin, end = f"<!-- tune {name} -->", f"<!-- end tune {name} -->"
    block = f"{begin}\n\n{section}\n{end}"
    text = page.read_text() if page.exists() else "# Tuning\n"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        return f"{text.rstrip()}\n\n## {name}\n\n{block}\n"
    return before + block + rest.partition(end)[2]
