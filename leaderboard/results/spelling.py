"""One label for a method that was written in several ways, such as `gce` and `gce(q=0.7)`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.result import Result


def one_label(results: Iterable[Result]) -> dict[str, str]:
    """Return by every label of some results the shortest one of the same method.

    Labels are of one method where results under both have one text, which has every value and how the method gets its
    side information. Of a search the label alone says what was searched: its text is what came out, by chance perhaps
    that of another method.

    Args:
        results: that may be compared.
    """
    pairs = dict.fromkeys((result.label, result.method if result.track in TRAINED else None) for result in results)
    alike: list[tuple[set[str], set[str]]] = []  # the labels and the texts of a method
    for label, text in pairs:
        labels, texts = {label}, set() if text is None else {text}
        apart = []
        for others in alike:
            if labels & others[0] or texts & others[1]:
                labels, texts = labels | others[0], texts | others[1]
            else:
                apart.append(others)
        alike = [*apart, (labels, texts)]
    return {label: min(labels, key=lambda one: (len(one), one)) for labels, _ in alike for label in labels}


def spellings(results: Iterable[Result], methods: Collection[str]) -> list[str]:
    """Return names of methods, and the texts of the runs that they name: one spelling stands for all of a method.

    Args:
        results: of any methods.
        methods: as they were written, or in full.
    """
    meant = (run.method for run in results if run.track in TRAINED and {run.label, run.method} & {*methods})
    return [*dict.fromkeys([*methods, *meant])]
