"""The index: the same by SQL and by MLflow's search, and nothing but what is asked for."""

import math

import pytest

from lnlbench.leaderboard.store import sql_index
from lnlbench.leaderboard.store.index import ALL, CELLS, KEY, LABEL, PARENT, RESULTS, SECONDS, SETTING
from lnlbench.leaderboard.store.search_index import SearchIndex
from lnlbench.leaderboard.store.sql_index import SqlIndex
from lnlbench.leaderboard.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request, make, info_of, url):
    """A store with four results on two data sets, a failed run, one that runs, and one in the trash."""
    address = url if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    cost = {"total_seconds": 2.5}
    with Store(address) as store:
        results = [make(), make(label="gce's", replicate=1), make(noise="clean", cost=cost)]
        results += [make(label="gone"), make(dataset="mnist", setting="mnist/clean", noise="clean", key="m" * 32)]
        for result in results:
            with store.begin(info_of(result)) as recording:
                recording.finish(result)
            if result.label == "gone":
                store._tracking._client.delete_run(recording.run_id)
        with pytest.raises(ZeroDivisionError), store.begin(info_of(make(label="failed"))):
            1 / 0  # noqa: B018
        store.begin(info_of(make(label="running")))
        yield store


QUESTIONS = {
    "all results": {"tags": [KEY, SETTING]},
    "nothing of them": {"tags": []},
    "of one data set": {"tags": [KEY], "place": "lnl/digits"},
    "of none": {"tags": [KEY], "place": "lnl/digit"},
    "of a setting": {"tags": [LABEL], "where": {**RESULTS, SETTING: ["digits/clean"]}},
    "of two settings": {"tags": [LABEL], "where": {**RESULTS, SETTING: ["digits/clean", "mnist/clean"]}},
    "of no setting": {"tags": [LABEL], "where": {**RESULTS, SETTING: []}},
    "with an apostrophe": {"tags": [LABEL], "where": {**RESULTS, LABEL: ["gce's"]}},
    "cells": {"tags": [LABEL], "where": CELLS},
    "seconds": {"tags": [KEY], "numbers": [SECONDS, "score/final"]},
    "all numbers": {"tags": [], "numbers": None},
    "no run": {"tags": [], "runs": []},
}


def by_id(entries):
    return {e.run_id: (e.experiment, e.artifacts, e.started, e.tags, e.numbers) for e in entries}


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_by_sql_and_by_search_the_same(filled, question):
    by_sql = SqlIndex(filled.uri).entries(**question)
    searched = SearchIndex(filled._tracking).entries(**question)
    assert by_id(by_sql) == by_id(searched)
    assert [e.started for e in by_sql] == sorted(e.started for e in by_sql), "oldest first"


@pytest.mark.slow
def test_what_is_asked_for(filled):
    index = SqlIndex(filled.uri)
    assert len(index.entries()) == 4 and len(index.entries(place=ALL, where=CELLS)) == 7
    (entry,) = index.entries([KEY, LABEL], where={SETTING: ["digits/clean"], **RESULTS}, numbers=[SECONDS])
    assert set(entry.tags) == {KEY, LABEL} and entry.numbers == {SECONDS: 2.5}
    assert [one.run_id for one in index.entries(runs=[entry.run_id])] == [entry.run_id]


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 2], ids="{} values in a query".format)
def test_long_lists_are_looked_through(filled, monkeypatch, chunk):
    expected = SqlIndex(filled.uri).entries([KEY], numbers=None)
    keys, runs = [entry.tags[KEY] for entry in expected], [entry.run_id for entry in expected]
    parents = [entry.run_id for entry in SqlIndex(filled.uri).entries(where=CELLS)]
    monkeypatch.setattr(sql_index, "CHUNK", chunk)
    index = SqlIndex(filled.uri)
    assert by_id(index.entries([KEY], numbers=None)) == by_id(expected)
    assert {e.run_id for e in index.entries([KEY], where={**RESULTS, KEY: keys[:3]})} == set(runs[:3])
    assert {e.run_id for e in index.entries(runs=runs[:3])} == set(runs[:3])
    assert len(index.entries([PARENT], where={**RESULTS, PARENT: parents})) == 4


def test_not_a_number_is_none(store, make, info_of):
    with store.begin(info_of(result := make())) as recording:
        recording.log({"loss_wrong_online": math.nan}, 0)
        recording.finish(result)
    (entry,) = SqlIndex(store.uri).entries(numbers=["loss/wrong_online"])
    assert math.isnan(entry.numbers["loss/wrong_online"])


def test_a_database_in_which_nothing_was_ever_written(tmp_path, postgres_empty):
    (tmp_path / "empty.db").touch()
    assert SqlIndex(f"sqlite:///{tmp_path / 'empty.db'}").entries([KEY]) == []
    assert SqlIndex(postgres_empty).entries([KEY]) == []
