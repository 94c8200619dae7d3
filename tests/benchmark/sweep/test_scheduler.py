"""Sweeps: only what is missing is made; whatever is killed, nothing is lost and nothing is made twice."""

import json
import shutil
import signal
import subprocess
import sysconfig
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
import torch

from lnlbench.benchmark.cli.display import summary
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.sweep import scheduler, worker
from lnlbench.benchmark.sweep.executors.inline import Inline
from lnlbench.benchmark.sweep.executors.local import Local
from lnlbench.benchmark.sweep.forecast import forecast
from lnlbench.benchmark.sweep.grid import grid, numbers, plan
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sum_up, sweep
from lnlbench.benchmark.sweep.worker import work
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.errors import StoreAway, StoreError, StoreWarning
from lnlbench.leaderboard.results.result import unpack
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.claims import new_owner
from lnlbench.leaderboard.store.processes import alive
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import MethodError
from lnlbench.methods import _registry as registry

NOISY = "digits/symmetric-0.4"
PATIENT = 600  # seconds until a test gives up on other processes; they need a few


@pytest.fixture
def options(url):
    return Options(store=store_address(url), device="cpu")


def runs_of(options, methods="ce", replicates="0", targets=(NOISY,), epochs=2, **changes):
    return grid(targets, methods, replicates, {"epochs": epochs, **changes}, options)


def keys(runs):
    return [run.key for run in runs]


def claims(url):
    """The rows of the claims table, without those of cells."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        query = "SELECT * FROM lnlbench_claims WHERE key NOT LIKE 'cell:%'"
        rows = [dict(row) for row in connection.execute(sqlalchemy.text(query)).mappings()]
    engine.dispose()
    return rows


def mlflow_runs(url):
    """Key and run of all that MLflow holds, cells left out."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, max_results=1000)
    return [(run.data.tags["lnlbench.key"], run) for run in found if "lnlbench.key" in run.data.tags]


def assert_nothing_lost_or_doubled(url, runs, others=("KILLED",)):
    """Every key finished exactly once, nothing pretends to run, and the claims say the same."""
    found = mlflow_runs(url)
    finished = {key: run.info.run_id for key, run in found if run.info.status == "FINISHED"}
    assert Counter(key for key, run in found if run.info.status == "FINISHED") == Counter(keys(runs))
    assert {run.info.status for _, run in found} <= {"FINISHED", *others}
    assert {row["key"]: (row["state"], row["run_id"]) for row in claims(url)} == {
        key: ("done", run_id) for key, run_id in finished.items()
    }
    store = Store(url)
    assert {result.key for result in store.results()} == set(keys(runs)), "every record can be read"
    store.close()


# One process.


def test_only_what_is_missing_is_made(options, url):
    few, more = runs_of(options, replicates="0-1"), runs_of(options, "ce, gce", "0-1")
    first = sweep(few, options)
    assert (first.done, first.stored, first.failed) == (keys(few), [], {})
    assert first.seconds > 0
    second = sweep(more, options)
    assert set(second.stored) == set(keys(few)) and set(second.done) == set(keys(more)) - set(keys(few))
    before = mlflow_runs(url)
    third = sweep(more, options)
    assert (third.done, set(third.stored)) == ([], set(keys(more)))
    assert len(mlflow_runs(url)) == len(before) == 4
    assert_nothing_lost_or_doubled(url, more)


def test_the_checkpoint_of_a_run_that_another_machine_has_finished_is_cleared(options):
    (run,) = runs_of(options, epochs=1)
    sweep([run], options)
    kept = worker.checkpoints_of(options)
    mine, other = (kept.folder / kept.store / f"{name}.pt" for name in (run.key, "another"))
    mine.parent.mkdir(parents=True)
    mine.touch()
    other.touch()
    sweep([run], options)
    assert list(mine.parent.iterdir()) == [other]


def test_a_run_that_one_store_holds_keeps_its_checkpoint_in_another(options, template, tmp_path):
    """There it is unfinished: it goes on where it was, and not from its beginning."""
    shutil.copy(template, tmp_path / "other.db")
    other = replace(options, store=store_address(f"sqlite:///{tmp_path / 'other.db'}"), checkpoint_every=1)
    (run,) = runs_of(options, epochs=3)

    def interrupt(event):
        if event.kind == "epoch" and event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep([run], other, interrupt)
    sweep([run], options)
    sweep([run], options)  # it is stored here
    (kept,) = (tmp_path / "home" / "checkpoints").rglob("*.pt")
    before = torch.load(kept, weights_only=True)["values"]["seconds_train"]
    (planned, _) = forecast([run], other)
    assert planned["how"] == "3 epochs, s0 from epoch 3"
    assert forecast([run], replace(other, checkpoint_every=0))[0]["how"] == "3 epochs", "it would begin anew"
    report = sweep([run], other)
    resumed = f"1 run made, 1 of it from a checkpoint ({run.setting.name} ce s0 from epoch 3), 0 stored before"
    assert report.resumed == {run.key: 2} and summary(report, [run]).startswith(resumed)
    with Store(other.store) as store:
        assert store.result(run.key).curves["seconds_train"][:2] == before
    assert not list((tmp_path / "home" / "checkpoints").rglob("*.pt"))


