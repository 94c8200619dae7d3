"""Where a store is: what is given wins over the environment, that over the default, and messages say which it was."""

import pickle

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.address import StoreAddress, store_address
from lnlbench.leaderboard.store.reader import existing
from lnlbench.leaderboard.store.store import Store


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for name in ("MLFLOW_TRACKING_URI", "LNLBENCH_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "variables", "uri", "database", "origin"),
    [
        pytest.param((None, None), {}, "sqlite:///{}/own/mlflow.db", "uri", "$LNLBENCH_HOME", id="home"),
        pytest.param(
            (None, None),
            {"LNLBENCH_HOME": ""},
            "sqlite:///{}/user/.lnlbench/mlflow.db",
            "uri",
            "the default",
            id="default",
        ),
        pytest.param(
            (None, None),
            {"MLFLOW_TRACKING_URI": "sqlite:///x.db"},
            "sqlite:///{}/x.db",
            "uri",
            "$MLFLOW_TRACKING_URI",
            id="variable",
        ),
        pytest.param(
            ("sqlite:///~/y.db", None),
            {"MLFLOW_TRACKING_URI": "sqlite:///x.db"},
            "sqlite:///{}/user/y.db",
            "uri",
            "given",
            id="given wins",
        ),
        pytest.param(
            ("http://h:1/", None), {}, "http://h:1", "sqlite:///{}/own/claims.db", "given", id="claims of a server"
        ),
        pytest.param(
            ("http://h:1", None),
            {"LNLBENCH_DATABASE": "postgresql://c/d"},
            "http://h:1",
            "postgresql://c/d",
            "given",
            id="claims of a server by the variable",
        ),
        pytest.param(
            ("postgresql://h/d", None),
            {"LNLBENCH_DATABASE": "postgresql://c/d"},
            "postgresql://h/d",
            "uri",
            "given",
            id="a database has its claims",
        ),
        pytest.param(
            ("sqlite:///x.db", "sqlite:///c.db"), {}, "sqlite:///{}/x.db", "sqlite:///{}/c.db", "given", id="both given"
        ),
    ],
)
def test_resolution(given, variables, uri, database, origin, monkeypatch, tmp_path):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    address = store_address(*given)
    assert address.uri == uri.format(tmp_path)
    assert address.database == (address.uri if database == "uri" else database.format(tmp_path))
    assert address.origin == origin
    assert store_address(address) is address and pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        pytest.param("mlruns", "a store is sqlite:///file", id="a folder"),
        pytest.param("mysql://u:PW@h/d", "a store is sqlite:///file", id="another database"),
        pytest.param("sqlite:///~nobody_of_this_name/x.db", "there is no such user", id="no such user"),
        pytest.param("postgresql://u:PW@h:99x/d", "does not parse: Port could not be cast", id="port in letters"),
        pytest.param("postgresql://u:PW@h:99999/d", "does not parse: Port out of range", id="port too large"),
        pytest.param("http://h:port", "does not parse: Port could not be cast", id="port of a server"),
        pytest.param("http://[::1", "does not parse: Invalid IPv6", id="bracket"),
        pytest.param("sqlite:///x\x1b.db", "printable characters alone", id="escape"),
        pytest.param("http://h\n/x", "printable characters alone", id="line break"),
    ],
)
@pytest.mark.parametrize("variable", [False, True])
def test_an_address_that_cannot_be(uri, message, variable, monkeypatch):
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreError, match=message) as caught:
        store_address(None if variable else uri)
    text = str(caught.value)
    assert "PW" not in text and "\n" not in text
    assert text.endswith(" (from $MLFLOW_TRACKING_URI)") == variable


def test_claims_that_cannot_be(monkeypatch):
    with pytest.raises(StoreError, match=r"claims need a database, not a server: http://c$"):
        store_address("http://h", "http://c")
    monkeypatch.setenv("LNLBENCH_DATABASE", "nowhere")
    with pytest.raises(StoreError, match=r"\(from \$LNLBENCH_DATABASE\)$"):
        store_address("http://h")


def test_a_driver_that_does_not_exist():
    with pytest.raises(StoreError, match="postgresql\\+foo"):
        Store("postgresql+foo://u:PW@h/d")


def test_messages_say_which_variable_named_the_store(monkeypatch, tmp_path):
    with pytest.raises(StoreError, match=r"nothing is stored yet in .*own/mlflow.db \(\$LNLBENCH_HOME\)"):
        existing(store_address())
    (tmp_path / "notes.db").write_bytes(b"These are my notes. " * 1000)
    with pytest.raises(StoreError, match=r"is not an SQLite database; move it away or restore a copy$"):
        Store(f"sqlite:///{tmp_path / 'notes.db'}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///notes.db")
    with pytest.raises(StoreError, match=r"is not an SQLite database; .* \(from \$MLFLOW_TRACKING_URI\)$"):
        Store()


def test_a_store_is_closed_at_the_end_of_its_block(url, monkeypatch):
    closed = []
    with Store(url) as store:
        monkeypatch.setattr(store.claims, "close", lambda: closed.append(True))
        assert store.stored() == {} and closed == []
    assert closed == [True]
    assert isinstance(store.address, StoreAddress)


def test_the_short_name_of_a_store_knows_no_password_and_moves_with_its_home(monkeypatch, tmp_path):
    server = [store_address(f"postgresql://me:{word}@host/runs").short for word in ("one", "two")]
    first = store_address().short
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "moved"))
    assert store_address().short == first and server[0] == server[1]
    assert len({first, server[0], store_address("sqlite:///mlflow.db").short, store_address("http://h:1").short}) == 4
