"""A store that was moved or copied: its files lie beside it, and nothing is written into another one."""

import shutil
from pathlib import Path

import pytest

from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.showcase import prepare
from lnlbench.leaderboard.store.store import Store


def record(store, info_of, result):
    with store.begin(info_of(result, cell_files=lambda: {"examples.png": b"png"})) as recording:
        recording.finish(result)


def snapshot(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def original(template, tmp_path, make, info_of):
    """The folder of a closed store with one result."""
    folder = tmp_path / "original"
    folder.mkdir()
    shutil.copy(template, folder / "mlflow.db")
    with Store(f"sqlite:///{folder / 'mlflow.db'}") as store:
        record(store, info_of, make())
        store._tracking._client._tracking_client.store.engine.dispose()
    return folder


def url(folder):
    return f"sqlite:///{folder / 'mlflow.db'}"


def test_a_moved_store_is_read_and_written_at_its_new_place(original, tmp_path, make, info_of):
    moved = original.rename(tmp_path / "moved with spaces & ümlauts")
    assert StoreReader(url(moved)).results() == [make()]
    with Store(url(moved)) as store:
        record(store, info_of, make(label="gce"))
        prepare(store)
        assert [result.label for result in store.results()] == ["ce", "gce"]
        for entry in store._index.entries():
            assert entry.artifacts.startswith(moved.as_uri()), "MLflow's UI follows the address in the database"
            assert store._tracking._client.list_artifacts(entry.run_id)
    assert not original.exists()


def test_a_copy_writes_nothing_into_the_original(original, tmp_path, make, info_of):
    copy = shutil.copytree(original, tmp_path / "copy")
    before = snapshot(original)
    with Store(url(copy)) as store:
        record(store, info_of, make(label="gce"))
        prepare(store)
        runs = store.stored()
        store.remove_files(runs.run(next(iter(runs))), ["summary.md"])
        shutil.rmtree(original)
        assert [result.label for result in store.results()] == ["ce", "gce"]
    assert {name.replace(str(copy), str(original)) for name in snapshot(copy)} > {
        n for n in before if "summary" not in n
    }


def test_the_original_is_as_it_was(original, tmp_path, make, info_of):
    before = {name: text for name, text in snapshot(original).items() if not name.endswith(("-shm", "-wal"))}
    with Store(url(shutil.copytree(original, tmp_path / "copy"))) as store:
        record(store, info_of, make(label="gce"))
        prepare(store)
    assert {name: text for name, text in snapshot(original).items() if name in before} == before
    assert StoreReader(url(original)).results() == [make()]


def test_files_that_were_left_behind_are_read_where_they_are(original, tmp_path, make, info_of):
    (tmp_path / "alone").mkdir()
    alone = Path(shutil.copy(original / "mlflow.db", tmp_path / "alone"))
    before = snapshot(original / "artifacts")
    with Store(f"sqlite:///{alone}") as store:
        assert store.results() == [make()]
        record(store, info_of, make(label="gce"))
        prepare(store)
        assert len(store.results()) == 2
    assert snapshot(original / "artifacts") == before
    assert list((tmp_path / "alone" / "artifacts").rglob("record.json"))


def test_another_name_of_the_same_folder_changes_nothing(original, tmp_path, make):
    (tmp_path / "link").symlink_to(original)
    with Store(url(tmp_path / "link")) as store:
        (entry,) = store._index.entries()
        assert entry.artifacts.startswith(original.as_uri())
        assert store.results() == [make()]