def test_events_say_what_happens(options):
    runs, events = runs_of(options, "ce, early_stopping(patience=1.0)"), []
    sweep(runs, options, events.append)
    told = [(event.kind, event.key, event.epoch) for event in events]
    host, reading = keys(runs)
    assert told == [(kind, key, e) for key in (host, reading) for kind, e in (("epoch", 0), ("epoch", 1), ("done", 0))]
    assert all(0 <= event.numbers["test_accuracy"] <= 1 for event in events if event.kind == "epoch")
    again = []
    sweep(runs, options, again.append)
    assert [(event.kind, event.key) for event in again] == [("stored", host), ("stored", reading)]


def test_a_reading_is_read_off_its_host_which_is_made_too(options, url):
    runs = runs_of(options, "gce + early_stopping(patience=0.05)", epochs=12, lr=0.5)
    assert [(run.label, run.host is None) for run in runs] == [
        ("gce", True),
        ("gce + early_stopping(patience=0.05)", False),
    ]
    sweep(runs, options)
    store = Store(url)
    host, reading = (store.result(key) for key in keys(runs))
    assert (host.host, reading.host) == (None, host.key)
    assert reading.trained < host.trained == 12
    for name, curve in reading.curves.items():
        assert curve == host.curves[name][: reading.trained], name
    assert (unpack(reading.predictions) == unpack(host.predictions)[: reading.trained]).all()
    store.close()
    kinds = {key: run.data.tags["lnlbench.kind"] for key, run in mlflow_runs(url)}
    assert kinds == {host.key: "run", reading.key: "reading"}


PLUGIN = '''
"""Methods for tests."""
import os
from lnlbench.methods import Method, register

@register("deadly")
class Deadly(Method):
    def loss(self, logits, batch, clock):
        os._exit(9)

@register("broken")
class Broken(Method):
    def loss(self, logits, batch, clock):
        raise RuntimeError("on\\n  purpose")
'''


RAISING = r'        raise RuntimeError("on\n  purpose")'


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))
    path = tmp_path / "broken_method.py"
    path.write_text(PLUGIN)
    return path


def test_a_run_that_fails_is_reported_and_stops_no_other(options, url, plugin):
    options = Options(**vars(options) | {"plugins": (plugin,)})
    runs = runs_of(options, "broken, ce, broken + early_stopping")
    labels = {run.key: run.label for run in runs}
    report = sweep(runs, options)
    assert [labels[key] for key in report.done] == ["ce"]
    assert {labels[key]: reason for key, reason in report.failed.items()} == {
        "broken": f"RuntimeError: on purpose ({plugin}:{PLUGIN.splitlines().index(RAISING) + 1})",
        "broken + early_stopping": "broken, which it is read off, failed",
    }
    failed = [run for _, run in mlflow_runs(url) if run.info.status == "FAILED"]
    assert [run.data.tags["lnlbench.error"] for run in failed] == ["RuntimeError: on purpose"]
    assert [row["state"] for row in claims(url)] == ["done"], "the claim of what failed is given back"
    again = sweep(runs, options)
    assert (again.done, [labels[key] for key in again.stored]) == ([], ["ce"])
    assert len(again.failed) == 2, "a failure is not stored: it is tried again"


