"""What runs and charts are called in MLflow: whole names, which its search finds, and sections of charts."""

import re

from lnlbench.leaderboard.results.setting_name import KINDS

CHARTS = {
    "test_accuracy": "accuracy/test",
    "validation_accuracy": "accuracy/validation",
    "memorised_online": "wrong/memorised_online",
    "corrected_online": "wrong/corrected_online",
    "loss_correct_online": "loss/correct_online",
    "loss_wrong_online": "loss/wrong_online",
}
"""The curves that MLflow draws, and under which key (the part before the slash is a section); the record has all."""

AT_ONCE = ("test_accuracy", "validation_accuracy")
"""Those that are written while a run is made however short it is."""

_SHORT = {**KINDS, "human": "hum"}  # as cells are called that are stored


def experiment_name(dataset: str) -> str:
    """Return the name of the MLflow experiment of a data set."""
    return f"lnl/{dataset}"


def run_name(label: str, replicate: int) -> str:
    """Return a replicate's name, such as "gce s1"."""
    return _whole(label, f"s{replicate}")


def trial_name(label: str, number: int) -> str:
    """Return a trial's name, such as "gce t7"."""
    return _whole(label, f"t{number}")


def study_name(label: str, noise: str) -> str:
    """Return a study's name, such as "gce tune sym-0.4"."""
    return _whole(label, f"tune {cell_name('', noise).strip()}")


def cell_name(label: str, noise: str) -> str:
    """Return a cell's name, such as "gce sym-0.5"."""
    kind, *rest = re.split(r"[-:]", noise)
    return _whole(label, "-".join(word for word in (_SHORT.get(kind, kind), *rest) if word))


def experiment_description(dataset: str) -> str:
    """Return the Markdown text above the runs of a data set."""
    return (
        f"**{dataset}** with noisy labels, one protocol for every method.\n\n"
        "A run at the first level is a *cell* (setting and method: mean, 95 % interval, n); below it are its "
        "replicates. `score/noisy_val` is the test accuracy at the epoch of best noisy validation and ranks; "
        "`score/oracle`, the best test epoch, never does. All accuracies are fractions. "
        "`record.json` of a replicate holds everything the leaderboard reads."
    )


def _whole(label: str, rest: str) -> str:
    return "".join(label.split()) + f" {rest}"
