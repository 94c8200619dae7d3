"""Receipts: what was made verifies, whatever is changed in it does not, and only what verifies comes into a store."""

import lzma
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lnlbench.benchmark import run, setting
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.verification.import_results import ExchangeError, import_results
from lnlbench.benchmark.verification.receipts import data_of, receipts, verified
from lnlbench.benchmark.verification.recompute import Data
from lnlbench.benchmark.verification.verify import verify
from lnlbench.datasets.loading.images import load
from lnlbench.datasets.loading.registry import card, cards
from lnlbench.leaderboard.results.archive import write
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import pack, unpack
from lnlbench.leaderboard.show.page import page
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import _registry as registry
from lnlbench.methods import method_class, parse

NOISY = "digits/symmetric-0.4"
PLUGIN = """
from lnlbench.methods import Method, register

@register("mine_of_receipts")
class Mine(Method):
    def loss(self, logits, batch, clock):
        return 2 * super().loss(logits, batch, clock)
"""


def wrong(found):
    return {f.what for receipt in found for f in receipt.findings if f.state == "wrong"}


def test_results_of_an_earlier_formula_verify_and_are_read(results, monkeypatch):
    """Made before the formula of `gce` changed: what they say is right, and no longer what this version trains."""
    monkeypatch.setattr(method_class("gce"), "revision", 2)
    found = verified(list(results.values()), None)
    assert [receipt.state for receipt in found] == ["ok"] * 8
    details = [f.detail for receipt in found for f in receipt.findings if f.what == "method" and "gce" in f.detail]
    assert len(details) == 4 and all("no longer trains: its own is" in detail for detail in details)
    assert Run(setting(NOISY), parse("gce"), "gce", 0, "f").text == "gce(q=0.7, revision=2)"


def test_a_stored_run_verifies_and_what_mlflow_shows_is_compared(made):
    url, _ = made
    (found,) = receipts(["gce + early_stopping", f"digits,epochs=3/{NOISY[7:]}", "0"], None, (), store_address(url))
    assert found.state == "ok" and found.findings[-1].what == "MLflow's scores"
    store = Store(url)
    run_id, _ = store.find(found.result.key)
    store._tracking.log(run_id, numbers={"score/oracle": 0.999}, step=99)  # as somebody might in MLflow
    store.close()
    (found,) = receipts([found.result.key], None, (), store_address(url))
    assert [(f.what, "oracle" in f.detail) for f in found.findings if f.state == "wrong"] == [("MLflow's scores", True)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda r: replace(r, predictions=pack((unpack(r.predictions) + 1) % 10)), "scores|predictions", id="wrong"
        ),
        pytest.param(lambda r: replace(r, predictions=""), "predictions were left out", id="unknown"),
        pytest.param(lambda r: replace(r, label="gce(q=0.1)"), "method: its label", id="a false label"),
    ],
)
def test_one_result_that_does_not_verify_refuses_the_whole_file(change, message, results, url, tmp_path):
    changed = [*(r for name, r in results.items() if name != ("gce", 0)), change(results["gce", 0])]
    write(tmp_path / "bent.jsonl.xz", changed)
    with pytest.raises(ExchangeError, match=rf"is refused whole, [12] of 8 .*({message})") as error:
        import_results(tmp_path / "bent.jsonl.xz", None, (), store_address(url))
    assert "\n" not in str(error.value)
    assert Store(url).stored() == {}


def test_what_is_flagged_is_imported(results, url, tmp_path):
    write(tmp_path / "one.jsonl.xz", [results["ce", 1]])  # replicate 0 is missing
    assert len(import_results(tmp_path / "one.jsonl.xz", None, (), store_address(url)).added) == 1


def test_a_file_that_changes_between_verifying_and_storing_is_refused(made, results, url, tmp_path, monkeypatch):
    file = tmp_path / "swapped.jsonl.xz"
    file.write_bytes(made[1].read_bytes())
    store, other = Store(url), replace(results["ce", 0], environment={"hardware": "abacus"})

    def opened(*_):
        write(file, [other])
        return store

    monkeypatch.setattr("lnlbench.benchmark.verification.import_results.Store", opened)
    with pytest.raises(StoreError, match="was changed while it was imported"):
        import_results(file, None, (), store_address(url))


def test_a_file_makes_the_round_trip_once(made, results, url, tmp_path):
    first = import_results(made[1], None, (), store_address(url))
    assert (len(first.added), first.stored) == (8, ())
    store = Store(url)
    assert {r.key: r for r in store.results()} == {r.key: r for r in results.values()}
    write(tmp_path / "again.jsonl.xz", store.results())
    second = import_results(tmp_path / "again.jsonl.xz", None, (), store_address(url))
    assert (second.added, len(second.stored), len(store.results())) == ((), 8, 8)
    for replicate in (0, 1):
        (found,) = receipts([results["ce", replicate].key], None, (), store_address(url))
        assert found.state == "ok" and not found.flagged, "of one run that is named no other replicate is missing"
    store.close()