def test_an_interrupted_sweep_goes_on_where_it_was(options, url):
    runs = runs_of(options, "ce, gce")

    def interrupt(event):
        if (event.kind, event.key, event.epoch) == ("epoch", runs[1].key, 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(runs, options, interrupt)
    assert Counter(run.info.status for _, run in mlflow_runs(url)) == {"FINISHED": 1, "KILLED": 1}
    assert [row["state"] for row in claims(url)] == ["done"]
    report = sweep(runs, options)
    assert (report.stored, report.done) == ([runs[0].key], [runs[1].key])
    assert_nothing_lost_or_doubled(url, runs)


def test_an_interrupt_before_training_gives_the_claim_back(options, url, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_prepared", interrupted)
    with Store(url) as store, pytest.raises(KeyboardInterrupt):
        work(runs_of(options), options, store, lambda event: None)
    assert claims(url) == []


def test_a_store_that_is_away_is_waited_for_by_whoever_has_been_in_contact_with_it(options, monkeypatch):
    runs, asked, original = runs_of(options), [], scheduler.held_of

    def away_at_first(*arguments):
        asked.append(arguments)
        if len(asked) % 2:
            raise StoreAway("the store does not answer")
        return original(*arguments)

    monkeypatch.setattr(scheduler, "held_of", away_at_first)
    with pytest.warns(StoreWarning, match="does not answer; trying again for up to 30 s"):
        assert sweep(runs, options, patience=30).done == keys(runs)
    with pytest.raises(StoreAway):
        sweep(runs, options)


def test_what_another_works_on_is_left_to_it_and_waited_for(options, url):
    runs = runs_of(options, "ce, gce, sam")
    store, other, order = Store(url), new_owner(), []
    assert store.claim(runs[0].key, other) and store.claim(runs[1].key, other)

    def watch(event):
        if event.kind in ("done", "stored"):
            order.append((event.kind, event.key))
        if event.kind == "done" and event.key == runs[2].key:  # nothing is left but to wait
            store.claims.release(runs[0].key, other)  # one is given up, the other is finished
            store.claims.release(runs[1].key, other)
            work([runs[1]], options, store, lambda event: None)

    report = sweep(runs, options, watch)
    assert order == [("done", runs[2].key), ("done", runs[0].key), ("stored", runs[1].key)]
    assert (set(report.done), report.stored) == ({runs[0].key, runs[2].key}, [runs[1].key])
    assert_nothing_lost_or_doubled(url, runs)
    store.close()


def test_a_claim_that_is_lost_before_its_run_begins_is_left_to_the_other(options, url, monkeypatch):
    (run,), store, events = runs_of(options), Store(url), []
    begin = store.begin

    def taken_over(info, owner):
        assert store.claims.release(info.key, owner) and store.claims.acquire(info.key, "heir")
        return begin(info, owner)

    monkeypatch.setattr(store, "begin", taken_over)
    work([run], options, store, events.append)
    assert [event.kind for event in events] == ["busy"] and store.claims.states([run.key]) == {run.key: "running"}
    assert [run.info.status for _, run in mlflow_runs(url)] == ["KILLED"]
    store.close()


# Several processes, killed; more of this is in the tests of kills.


def wait_for(condition, *processes):
    """The first true value of a condition; it is asked until then, not slept for."""
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        if found := condition():
            return found
        for process in processes:
            if process.poll() not in (None, -signal.SIGKILL):
                raise AssertionError(f"ended with {process.returncode}: {process.communicate()}")
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENT} s for nothing")


@pytest.fixture
def lnlbench(url, monkeypatch):
    """Start the command line in a process of its own, on the store."""
    started = []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    program = Path(sysconfig.get_path("scripts")) / "lnlbench"

    def start(*arguments):
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([program, *arguments], stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def at_work(url, pid=None):
    """The claims of runs that are being trained, of one process or of any."""
    return [
        row for row in claims(url) if row["state"] == "running" and row["run_id"] and (pid is None or row["pid"] == pid)
    ]


def descendants(pid):
    """The numbers of a process's children, and of theirs."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # it has ended since
        return []
    return [one for child in children for one in (child, *descendants(child))]


METHODS = "ce, early_stopping"
COMMAND = ("sweep", NOISY, "-m", METHODS, "-s", "0-1", "--epochs", "60", "--device", "cpu")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux tells who is whose child")
def test_kill_a_sweep_with_its_workers(lnlbench, options, url):
    runs = runs_of(options, METHODS, "0-1", epochs=60)
    parent = lnlbench(*COMMAND, "--jobs", "2")
    (row, *_) = wait_for(lambda: at_work(url), parent)
    offspring = descendants(parent.pid)
    assert row["pid"] in offspring and len(offspring) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not any(alive(pid, "") for pid in offspring))
    left = at_work(url)
    assert left, "they died in the middle of runs"
    report = sweep(runs, options)
    assert not report.failed and set(report.done) | set(report.stored) == set(keys(runs))
    assert {row["key"] for row in left} <= set(report.done)
    statuses = {run.info.run_id: run.info.status for _, run in mlflow_runs(url)}
    assert {statuses[row["run_id"]] for row in left} == {"KILLED"}
    assert_nothing_lost_or_doubled(url, runs)


@pytest.mark.slow
def test_a_run_that_takes_its_process_with_it_fails_alone(options, plugin):
    options = Options(**vars(options) | {"plugins": (plugin,), "jobs": 2, "execution": "stack"})
    runs = runs_of(options, "deadly, ce, gce, deadly + early_stopping")
    report = sweep(runs, options)
    good = [run for run in runs if run.label in ("ce", "gce")]
    assert (sorted(report.done), report.stored) == (sorted(keys(good)), []), "what was made here is not another's"
    reasons = Counter(report.failed.values())
    assert reasons == {
        "3 times the process that worked on it died, at last with exit code 9": 1,
        "deadly, which it is read off, failed": 1,
    }


@pytest.mark.slow
def test_a_run_of_a_plugin_that_ends_its_process_does_not_end_the_command(lnlbench, plugin):
    process = lnlbench(
        *("run", NOISY, "-m", "deadly, ce", "-s", "0", "--epochs", "2", "--device", "cpu", "--jobs", "1", "--json"),
        *("--plugin", plugin),
    )
    out, err = process.communicate(timeout=PATIENT)
    assert process.returncode == 1, err
    found = json.loads(out)
    assert len(found["made"]) == 1
    assert [row["reason"] for row in found["failed"]] == [
        "3 times the process that worked on it died, at last with exit code 9"
    ]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"jobs": 2}, Inline, id="several jobs, one run"),
        pytest.param({"jobs": 2, "guarded": True, "plugins": (Path("mine.py"),)}, Local, id="several jobs, a plug-in"),
        pytest.param({"jobs": 1}, Inline, id="one job"),
        pytest.param({"jobs": 1, "guarded": True}, Inline, id="one job, of ours"),
        pytest.param({"jobs": 1, "guarded": True, "plugins": (Path("mine.py"),)}, Local, id="one job, a plug-in"),
        pytest.param({"jobs": 1, "plugins": (Path("mine.py"),)}, Inline, id="one job, a plug-in, from Python"),
    ],
)
def test_one_run_is_made_in_this_process_but_for_a_guarded_plug_in(options, changes, kind):
    with closing(scheduler.executor_for(replace(options, **changes), 1)) as executor:
        assert (type(executor), executor.slots) == (kind, 1)


# Plans.


def test_means_that_cannot_be_written_are_only_a_warning():
    class Away:
        def summarise(self, keys):
            raise StoreError("the store is locked")

    with pytest.warns(StoreWarning, match="means of the runs made are out of date: the store is locked"):
        sum_up(Away(), ["k"])


def test_a_plan_has_every_run_once_hosts_before_readings(options):
    runs = plan([], ["ce"], [0])
    assert runs == []
    runs = runs_of(options, "early_stopping, ce, gce, gce(q=0.7), early_stopping(patience=0.2)", "0-1", ["digits"])
    assert len(set(keys(runs))) == len(runs) == 2 * 2 * 4
    assert [(run.setting.noise, run.replicate) for run in runs[::4]] == [
        (noise, i) for noise in ("symmetric-0.4", "clean") for i in (0, 1)
    ]
    for place, run in enumerate(runs):
        if run.host is not None:
            assert run.host.key in keys(runs[:place])
    assert [run.label for run in runs[:4]] == ["ce", "gce", "early_stopping", "early_stopping(patience=0.2)"]


def test_a_plan_has_canonical_noise(options):
    assert keys(runs_of(options, targets=["digits/symmetric-.40"])) == keys(runs_of(options))
    assert keys(runs_of(options, targets=[NOISY, "digits/symmetric-0.40"])) == keys(runs_of(options))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        pytest.param({"targets": ["digit"]}, SettingError, "did you mean 'digits'", id="suite"),
        pytest.param({"methods": "gec"}, MethodError, "did you mean 'gce'", id="method"),
        pytest.param({"methods": "gce + elr"}, MethodError, "both answer `loss`", id="methods that do not combine"),
        pytest.param({"replicates": "x"}, SettingError, "replicates are written", id="replicates"),
        pytest.param({"targets": ["digits/symmetric-0.95"]}, DataError, "diagonal dominance", id="rate"),
        pytest.param({"dataset": "digitz"}, DataError, "did you mean 'digits'", id="data set"),
        pytest.param({"model": "mpl"}, ValueError, "did you mean 'mlp'", id="network"),
        pytest.param({"epoch": 3}, SettingError, "did you mean 'epochs'", id="field"),
        pytest.param({"precision": "fp16"}, SettingError, "in Python precision='fp16'", id="precision"),
        pytest.param({"device": "cuda:99"}, ValueError, "'cuda:99' was asked for", id="device"),
    ],
)
def test_a_grid_of_what_does_not_exist_is_refused(options, arguments, error, message):
    how = {"device": arguments.pop("device")} if "device" in arguments else {}
    with pytest.raises(error, match=message):
        runs_of(Options(**vars(options) | how), **arguments)


def test_numbers_are_those_of_the_command_line():
    assert numbers("0-2,5") == [0, 1, 2, 5]
