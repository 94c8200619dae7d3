"""To read a store nobody needs the right to write it, nor does reading leave anything behind."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.reader import StoreReader

COMMANDS = (
    ["leaderboard", "--format", "csv"],
    ["leaderboard", "--html", "{out}/page.html"],
    ["show", "ce", "digits/symmetric-0.4", "0"],
    ["export", "{out}/results.jsonl.xz"],
    ["verify", "{out}/results.jsonl.xz"],
    ["doctor"],
)
RUN = """
import json, sys
import lnlbench.benchmark.cli.app as cli
for command in json.loads(sys.argv[1]):
    sys.argv[1:] = command
    try:
        cli.main()
    except SystemExit as end:
        print("ended", command[0], end.code, file=sys.stderr)
"""
# No permission keeps root from writing unless it gives up this right; another user might not read the modules.
AS_OWNER = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-all"]


@pytest.fixture
def closed(store, make, info_of):
    """The folder of a store with one result, open to others, which nobody writes."""
    with store.begin(info_of(make())) as recording:
        recording.finish(make())
    store._tracking._client._tracking_client.store.engine.dispose()
    store.close()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        shutil.copytree(store.address.file.parent, folder, ignore=shutil.ignore_patterns("*.lock", "*-wal", "*-shm"))
        Path(name).chmod(0o755)
        (Path(name) / "out").mkdir()
        (Path(name) / "out").chmod(0o777)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def as_owner(folder):
    """Give what to put before a command so that permissions bind it; nothing, for a user whom they bind anyway."""
    if not os.access(folder, os.W_OK):
        return []
    probe = [*AS_OWNER, sys.executable, "-c", "import os, sys; sys.exit(os.access(sys.argv[1], os.W_OK))", str(folder)]
    if shutil.which("setpriv") is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("runs as root, and setpriv (util-linux) cannot take its right to write everywhere")
    return AS_OWNER


def content(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.slow
def test_commands_that_read_work_on_a_store_that_cannot_be_written(closed):
    out, uri = closed.parent / "out", f"sqlite:///{closed / 'mlflow.db'}"
    commands = [[word.format(out=out) for word in command] for command in COMMANDS]
    commands = [[*command, *([] if command[0] == "verify" else ["--tracking-uri", uri])] for command in commands]
    before = content(closed)
    environment = os.environ | dict.fromkeys(("LNLBENCH_HOME", "HF_HOME", "HOME"), str(out))
    command = [*as_owner(closed), sys.executable, "-c", RUN, json.dumps(commands)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    ends = [line.split() for line in done.stderr.splitlines() if line.startswith("ended")]
    assert [name for _, name, _ in ends] == [command[0] for command in commands], done.stderr
    assert {name: code for _, name, code in ends if name != "verify"} == dict.fromkeys(
        ("leaderboard", "show", "export", "doctor"), "None"
    ), done.stderr
    said = "".join(done.stdout.replace("│", " ").split())  # doctor's table breaks long paths, too
    assert f"{uri.removeprefix('sqlite:///')},1runs" in said
    assert (out / "page.html").exists() and (out / "results.jsonl.xz").exists()
    assert content(closed) == before


READ = """
import sys
from lnlbench.leaderboard.store.reader import StoreReader
with StoreReader(f"sqlite:///{sys.argv[1]}/mlflow.db") as reader:
    (result,) = reader.results()
    print(result.label, reader.find("ce digits/symmetric-0.4 0")[1].label, len(reader.stored()))
"""


def test_a_store_on_a_read_only_mount(closed):
    """Of root, whom no permission keeps from writing, a mount does."""
    mount = 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"'
    script = f'{mount} && ! touch "$2/x" 2>/dev/null && exec "$3" -c "$4" "$2"'
    place = closed.parent / "mounted"
    place.mkdir()
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(closed), str(place), sys.executable, READ]
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("needs the right to mount: run as root, with unshare of util-linux")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ce ce 1\n", "")


def test_reading_writes_nothing_beside_a_store(closed, make):
    """As root, who may write everywhere, too."""
    closed.chmod(0o755)
    before = {path for path in closed.rglob("*") if not path.name.endswith(("-shm", "-wal"))}
    with StoreReader(f"sqlite:///{closed / 'mlflow.db'}") as reader:
        assert reader.results() == [make()] and reader.damaged() == {} and not reader.is_running()
        with pytest.raises(StoreError, match="cannot be written"):
            _write(closed / "mlflow.db")
    assert {path for path in closed.rglob("*") if not path.name.endswith(("-shm", "-wal"))} == before


def _write(file):
    from lnlbench.leaderboard.store.sql import reading

    with reading(f"sqlite:///{file}") as ask:
        ask("DELETE FROM runs")


def test_a_log_that_cannot_be_read_is_no_reason_for_old_results(closed, monkeypatch):
    """What a write-ahead log holds belongs to the database: without it old results would pass for all there are."""
    from lnlbench.leaderboard.store import sql

    (closed / "mlflow.db").chmod(0o644)
    closed.chmod(0o755)
    with closing(sqlite3.connect(closed / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE runs SET status = 'FAILED'")
        connection.commit()
        kept = (closed / "mlflow.db-wal").read_bytes()
    (closed / "mlflow.db-wal").write_bytes(kept)
    connect = sql._connected

    def refuse(file, how):
        if "immutable" not in how:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(file, how)

    monkeypatch.setattr(sql, "_connected", refuse)
    with pytest.raises(StoreError, match="cannot be opened"):
        StoreReader(f"sqlite:///{closed / 'mlflow.db'}").stored()
