"""Sweeps and searches on two machines that share a store, killed at random: it ends as if nobody had disturbed them.

LNLBENCH_TEST_KILLS=600 goes on for so many seconds; LNLBENCH_TEST_KILLS_SEED=7 begins with the choices of that seed.
"""

import os
import random
import shutil
import signal
import time
from contextlib import contextmanager

import pytest

SECONDS = float(os.environ.get("LNLBENCH_TEST_KILLS", "0"))
SEED = int(os.environ.get("LNLBENCH_TEST_KILLS_SEED") or random.SystemRandom().randrange(10**6))
PATIENT = 600  # seconds without any end, until a test gives up
BLOWS = 6

AT = ("digits/symmetric-0.4", "--device", "cpu", "--seeds")
RUN = ("run", *AT, "0-1", "-m", "ce, early_stopping, gce", "--epochs", "24", "--checkpoint-every", "3", "--quiet")
TUNE = ("tune", *AT, "0", "-m", "ce", "--epochs", "10", "--trials", "3", "--confirm", "0", "--sampler", "random")
COMMANDS = [("a", RUN, 2), ("b", RUN, 1), ("a", TUNE, 1), ("b", TUNE, 1)]  # machine, words, jobs


class Place:
    """A store, its searches, and a folder for the homes of the machines, which share one where files lie at home."""

    def __init__(self, commands, store, studies, folder):
        self.store, self.folder, self._commands, self._studies = store, folder, commands, studies

    def start(self, machine, words, jobs=1):
        more = ("--study-storage", self._studies) if words[0] == "tune" else ()
        words = [*words, "--jobs", jobs, "--tracking-uri", self.store.url, *more]
        home = f"home of {machine}" if self.store.url.startswith("sqlite") else "home"
        return self._commands.start(words, machine, self.folder / home)


def finished(command):
    """The command, once it has ended."""
    deadline = time.monotonic() + PATIENT
    while not command.ended:
        assert time.monotonic() < deadline, f"{command.words} does not end: {command.output}"
        time.sleep(0.02)
    return command


@pytest.fixture(scope="module")
def undisturbed(commands, look, template, tmp_path_factory):
    """The results of commands that nobody disturbs, and the seconds that a run takes here."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(template, folder / "mlflow.db")
    place = Place(commands, look(f"sqlite:///{folder}/mlflow.db"), f"sqlite:///{folder}/studies.db", folder)
    begin = time.monotonic()
    for words in (RUN, TUNE):
        command = finished(place.start("a", words))
        assert command.code == 0, command.output
    results = place.store.results()
    return results, (time.monotonic() - begin) / len(results)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request, commands, look, template, tmp_path):
    """Make fresh stores, of a kind."""
    if request.param == "postgresql":
        new_database, filled = (request.getfixturevalue(name) for name in ("new_database", "postgres_template"))

    def make():
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        if request.param == "postgresql":
            return Place(commands, look(new_database(filled)), new_database(), folder)
        shutil.copy(template, folder / "mlflow.db")
        return Place(commands, look(f"sqlite:///{folder}/mlflow.db"), f"sqlite:///{folder}/studies.db", folder)

    return make


class Disturbance:
    """Blows at processes, chosen by a seed."""

    def __init__(self, commands, seed):
        self.story = [f"seed {seed}"]
        self._random, self._commands, self._waking = random.Random(seed), commands, []
        self._workers = 2  # that are killed by themselves: a run that takes three with it fails

    def moment(self, pace):
        """When the next blow comes."""
        return time.monotonic() + self._random.random() * pace

    def blow(self, running):
        """Do something bad to one of some commands."""
        command = self._random.choice(running)
        kinds = [self.kill, self.kill_all, self.kill_worker, self.interrupt, self.suspend, self.suspend, self.set_clock]
        kind = self._random.choice(kinds)
        what = kind(command, command.processes or [command.pid])
        self.story.append(f"{kind.__name__} {command.machine} {command.words[0]} {what or ''}")

    def kill(self, command, processes):
        command.signal(signal.SIGKILL, command.pid)

    def kill_all(self, command, processes):
        command.signal(signal.SIGKILL)

    def kill_worker(self, command, processes):
        if len(processes) > 1 and self._workers:
            self._workers -= 1
            command.signal(signal.SIGKILL, self._random.choice(processes[1:]))

    def interrupt(self, command, processes):
        command.signal(self._random.choice([signal.SIGTERM, signal.SIGINT]), command.pid)

    def suspend(self, command, processes):
        command.signal(signal.SIGSTOP)
        seconds = self._random.choice([0.3, 1.5]) * self._commands.lease
        self._waking.append((time.monotonic() + seconds, command))
        return f"for {seconds:g} s"

    def set_clock(self, command, processes):
        seconds = self._random.choice([-3600, -1, 1, 3600])
        self._commands.set_clock(seconds)
        return f"by {seconds} s"

    def wake(self):
        """Wake the suspended whose time has come."""
        for due, command in list(self._waking):
            if due < time.monotonic():
                self._waking.remove((due, command))
                command.signal(signal.SIGCONT)


@contextmanager
def told(disturbance):
    """Say in a failure how to see it again."""
    try:
        yield
    except BaseException as error:
        error.add_note("; ".join(disturbance.story) + "; LNLBENCH_TEST_KILLS_SEED repeats the choices")
        raise


def disturbed(place, disturbance, pace):
    """Have commands end that are disturbed until the blows are used up, and started again where they died."""
    running = [place.start(*arguments) for arguments in COMMANDS]
    blows, due, end = 0, disturbance.moment(pace), time.monotonic() + PATIENT
    while not all(command.ended and command.code == 0 for command in running):
        now = time.monotonic()
        assert now < end, "the commands do not come to an end"
        disturbance.wake()
        if blows < BLOWS and now > due and (place.store.at_work() or now > due + 20 * pace):
            disturbance.blow([command for command in running if not command.ended] or running)
            blows, due = blows + 1, disturbance.moment(pace)
        for number, command in enumerate(running):
            if command.ended and command.code:
                assert command.code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 130), command.output
                running[number] = place.start(*COMMANDS[number])
        time.sleep(min(0.2, pace / 10))


def assert_as_undisturbed(place, results):
    """Every key finished once with the same result, and nothing is left over."""
    place.store.assert_whole(results)
    now = place.store.results()
    for key, result in results.items():
        assert now[key] == result, result["method"]
    assert not [path for pattern in (".*", "*.pt") for path in place.folder.rglob(pattern)]


@pytest.mark.slow
def test_whatever_is_killed_all_is_as_if_nothing_had_been(commands, undisturbed, new_place):
    results, pace = undisturbed
    until = time.monotonic() + SECONDS / 2
    for number in range(1000):
        disturbance = Disturbance(commands, SEED + number)
        with told(disturbance):
            place = new_place()
            disturbed(place, disturbance, pace)
            commands.set_clock(2 * commands.lease)  # whose claims are left over has had its time
            for machine, words in [("a", RUN), ("b", RUN), ("a", TUNE)]:
                command = finished(place.start(machine, words))
                assert command.code == 0, command.output
            assert_as_undisturbed(place, results)
            assert not [command for command in commands.started if command.processes]
        if time.monotonic() > until:
            return
