"""Archives of results: what is written is read, as a stream, and nothing else."""

import json
import lzma
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.archive import read, stream, write
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import to_json


def test_results_come_back(make, tmp_path):
    results = [make(replicate=i, label=label) for i in range(3) for label in ("ce", "gce")]
    written = write(tmp_path / "results.jsonl.xz", results)
    assert written == (6, (tmp_path / "results.jsonl.xz").stat().st_size)
    assert read(tmp_path / "results.jsonl.xz") == results


def test_predictions_can_be_left_out(make, tmp_path):
    write(tmp_path / "small.jsonl.xz", [make()], predictions=False)
    (found,) = read(tmp_path / "small.jsonl.xz")
    assert found.predictions == ""
    assert found.curves == make().curves


def test_predictions_can_be_left_unread(make, tmp_path):
    write(tmp_path / "all.jsonl.xz", [make()])
    (found,) = read(tmp_path / "all.jsonl.xz", predictions=False)
    assert (found.predictions, found.key) == ("", make().key)
    spaced = json.dumps(json.loads(to_json(make())), indent=1).replace("\n", " ")  # another writer's spaces
    (tmp_path / "other.jsonl.xz").write_bytes(lzma.compress(spaced.encode()))
    assert read(tmp_path / "other.jsonl.xz", predictions=False) == [found]


@pytest.mark.parametrize("preset", [0, 6, 9])
def test_files_of_any_writer_are_read(preset, make, tmp_path):
    lines = [to_json(make(replicate=i)).encode() + b"\n" for i in range(3)]
    one, two = (lzma.compress(b"".join(part), preset=preset) for part in (lines[:2], lines[2:]))
    (tmp_path / "joined.xz").write_bytes(one + b"\0\0\0\0" + two)  # as `cat a.xz b.xz` makes one
    assert [result.replicate for result in read(tmp_path / "joined.xz")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"no archive " * 9, "is no archive", id="something else"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\0" * 99, "is no archive", id="nulls"),
        pytest.param(lzma.compress(b" " * 1000)[:-20], "is cut off|is no archive", id="cut off"),
        pytest.param(lzma.compress(b"{}\n"), "line 1 .* schema", id="no result in it"),
        pytest.param(lzma.compress(b""), "holds no result", id="nothing in it"),
        pytest.param(lzma.compress(b"{}\n") + b"more", "line 1|no archive", id="something behind it"),
        pytest.param(lzma.compress(b"[" * 100_000), "must be JSON", id="nested without end"),
        pytest.param(lzma.compress(b'{"schema": NaN}'), "NaN is no number", id="no number"),
    ],
)
@pytest.mark.parametrize("predictions", [True, False])
def test_a_damaged_archive_is_one_clear_error(content, message, predictions, tmp_path):
    (tmp_path / "bad.xz").write_bytes(content)
    with pytest.raises(StoreError, match=message) as found:
        read(tmp_path / "bad.xz", predictions=predictions)
    assert "\n" not in str(found.value)


def test_no_file_and_no_results(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "none.xz")
    with pytest.raises(StoreError, match="no results to export"):
        write(tmp_path / "none.xz", [])
    assert list(tmp_path.iterdir()) == []


def test_a_key_twice_is_neither_written_nor_read(make, tmp_path):
    with pytest.raises(StoreError, match="is there twice"):
        write(tmp_path / "twice.xz", [make(), make()])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "twice.xz").write_bytes(lzma.compress(f"{to_json(make())}\n{to_json(make())}".encode()))
    with pytest.raises(StoreError, match=r"line 2 .* twice"):
        read(tmp_path / "twice.xz")


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_at_once(tmp_path):
    (tmp_path / "bomb.xz").write_bytes(700 * lzma.compress(b"x" * (1 << 20)))
    assert (tmp_path / "bomb.xz").stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(StoreError, match="more than 200 times its size"):
        read(tmp_path / "bomb.xz")
    assert tracemalloc.get_traced_memory()[1] < 200 << 20  # 700 MB are in it
    tracemalloc.stop()


def test_a_file_that_asks_for_a_large_dictionary_is_refused(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    packer = lzma.LZMACompressor(filters=filters)
    (tmp_path / "bomb.xz").write_bytes(packer.compress(b"{}") + packer.flush())
    with pytest.raises(StoreError, match=r"no archive of results: .*[Mm]emory"):
        read(tmp_path / "bomb.xz")


def test_what_is_written_is_never_refused_for_its_size(make, tmp_path, monkeypatch):
    """Results that are all alike pack better than the readers allow: then the file is made as large as they ask."""
    monkeypatch.setattr(archive, "_FREE", 0)
    long = [0.5] * 20_000
    results = [make(replicate=i, test=long, more={"loss": long}) for i in range(3)]
    plain = len(lzma.compress("\n".join(map(to_json, results)).encode(), preset=0))
    written = write(tmp_path / "alike.xz", results, predictions=False)
    assert written.size > plain  # or this test tests nothing
    assert [result.replicate for result in read(tmp_path / "alike.xz")] == [0, 1, 2]


def test_a_stream_is_written_and_read_one_by_one(make, tmp_path):
    one = make()
    noise = "".join(f"{i:x}" for i in range(30_000))  # does not pack away

    def many():
        for i in range(60):
            yield replace(one, key=f"{i:032x}", predictions=f"xz:{noise}")

    tracemalloc.start()
    write(tmp_path / "many.xz", many())
    assert sum(1 for _ in stream(tmp_path / "many.xz")) == 60
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * len(noise)  # 60 of them were never held at once, and packing takes some


def test_what_no_reader_would_take_is_not_written(make, tmp_path):
    with pytest.raises(StoreError, match=r"cannot be exported: .*control character"):
        write(tmp_path / "bad.xz", [make(), make(label="ce\x1b[2J", replicate=1)])
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_what_it_names_is_replaced(make, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.xz").symlink_to(tmp_path / "there" / "file.xz")
    for count in (1, 2):  # the first time the link hangs in the air
        write(tmp_path / "link.xz", [make(replicate=i) for i in range(count)])
        assert (tmp_path / "link.xz").is_symlink()
        assert len(read(tmp_path / "there" / "file.xz")) == count
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file.xz"]


def test_a_pipe_is_written_to(make, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        written = write(tmp_path / "pipe", [make()])
        (tmp_path / "read.xz").write_bytes(os.read(reader, 1 << 20))
    finally:
        os.close(reader)
    assert written.size == (tmp_path / "read.xz").stat().st_size
    assert read(tmp_path / "read.xz") == [make()]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_full_device_is_one_line_and_stays_a_device(make):
    with pytest.raises(StoreError, match="/dev/full cannot be written: No space left"):
        write(Path("/dev/full"), [make()])
    assert Path("/dev/full").stat().st_rdev == os.makedev(1, 7)
