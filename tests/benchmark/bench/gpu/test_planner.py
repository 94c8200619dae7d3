"""The planner keeps order and budget, whatever parts do; the folder says to a later call what was done."""

import json
from functools import partial

import pytest

from lnlbench.benchmark.bench.gpu import folder as keeping
from lnlbench.benchmark.bench.gpu import planner as planning
from lnlbench.benchmark.bench.gpu.cells import cell
from lnlbench.benchmark.bench.gpu.folder import FINDINGS, SUMMARY, Folder
from lnlbench.benchmark.bench.gpu.part import Finding, Part, Place, Record, Table
from lnlbench.benchmark.bench.gpu.planner import Planner
from lnlbench.benchmark.sweep.executors.inline import Inline
from lnlbench.benchmark.sweep.executors.local import Local
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.store.processes import alive

CPU = Place("cpu")


class Clock:
    """A clock that parts turn on by themselves."""

    now = 100.0

    def __call__(self):
        return self.now

    def part(self, name, stated, taken=None, error=None, **more):
        """A part that takes so long, says its name, and raises an error if it has one."""

        def work(place):
            self.now += stated if taken is None else taken
            yield Finding(name, 1.0)
            if error:
                raise error

        return Part(name, stated, work, **more)


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(planning, "prepare", lambda place: iter(()))
    return Clock()


@pytest.fixture
def call(clock, tmp_path):
    """Call the planner once, as a new process would; gives the events of that call."""

    def once(parts, budget):
        folder = Folder(tmp_path)
        before = len(folder.events)
        Planner(folder, CPU, budget, clock.now, Inline, clock).run(parts)
        folder.summarise()
        return Folder(tmp_path).events[before:]

    return once


def ends(events):
    return [(e["part"], e["event"]) for e in events if e["event"] in ("done", "failed", "cut")]


def names(events):
    return [name for name, _ in ends(events)]


def test_parts_are_asked_in_their_order_and_a_later_call_goes_on(call, clock):
    parts = [clock.part(name, 10) for name in "abcd"]
    assert names(call(parts, 35)) == ["a", "b", "c"]
    assert names(call(parts, 35)) == ["d"]
    assert names(call(parts, 35)) == []


def test_what_cannot_end_in_time_is_not_started_and_what_fits_behind_it_is(call, clock):
    parts = [clock.part("a", 10), clock.part("large", 30), clock.part("small", 5)]
    begin = clock.now
    assert names(call(parts, 30)) == ["a", "small"]
    assert clock.now - begin <= 30


def test_stated_costs_are_scaled_by_what_earlier_parts_took(call, clock):
    slow = [clock.part("x/1", 10, 30), clock.part("x/2", 10, 30), clock.part("x/3", 10, 30)]
    assert names(call(slow, 80)) == ["x/1", "x/2"]  # stated are 10 s and 17 are left, but 30 are expected


def test_a_group_has_a_pace_of_its_own_and_others_promise_no_haste(call, clock):
    parts = [clock.part("x/1", 10, 2), clock.part("y/1", 10), clock.part("x/2", 10, 2)]
    assert names(call(parts, 13)) == ["x/1", "x/2"]


def test_what_raises_is_recorded_and_stops_nothing(call, clock, tmp_path):
    parts = [clock.part("a", 1, error=ValueError("no such kernel")), clock.part("b", 1)]
    events = call(parts, 100)
    assert ends(events) == [("a", "failed"), ("b", "done")]
    (lines,) = (e["lines"] for e in events if e["event"] == "failed")
    assert lines[-1] == "ValueError: no such kernel" and any("in work" in line for line in lines)
    assert "no such kernel" in (tmp_path / SUMMARY).read_text()


def test_what_failed_is_tried_once_more_by_a_later_call_after_all_others(call, clock):
    broken = [clock.part("a", 10, error=ValueError("x")), clock.part("b", 10), clock.part("c", 10)]
    assert names(call(broken, 25)) == ["a", "b"]
    mended = [clock.part("a", 10), *broken[1:]]
    assert ends(call(mended, 25)) == [("c", "done"), ("a", "done")]


