"""Archives of results: what is written is read, and nothing else."""

import lzma

import pytest

from lnlbench.leaderboard.results.archive import read, write
from lnlbench.leaderboard.results.errors import StoreError


def test_results_come_back(make, tmp_path):
    results = [make(replicate=i, label=label) for i in range(3) for label in ("ce", "gce")]
    size = write(tmp_path / "results.jsonl.xz", results)
    assert (tmp_path / "results.jsonl.xz").stat().st_size == size
    assert read(tmp_path / "results.jsonl.xz") == results


def test_predictions_can_be_left_out(make, tmp_path):
    write(tmp_path / "small.jsonl.xz", [make()], predictions=False)
    (found,) = read(tmp_path / "small.jsonl.xz")
    assert found.predictions == ""
    assert found.curves == make().curves


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"not xz", "is no archive", id="something else"),
        pytest.param(lzma.compress(b"{}\n" * 1000)[:-20], "is cut off|is no archive", id="cut off"),
        pytest.param(lzma.compress(b"{}\n"), "schema", id="no result in it"),
    ],
)
def test_a_damaged_archive_is_one_clear_error(content, message, tmp_path):
    (tmp_path / "bad.xz").write_bytes(content)
    with pytest.raises(StoreError, match=message) as found:
        read(tmp_path / "bad.xz")
    assert "\n" not in str(found.value)


def test_no_file_and_no_results(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "none.xz")
    with pytest.raises(StoreError, match="no results to export"):
        write(tmp_path / "none.xz", [])
