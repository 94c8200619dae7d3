"""Stores from before keys knew the precision: their runs are found under the key that their record implies."""

from dataclasses import replace

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.precision import key_in, precision_of
from lnlbench.leaderboard.store.index import PRECISION
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store


def record(store, info, result, owner=None):
    with store.begin(info, owner=owner) as recording:
        recording.finish(result)
    return recording.run_id


@pytest.fixture
def before(store, make, info_of):
    """Three finished runs as the store was written before: no tag names their precision, nor does their key."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store.uri)

    def written(precision, **changes):
        result = make(environment={"precision": precision}, **changes)
        with Store(store.address) as older:  # a store keeps in mind which runs there are from before: no new ones come
            assert older.claim(result.key, "before")
            client.delete_tag(record(older, info_of(result), result, "before"), PRECISION)
        return result

    rounded = written("bf16", label="gce")
    return {
        "plain": written("fp32", label="ce"),
        "rounded": rounded,
        "reading": written("bf16", label="gce + early_stopping", host=rounded.key, test=[0.5, 0.7]),
    }


def keys_now(before):
    return {name: key_in(result.key, result.environment["precision"]) for name, result in before.items()}


def test_runs_from_before_are_stored_under_their_new_keys_alone(store, before):
    now = keys_now(before)
    assert set(store.stored()) == set(now.values()) and len(store.stored()) == 3
    assert before["plain"].key in store.stored() and before["rounded"].key not in store.stored()
    assert {result.key for result in store.results()} == set(now.values())
    assert {result.key for result in StoreReader(store.address).results()} == set(now.values())


def test_results_and_hosts_are_found(store, before):
    now = keys_now(before)
    reading = store.result(now["reading"])
    assert reading.host == now["rounded"] and store.result(reading.host).label == "gce"
    assert precision_of(reading) == "bf16"
    assert store.find(now["rounded"][:8])[1].key == now["rounded"]
    assert store.find("gce digits/symmetric-0.4 0")[1].key == now["rounded"]
    assert store.links("http://127.0.0.1:5000").keys() == set(now.values())
    with pytest.raises(StoreError, match="no finished run has the key"):
        store.result(before["rounded"].key)
    with pytest.raises(StoreError, match="no finished run is"):
        store.find(before["rounded"].key)


def test_the_same_run_in_fp32_is_another_run(store, before, make, info_of):
    key = before["rounded"].key  # done, as the claims have it, but by a run in bf16
    assert not store.claim(before["plain"].key, "now")
    assert store.claim(key, "now")
    plain = make(label="gce", environment={"precision": "fp32"})
    assert plain.key == key
    record(store, info_of(plain), plain, "now")
    assert not store.claim(key, "later")
    assert {key, key_in(key, "bf16")} <= set(store.stored())
    fresh = Store(store.uri)
    assert [fresh.result(name).environment["precision"] for name in (key, key_in(key, "bf16"))] == ["fp32", "bf16"]


def test_a_cell_averages_one_precision(store, before, make, info_of):
    """The cell of before holds a replicate in bf16: a new one in fp32 stands alone, a new one in bf16 elsewhere."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store.uri)
    cell = store.cell(info_of(before["rounded"]))
    plain = make(label="gce", replicate=1, test=[0.1, 0.2, 0.3])
    record(store, info_of(plain), plain)
    store.summarise([plain.key])
    metrics = client.get_run(cell).data.metrics
    assert (metrics["n"], metrics["score/noisy_val"]) == (1, 0.3)
    rounded = replace(plain, identity=plain.identity | {"precision": "bf16"})
    assert store.cell(info_of(rounded)) != cell


def test_a_lost_record_leaves_a_run_where_its_tag_says(store, before):
    store.remove_files(store.stored().run(keys_now(before)["rounded"]), ["record.json"])
    assert before["rounded"].key in store.stored()
