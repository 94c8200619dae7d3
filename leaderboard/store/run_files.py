"""The files that every finished run has: its record, its noise, its curves, a summary."""

import csv
import io
import json
from collections.abc import Mapping

from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result, to_json
from lnlbench.leaderboard.results.rules import PRIMARY, scores_of
from lnlbench.leaderboard.results.text import cell
from lnlbench.leaderboard.show import figures

RECORD, SUMMARY = "record.json", "summary.md"


def of_result(result: Result, hosts: Mapping[str, Result]) -> dict[str, str]:
    """Return the files that every finished run has, as name → content; `hosts` has that of a reading, by its key."""
    return {
        RECORD: to_json(result),
        "noise.json": json.dumps(result.identity["noise"], indent=1, default=str),
        "curves.csv": _curves(result),
        "curves.svg": figures.curves([result]),
        SUMMARY: summary(result, hosts),
    }


def _curves(result: Result) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = sorted(result.curves)
    writer.writerow(["epoch", *map(cell, names)])
    for epoch in range(result.trained):
        writer.writerow([epoch, *(_rounded(result.curves[name][epoch]) for name in names)])
    return text.getvalue()


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def summary(result: Result, hosts: Mapping[str, Result]) -> str:
    """Return what a run is and how it scores, in Markdown; of a reading the scores are those of boards."""
    scores = [[name, f"{100 * score:.2f}"] for name, score in scores_of(result, hosts).items()]
    facts = [
        f"`{result.method}` on **{result.setting}**, replicate {result.replicate}, track {result.track}.",
        f"The run diverged and scores chance, 1/{result.classes}." if result.diverged else "",
        f"A reading of run `{result.host}`: not trained again." if result.host else "",
        f"Told beyond the labels: {', '.join(result.told)}." if result.told else "",
        f"{result.trained} of {result.epochs} epochs, {result.networks} network(s), protocol {result.protocol}.",
    ]
    text = table(["rule", "test accuracy, %"], scores)
    closing = f"The primary rule is `{PRIMARY}`; `oracle` never ranks."
    return "\n\n".join([*filter(None, facts), text, closing]) + "\n"
