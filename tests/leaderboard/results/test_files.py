"""Files are whole or not there, on the disk too: after a power cut a closed claim stands for a whole record."""

import os
from pathlib import Path

import pytest

from lnlbench.leaderboard.results.files import write_all


@pytest.fixture
def synced(monkeypatch):
    """What the disk was asked to hold, and what took its place, in order; both are done."""
    seen = []

    def fsync(descriptor, really=os.fsync):
        seen.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        really(descriptor)

    def replace(source, target, really=os.replace):
        seen.append(("replace", Path(target).name))
        really(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads which file is synced from /proc")
def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_folders_after(synced, tmp_path):
    write_all(tmp_path / "run" / "artifacts", {"record.json": "{}"})
    assert (tmp_path / "run" / "artifacts" / "record.json").read_text() == "{}"
    (draft, *rest) = synced
    assert draft[0] == "sync" and draft[1].startswith(".record.json.")
    assert rest[0] == ("replace", "record.json")
    assert sorted(rest[1:]) == sorted(("sync", name) for name in ("artifacts", "run", tmp_path.name))
    synced.clear()
    write_all(tmp_path / "run" / "artifacts", {"record.json": "[]", "more.json": "[]"})
    assert [name for kind, name in synced if kind == "sync" and name[0] != "."] == ["artifacts"], "once, and no other"
