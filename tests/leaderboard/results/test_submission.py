"""Files and folders of results: one that is malformed never stops a board."""

import json
import lzma

import pytest

from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.card import Card, to_toml
from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.results.result import to_json
from lnlbench.leaderboard.results.submission import CARD, RECORDS, collect

GOOD_CARD = to_toml(Card(suite="digits", method="ce", version="1.0", authors=("Ada",), date="2026-01-31"))


@pytest.fixture
def damaged(make, tmp_path):
    """A file of three results, of which the second is malformed and the first there twice."""
    first, second, third = (json.loads(to_json(make(replicate=i))) for i in range(3))
    lines = [first, second | {"replicate": -1}, third, first]
    path = tmp_path / "results.jsonl.xz"
    path.write_bytes(lzma.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode()))
    return path


def test_a_malformed_record_of_a_file_is_named_and_left_out(damaged):
    with pytest.warns(StoreWarning, match=r"line 2 of .* is no result: .*'replicate'.*; it is left out \(and 1 more\)"):
        assert [result.replicate for result in collect([damaged], lenient=True).results] == [0, 2]
    with pytest.raises(StoreError, match="line 2"):
        collect([damaged])


@pytest.mark.parametrize("name", [CARD, RECORDS])
def test_a_malformed_submission_of_a_folder_is_named_and_left_out(name, make, tmp_path):
    for i, label in enumerate(("ce", "gce")):
        folder = tmp_path / "results" / label
        folder.mkdir(parents=True)
        (folder / CARD).write_text(GOOD_CARD)
        archive.write(folder / RECORDS, [make(label=label, replicate=i)])
    assert len(collect([tmp_path]).results) == 2
    (folder / name).write_bytes(b"nothing of the kind")
    with pytest.warns(StoreWarning, match="gce.*; it is left out$"):
        assert [result.label for result in collect([tmp_path], lenient=True).results] == ["ce"]
    with pytest.raises(StoreError):
        collect([tmp_path])
