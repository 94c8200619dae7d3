"""Versions of a user's own file: the latest alone counts, and what is left out is said."""

from dataclasses import replace

import pytest

from lnlbench.leaderboard.published.beside import beside
from lnlbench.leaderboard.published.literature import literature
from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.ranking.gap import gaps
from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.results.versions import latest
from lnlbench.leaderboard.show.page import page

CE = ("ce", "ce", None)


@pytest.fixture
def mine(make):
    """Make results from label, text and sources; replicates in order, None for a record of before."""

    def made(*rows, **changes):
        found = []
        for replicate, (label, text, *sources) in enumerate(rows):
            result = make(label=label, method=text, replicate=replicate, key=f"{replicate:032x}", **changes)
            own = {} if label == "ce" else {"plugins": ["my_loss.py"]}
            identity = result.identity | ({"sources": sources} if sources and sources != [None] else {})
            changed = vars(result) | {"identity": identity, "environment": result.environment | own}
            found.append(type(result)(**changed))
        return found

    return made


@pytest.mark.parametrize(
    ("rows", "kept", "notes"),
    [
        pytest.param([("my_loss", "my_loss()", "a")] * 2 + [CE], [0, 1, 2], [], id="one version"),
        pytest.param(
            [("my_loss", "my_loss()", "a")] * 2 + [("my_loss", "my_loss()", "b"), CE],
            [2, 3],
            ["my_loss: 2 runs of an earlier version of my_loss.py are left out."],
            id="edited",
        ),
        pytest.param(
            [("my_loss", "my_loss()", text) for text in "aba"],
            [0, 2],
            ["my_loss: 1 run of an earlier version of my_loss.py is left out."],
            id="edited, and put back",
        ),
        pytest.param(
            [("my_loss", "my_loss()", text) for text in "abc"],
            [2],
            ["my_loss: 2 runs of 2 earlier versions of my_loss.py are left out."],
            id="edited twice",
        ),
        pytest.param(
            [("my_loss", "my_loss(q=0.7)", "a"), ("my_loss", "my_loss(q=0.5)", "b")],
            [1],
            ["my_loss: 1 run of an earlier version of my_loss.py is left out."],
            id="another default",
        ),
        pytest.param(
            [("my_loss(q=0.7)", "my_loss(q=0.7)", "a"), ("my_loss", "my_loss(q=0.7)", "b")],
            [1],
            ["my_loss: 1 run of an earlier version of my_loss.py is left out."],
            id="written in another way",
        ),
        pytest.param(
            [("my_loss + sam", "my_loss() + sam()", "a"), ("my_loss", "my_loss()", "b")], [0, 1], [], id="two rows"
        ),
        pytest.param(
            [("my_loss", "my_loss()"), ("my_loss", "my_loss()", "b")],
            [0, 1],
            ["my_loss: 1 run may be of another version of my_loss.py; its record does not say."],
            id="a record of before",
        ),
        pytest.param([("my_loss", "my_loss()"), CE], [0, 1], [], id="records of before alone"),
    ],
)
def test_the_latest_version_of_a_method_counts(rows, kept, notes, mine):
    found, several = latest(mine(*rows))
    assert [result.replicate for result in found] == kept
    assert [text for one in several for text in one.notes] == notes


def test_nothing_that_is_shown_beside_a_board_mixes_versions(mine, make):
    """Two old runs, two new ones, and cross-entropy at all replicates."""
    texts = [("my_loss", "my_loss()", text) for text in "aabb"]
    plain = [make(label="ce", method="ce", replicate=i, test=[0.5, 0.8, 0.6], key=f"c{i:031x}") for i in range(4)]
    runs = [*mine(*texts), *plain]
    board = build(runs, "noisy_val")
    (row,) = (row for row in board.rows if row.name == "my_loss")
    said = "my_loss: 2 runs of an earlier version of my_loss.py are left out."
    assert [*row.score.scores] == [2, 3] and said in board.notes
    assert said not in build(runs, "noisy_val", ["ce"]).notes and said in build(runs, "noisy_val", ["my_loss"]).notes
    new = {run.key for run in (*runs[2:4], *plain)}
    assert board_labels(runs).keys() == new
    assert [gap.replicate for gap in gaps(runs) if gap.method == "my_loss"] == [2, 3]
    assert runs[2].key in page(runs) and runs[0].key not in page(runs)
    paper = replace(literature()[0], dataset="digits", noise="symmetric-0.4", method="my_loss", rule="final")
    assert [one.ours.n for one in beside(runs, [paper])] == [2]
