"""The curves of runs as data for the page: short, since there may be thousands."""

from collections.abc import Sequence
from typing import Any

from lnlbench.leaderboard.results.result import Curve, Result
from lnlbench.leaderboard.show.page.scope import group_name, noise_family, suite_name

SHOWN = {
    "test_accuracy": "test accuracy",
    "validation_accuracy": "noisy validation accuracy",
    "memorised_online": "memorised: wrong labels predicted as given",
    "corrected_online": "corrected: wrong labels predicted as true",
}


def curves(results: Sequence[Result]) -> dict[str, Any]:
    """Return the curves of runs, but not of readings, which are parts of them; values in hundredths of a percent.

    The JSON-able form: "quantities" (pairs of name and words; the keys of a dict would be sorted on their way), "runs"
    (a list each of group, suite, noise family, setting, method, replicate, told?, curves in the order of the
    quantities, with null where nothing was measured).
    """
    return {
        "quantities": [[name, words] for name, words in SHOWN.items()],
        "runs": [
            [
                group_name(run),
                suite_name(run),
                noise_family(run),
                run.setting,
                run.label,
                run.replicate,
                bool(run.told),
                [_points(run.curves.get(name, [])) for name in SHOWN],
            ]
            for run in results
            if run.host is None
        ],
    }


def _points(curve: Curve) -> list[int | None]:
    # A value that is no number differs from itself.
    return [None if value is None or value != value else round(10_000 * value) for value in curve]
