"""Commands that are forked, killed and suspended, and stores to look into."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy

from lnlbench.leaderboard.store.store import Store

LEASE = 3.0  # seconds
NOT_THE_USERS = ("LNLBENCH_DATA", "LNLBENCH_DATABASE", "LNLBENCH_STUDIES", "MLFLOW_TRACKING_URI", "RAY_ADDRESS")


class Command:
    """A running command line, with its workers a process group."""

    def __init__(self, ask, words, machine, environment, log):
        self._ask, self.words, self.machine, self._log = ask, words, machine, log
        self.pid = ask("start", words, machine, environment, str(log))
        self.code = None

    @property
    def ended(self):
        """Whether it has ended by now; then `code` says how."""
        if self.code is None:
            self.code = self._ask("ended", self.pid)
        return self.code is not None

    @property
    def processes(self):
        """The numbers of all its processes that live, its own first."""
        return sorted(pid for pid, group in living() if group == self.pid)

    @property
    def output(self):
        return self._log.read_text()

    def signal(self, number, pid=None):
        """Send a signal to all its processes, or to one."""
        with suppress(ProcessLookupError):
            os.kill(pid, number) if pid else os.killpg(self.pid, number)


class Look:
    """What is in a store."""

    def __init__(self, url):
        self.url = url

    def rows(self, query):
        """What a query of the database gives."""
        engine = sqlalchemy.create_engine(self.url)
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(query)).fetchall()
        engine.dispose()
        return [tuple(row) for row in found]

    def at_work(self):
        """The processes that are making a run."""
        query = "SELECT pid FROM lnlbench_claims WHERE state = 'running' AND run_id IS NOT NULL"
        return [pid for (pid,) in self.rows(query)]

    def results(self):
        """By key, what a run gave, of trials too; without what its times say."""
        with Store(self.url) as store:
            return {key: timeless(vars(store.result(key))) for key in store.stored()}

    def assert_whole(self, keys):
        """Every key finished exactly once and can be read, nothing pretends to run, and the claims say the same."""
        query = "SELECT t.value, r.run_uuid, r.status FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = '{}'"
        runs, cells = (self.rows(query.format(f"lnlbench.{name}")) for name in ("key", "cell"))
        assert Counter(key for key, _, status in runs if status == "FINISHED") == dict.fromkeys(keys, 1)
        assert set(Counter(key for key, _, status in cells if status == "FINISHED").values()) == {1}
        assert {status for _, _, status in runs + cells} <= {"FINISHED", "KILLED"}
        done = {(key, run, "done") for key, run, status in runs + cells if status == "FINISHED"}
        assert set(self.rows("SELECT key, run_id, state FROM lnlbench_claims")) == done
        assert set(self.results()) == set(keys)


def timeless(result):
    """Return a result without the parts that say how long it took and where."""
    if not isinstance(result, dict):
        return result
    apart = ("seconds", "cost", "environment")
    return {name: timeless(value) for name, value in result.items() if not name.startswith(apart)}


@pytest.fixture(scope="session")
def look():
    """Look into the store of a URL."""
    return Look


def living():
    """Number and process group of every process that is no zombie."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group = place.read_text().rpartition(")")[2].split()[:3]
            if state not in ("Z", "X"):
                yield int(place.parent.name), int(group)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Start command lines by forking: `commands.start(words, machine, home)`, and set the clock of all of them."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells who is in a process group")
    script = Path(__file__).with_name("command_server.py")
    environment = {name: value for name, value in os.environ.items() if name not in NOT_THE_USERS}
    environment |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    pipe = subprocess.PIPE
    server = subprocess.Popen([sys.executable, script, str(LEASE)], stdin=pipe, stdout=pipe, text=True, env=environment)

    class Commands:
        lease, started, folder = LEASE, [], tmp_path_factory.mktemp("logs")

        @staticmethod
        def ask(*question):
            server.stdin.write(json.dumps(question) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        def start(self, words, machine, home, **environment):
            log = self.folder / f"{len(self.started)}.txt"
            environment["LNLBENCH_HOME"] = str(home)
            self.started.append(Command(self.ask, [*map(str, words)], machine, environment, log))
            return self.started[-1]

        def set_clock(self, by):
            self.ask("set_clock", by)

    assert json.loads(server.stdout.readline()) == "ready"
    found = Commands()
    yield found
    for command in found.started:
        for pid in command.processes:
            command.signal(signal.SIGKILL, pid)
    with closing(server.stdin), closing(server.stdout):
        pass
    assert server.wait(60) == 0
