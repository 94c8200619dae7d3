"""What every test may count on: a home of its own, no network, and real data that nobody skips by accident."""

import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when mlflow is imported
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported: threads that wait for busy cores wait long

VARIABLE = "LNLBENCH_DATA"


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """Nothing that a test runs, in this process or in another, touches the user's results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNLBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Make a fresh store's database, once: the migrations take seconds, so tests copy it."""
    from lnlbench.leaderboard.store.store import Store

    file = tmp_path_factory.mktemp("template") / "mlflow.db"
    Store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection:  # what a copy of the file alone would miss
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture
def url(template, tmp_path):
    """The URL of a fresh store."""
    shutil.copy(template, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture(scope="session")
def postgres():
    """Start a PostgreSQL server for all tests; gives the URL of an empty database. Skips where there can be none."""
    module = _postgres()
    if why := module.missing():
        pytest.skip(why)
    with module.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres):
    """Make a fresh store's database on the server, once; gives its name."""
    from lnlbench.leaderboard.store.store import Store

    name = f"lnl_template_{os.getpid()}"
    _execute(postgres, f"CREATE DATABASE {name}")
    Store(f"{postgres.rpartition('/')[0]}/{name}").close()
    return name


@pytest.fixture
def new_database(postgres):
    """Make databases on the server: each call gives the URL of one of its own, empty or a copy of a template."""
    end, made = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", []

    def make(template="template1"):
        if template != "template1":  # MLflow keeps connections, and what is connected to cannot be copied
            _execute(postgres, end.format(template))
        made.append(f"lnl_{uuid.uuid4().hex[:12]}")
        _execute(postgres, f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return f"{postgres.rpartition('/')[0]}/{made[-1]}"

    yield make
    for name in made:
        _execute(postgres, end.format(name), f"DROP DATABASE {name}")


@pytest.fixture
def postgres_empty(new_database):
    """The URL of an empty database of its own."""
    return new_database()


@pytest.fixture
def postgres_url(new_database, postgres_template):
    """Give the URL of a fresh store on the server."""
    return new_database(postgres_template)


@pytest.fixture(scope="session")
def decoded(tmp_path_factory):
    """Give the folder where real data lie decoded, one for all processes of a session: each set takes seconds."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "decoded"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def data_dir():
    """Give the folder of real data, in the layout of the Hugging Face Hub; skip where the user names none."""
    return _real_data()


def pytest_configure(config):
    config.addinivalue_line("markers", f"realdata(*folders): needs these folders of ${VARIABLE}; skipped without it")
    if os.environ.get(VARIABLE):
        config.pluginmanager.register(RealDataSkips())


def pytest_collection_modifyitems(items):
    """Begin with the files that have slow tests: at the end one process would wait for the other's last file."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item):
    for marker in item.iter_markers("realdata"):
        for folder in (_real_data() / name for name in marker.args or [""]):
            assert folder.is_dir(), f"{VARIABLE} is set, but there is no folder {folder}"


class RealDataSkips:
    """Fails a session that has real data and yet skipped a test that is marked `realdata` or names the variable.

    A `skipif` that the test carries beside the mark has a reason of its own, a GPU for one, and stays a skip.
    """

    def __init__(self):
        self.skips = []

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            marks = getattr(report, "keywords", ())
            elsewhere = "skipif" in marks and report.when == "setup"
            if VARIABLE in reason or ("realdata" in marks and not elsewhere):
                self.skips.append(f"{report.nodeid}: {reason}")

    def pytest_collectreport(self, report):
        self.pytest_runtest_logreport(report)

    def pytest_sessionfinish(self, session, exitstatus):
        if self.skips and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.skips:
            terminalreporter.section(f"{VARIABLE} is set, but tests on real data were skipped", red=True)
            for skip in self.skips:
                terminalreporter.line(skip)


def _postgres():
    """Load `postgres.py` beside this file: in pytest's importlib mode tests import nothing of each other by name."""
    spec = spec_from_file_location("lnlbench_tests_postgres", Path(__file__).with_name("postgres.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _execute(url, *statements):
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def _real_data():
    if not os.environ.get(VARIABLE):
        pytest.skip(f"needs real data: set {VARIABLE} to a folder in the layout of the Hugging Face Hub")
    path = Path(os.environ[VARIABLE]).resolve()
    assert path.is_dir(), f"{VARIABLE} is set, but there is no folder {path}"
    return path
