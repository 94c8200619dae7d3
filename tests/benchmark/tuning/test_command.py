"""The command in a tuning's report makes the tuning again, whatever a shell would make of its words."""

import shlex
from pathlib import Path

import pytest

from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.command import command

HEAD = "lnlbench tune digits/clean"


@pytest.mark.parametrize(
    ("methods", "budget", "given", "expected"),
    [
        pytest.param("", {}, {}, f"{HEAD} --trials 20 --objective window --replicates 0-4", id="defaults"),
        pytest.param(
            "ce, gce(q=0.5)",
            {"confirm": 0.0, "splits": 1, "prune": True, "trials": 7, "objective": "epoch"},
            {"epochs": "2x", "changes": ["lr=0.1", "momentum=0.8"], "per_setting": True, "compare": True},
            f"{HEAD} --epochs 2x --set lr=0.1 --set momentum=0.8 --trials 7 --prune --confirm 0 --splits 1 "
            '--objective epoch --per-setting --compare --methods "ce, gce(q=0.5)" --replicates 0-4',
            id="a budget and a recipe",
        ),
        pytest.param(
            "my_loss",
            {},
            {"plugins": [Path("a.py"), Path("my loss.py")], "precision": "bf16"},
            f"{HEAD} --plugin a.py --plugin 'my loss.py' --precision bf16 --trials 20 --objective window "
            '--methods "my_loss" --replicates 0-4',
            id="files and a precision",
        ),
        pytest.param(
            "ce",
            {"confirm": 0.4567891},
            {"study": "my study", "changes": ["model=$(false)"]},
            f"{HEAD} --set 'model=$(false)' --confirm 0.4567891 --trials 20 --objective window --study 'my study' "
            '--methods "ce" --replicates 0-4',
            id="words that a shell would read",
        ),
    ],
)
def test_the_command_says_all_that_is_not_as_by_default(methods, budget, given, expected):
    found = command(["digits/clean"], methods, "0-4", Budget(**budget), **given)
    assert found == expected and shlex.split(found)[-1] == "0-4"
