"""What is wrong with a store is said in one line, soon."""

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.store import Store


def message(*arguments, **more) -> str:
    with pytest.raises(StoreError) as caught:
        Store(*arguments, **more)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 450
    return text


def test_an_unreachable_server():
    before = time.monotonic()
    assert "no MLflow server answers at http://127.0.0.1:9: " in message("http://user:secret@127.0.0.1:9/")
    assert "secret" not in message("http://user:secret@127.0.0.1:9")
    assert time.monotonic() - before < 10


def test_an_unreachable_database():
    text = message("postgresql+psycopg2://user:secret@127.0.0.1:9/x", wait=1)
    assert "secret" not in text and ("127.0.0.1:9/x" in text)


@pytest.mark.parametrize("url", ["mlruns", "file:///tmp/mlruns", "sqlite:///", "sqlite:///:memory:", "mysql://h/d"])
def test_what_is_no_store(url):
    assert "a store" in message(url)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be made: Not a directory" in message(f"sqlite:///{tmp_path / 'file' / 'x' / 'mlflow.db'}")


def test_a_folder_in_the_place_of_the_database(tmp_path):
    assert "is not a file" in message(f"sqlite:///{tmp_path}")


READ_ONLY = """
import os, sys
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.store import Store
Store(sys.argv[1]).stored()  # imports all that another user may not be able to read
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)  # root may write everything
for file in sys.argv[2:]:
    try:
        Store(f"sqlite:///{file}")
    except StoreError as error:
        print(error)
"""


@pytest.mark.slow
def test_what_cannot_be_written(start, template, url):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        files = [root / case / "mlflow.db" for case in ("empty folder", "folder of a store", "file")]
        for file in files:
            file.parent.mkdir()
        for file in files[1:]:
            file.write_bytes(template.read_bytes())
        files[2].chmod(0o444)
        for file, mode in zip(files, (0o555, 0o555, 0o777), strict=True):
            file.parent.chmod(mode)
        out, err = start(READ_ONLY, url, *files).communicate()
        for file in files:
            file.parent.chmod(0o755)
    assert err == ""
    wrong = [files[0].parent, files[1].parent, files[2]]
    assert out.splitlines() == [f"{path} cannot be written; set LNLBENCH_HOME to a folder that can" for path in wrong]


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"These are my notes. " * 1000)
    assert message(f"sqlite:///{tmp_path / 'mlflow.db'}").endswith(
        "mlflow.db is not an SQLite database; move it away or restore a copy"
    )


def test_a_database_that_is_cut_off(url):
    file = Path(url.removeprefix("sqlite:///"))
    os.truncate(file, file.stat().st_size // 3)
    assert "is damaged; restore a copy" in message(url)


def test_a_database_that_is_damaged_later(store, url):
    file = Path(url.removeprefix("sqlite:///"))
    store.close()
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    with pytest.raises(StoreError, match="is damaged; restore a copy"):
        Store(url).stored()


@pytest.mark.parametrize(
    ("version", "what"),
    [
        pytest.param("0123456789ab", "a newer version of MLflow than {}; update it: pip install -U mlflow", id="newer"),
        pytest.param(
            "1b5f0d9ad7c1",
            "an older version of MLflow than {}; back it up, then run: mlflow db upgrade {}",
            id="older",
        ),
    ],
)
def test_another_version_of_mlflow(url, version, what):
    import mlflow

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [version])
    assert message(url) == f"the store {url} was written by {what.format(mlflow.__version__, url)}"


def test_a_locked_database(url, make, info_of):
    store = Store(url, wait=0.3)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        before = time.monotonic()
        for action in (lambda: store.claim("k", "me"), lambda: store.cell(info_of(make()))):
            with pytest.raises(StoreError, match=r"is locked by another program; close it, or try again$"):
                action()
        assert time.monotonic() - before < 5
        assert store.stored() == {}, "reading goes on while someone writes"
    assert store.claim("k", "me")
    store.close()


def test_a_server_that_is_no_mlflow():
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "status 404" in message(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