def test_a_part_waits_for_its_data(call, clock, tmp_path):
    parts = [clock.part("a", 1, needs=("cifar10",)), clock.part("b", 1, needs=("digits",))]
    assert names(call(parts, 100)) == ["b"]
    assert "- a: cifar10 not at hand" in (tmp_path / SUMMARY).read_text()


WORK = '''
"""Parts that other processes can import."""
import os, time
from lnlbench.benchmark.bench.gpu.part import Finding

def hang(place):
    import multiprocessing
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,))
    child.start()
    yield Finding("before", 1.0)
    yield Finding("child", child.pid)
    time.sleep(1000)

def die(place):
    yield Finding("before", 1.0)
    os._exit(9)

def nothing(place):
    yield from ()

def parents(place):
    import multiprocessing
    child = multiprocessing.Process(target=time.sleep, args=(0,))
    child.start()
    child.join()
    yield Finding("child", child.exitcode)
'''


@pytest.mark.slow
def test_what_hangs_is_cut_and_what_dies_is_replaced(tmp_path, monkeypatch):
    (tmp_path / "work_of_tests.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(planning, "AT_LEAST", 2.0)  # seconds: a busy machine takes tenths to die
    import work_of_tests

    monkeypatch.setattr(planning, "prepare", work_of_tests.nothing)
    folder = Folder(tmp_path / "out")
    executor = partial(Local, 1, parents=True, grace=1.0)
    parts = [Part(name, 0.01, getattr(work_of_tests, name)) for name in ("hang", "die")]
    Planner(folder, CPU, 600, planning.time.monotonic(), executor).run(
        [*parts, Part("own/parents", 1.0, work_of_tests.parents)]
    )
    assert ends(folder.events) == [("hang", "cut"), ("die", "failed"), ("own/parents", "done")]
    before, child, *rest = (e["value"] for e in folder.events if e["event"] == "finding")
    assert [before, *rest] == [1.0, 1.0, 0] and not alive(int(child), "")
    assert "exit code 9" in next(e["lines"][0] for e in folder.events if e["event"] == "failed")


def test_a_line_that_was_cut_off_is_left_out_and_the_next_begins_a_line(tmp_path):
    (tmp_path / FINDINGS).write_text('{"event": "call"}\n{"event": "don')
    folder = Folder(tmp_path)
    folder.begin(budget=1)
    assert [event["event"] for event in Folder(tmp_path).events] == ["call", "call"]


def test_a_result_is_kept_once_and_a_full_file_is_followed_by_another(tmp_path, monkeypatch):
    said = [one for i in range(4) for one in cell(CPU, "digits/clean", "ce", i, {"epochs": 1})]
    records = [one for one in said if isinstance(one, Record)]
    part = Part("cell", 1.0, lambda place: iter(()))
    for _ in range(2):  # a call that was killed before the part was closed, and the next
        Folder(tmp_path).add(part, records[0])
    Folder(tmp_path).add(part, records[1])
    assert [len(archive.read(file)) for file in tmp_path.glob("results-*")] == [2]
    monkeypatch.setattr(keeping, "FULL", 1)
    monkeypatch.setattr(keeping, "ARCHIVES", 2)
    folder = Folder(tmp_path)
    folder.add(part, records[2])
    assert {file.name for file in tmp_path.glob("results-*")} == {"results-1.jsonl.xz", "results-2.jsonl.xz"}
    with pytest.raises(ValueError, match="begin a new folder"):
        folder.add(part, records[3])


def test_a_table_is_a_file_and_totals_are_added_up(tmp_path):
    folder, part = Folder(tmp_path), Part("grid/ce", 1.0, lambda place: iter(()))
    folder.add(part, Table("kernels", "| a |"))
    for value in (2.0, 40.0):
        folder.add(part, Finding(f"{value}", value, "s", total=True))
    folder.summarise()
    assert (tmp_path / "kernels.md").read_text() == "| a |\n"
    assert "grid: 42 s in all, of 2 parts" in (tmp_path / SUMMARY).read_text()
    assert all(json.loads(line) for line in (tmp_path / FINDINGS).read_text().splitlines())