def test_what_is_imported_is_not_run_again(made, url):
    import_results(made[1], None, (), store_address(url))
    held = len(Store(url).stored())
    again = run(NOISY, "ce, gce", "0", tracking_uri=url, device="cpu", epochs=3)
    assert (len(again), len(Store(url).stored())) == (2, held)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(lambda data: data[:-40], "cut off|no archive", id="truncated"),
        pytest.param(lambda data: lzma.compress(lzma.decompress(data)[:-40]), "JSON", id="truncated inside"),
        pytest.param(lambda data: b"no archive", "no archive", id="something else"),
    ],
)
def test_a_damaged_file_is_refused_whole(content, message, made, url, tmp_path):
    (tmp_path / "bad.jsonl.xz").write_bytes(content(made[1].read_bytes()))
    with pytest.raises(StoreError, match=message):
        import_results(tmp_path / "bad.jsonl.xz", None, (), store_address(url))
    assert Store(url).stored() == {}


def test_predictions_that_were_left_out_are_not_taken_on_trust(results, url, tmp_path):
    write(tmp_path / "short.jsonl.xz", [results["ce", 0]], predictions=False)
    (found,) = receipts([str(tmp_path / "short.jsonl.xz")], None, (), store_address(url))
    assert [(f.what, f.state) for f in found.findings if f.state != "ok"] == [("scores", "unknown")]
    with pytest.raises(ExchangeError, match="predictions were left out"):
        import_results(tmp_path / "short.jsonl.xz", None, (), store_address(url))


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A data directory in which digits have human labels, wrong in every third place."""
    about, true = card("digits"), load("digits").train_labels
    monkeypatch.setitem(cards(), "digits", replace(about, human={"worst": "people"}))
    (tmp_path / "noise/digits").mkdir(parents=True)
    people = np.where(np.arange(len(true)) % 3, true, (true + 1) % 10)
    pq.write_table(pa.table({"clean": true, "people": people}), tmp_path / "noise/digits/train.parquet")
    return tmp_path


@pytest.mark.parametrize("samples", [pytest.param(0, id="whole"), pytest.param(600, id="a part")])
def test_results_on_human_labels_and_their_twin_are_imported(samples, people, url, template, tmp_path):
    changes = {"epochs": 1, "samples": samples, "data_dir": people}
    found = run(["digits/human-worst", "digits/twin-worst"], "ce", "0-1", tracking_uri=url, device="cpu", **changes)
    assert [receipt.state for receipt in verified(found, people)] == ["ok"] * 4
    write(tmp_path / "people.jsonl.xz", found)
    shutil.copy(template, tmp_path / "other.db")
    other = store_address(f"sqlite:///{tmp_path / 'other.db'}")
    assert len(import_results(tmp_path / "people.jsonl.xz", people, (), other).added) == 4
    without = {receipt.result.noise: receipt.findings for receipt in verified(found, people / "noise")}
    assert {f.what: f.state for f in without["twin-worst"]}["key"] == "unknown"


def test_without_the_data_set_it_says_so(results):
    ce = results["ce", 0]
    setting = ce.identity["setting"] | {"dataset": "mnist"}
    elsewhere = replace(ce, identity=ce.identity | {"setting": setting}, dataset="mnist")
    (found,) = verified([elsewhere], None)
    assert "mnist is not at hand" in next(f.detail for f in found.findings if f.what == "scores")
    assert data_of("nowhere", None).images is None
    assert Data(None, "why").why == "why"


def test_a_method_of_the_users_own_needs_its_file(template, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    url, plugin = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    run(NOISY, "mine_of_receipts", "0", tracking_uri=url, device="cpu", epochs=1, plugins=[plugin])
    (found,) = receipts(["mine_of_receipts", "digits,epochs=1/symmetric-0.4", "0"], None, [plugin], store_address(url))
    assert found.state == "ok"
    bent = replace(found.result, identity=found.result.identity | {"sources": ["ab"]})
    assert [f.what for f in verify(bent, Data(None), {})[0] if f.state == "wrong"] == ["key"]
    plugin.write_text(PLUGIN.replace("2 *", "3 *"))
    (found,) = receipts([found.result.key], None, [plugin], store_address(url))
    assert [f.what for f in found.findings if f.state == "wrong"] == ["key"]
    del registry._METHODS["mine_of_receipts"]
    (found,) = receipts([found.result.key], None, [], store_address(url))
    assert [(f.what, "--plugin" in f.detail) for f in found.findings if f.state == "unknown"] == [("method", True)]


def test_markup_that_comes_in_a_file_stays_text_on_the_page(results):
    html = page([replace(results["ce", 0], label="<img src=x onerror=alert(1)>")])
    assert "<img" not in html and "&lt;img" in html
