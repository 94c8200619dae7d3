"""Receipts: what was made verifies, whatever is changed in it does not, and only what verifies comes into a store."""

import json
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lnlbench.benchmark import run, setting
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.verification.import_results import (
    ExchangeError,
    bring,
    data_of,
    receipts,
    rows,
    sentence,
    verified,
)
from lnlbench.benchmark.verification.recompute import Data
from lnlbench.leaderboard.results.archive import read, write
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import pack, to_json, unpack
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


@pytest.fixture(scope="module")
def made(template, tmp_path_factory):
    """The URL of a store with a run, a host and its reading, two networks that are told something; and a file of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "mlflow.db").write_bytes(template.read_bytes())
    url = f"sqlite:///{folder / 'mlflow.db'}"
    run(NOISY, "ce, gce + early_stopping, co_teaching", "0", tracking_uri=url, device="cpu", epochs=3)
    store = Store(url)
    write(folder / "all.jsonl.xz", store.results())
    store.close()
    return url, folder / "all.jsonl.xz"


@pytest.fixture
def results(made):
    """The results of the file, by label."""
    return {result.label: result for result in read(made[1])}


def wrong(found):
    return {f.what for receipt in found for f in receipt.findings if f.state == "wrong"}


def test_what_was_made_verifies(results):
    found = verified(list(results.values()), None)
    assert (len(found), rows(found)) == (4, [])
    assert sentence(found).startswith("4 of 4 verify.")
    assert {"key", "labels and split", "scores", "host"} <= {f.what for r in found for f in r.findings}


def test_results_of_an_earlier_formula_verify_and_are_read(results, monkeypatch):
    """Made before the formula of `gce` changed: what they say is right, and no longer what this version trains."""
    monkeypatch.setattr(method_class("gce"), "revision", 2)
    found = verified(list(results.values()), None)
    assert [receipt.state for receipt in found] == ["ok"] * 4
    details = [f.detail for receipt in found for f in receipt.findings if f.what == "method" and "gce" in f.detail]
    assert len(details) == 2 and all("no longer trains: its own is" in detail for detail in details)
    assert Run(setting(NOISY), parse("gce"), "gce", 0, "f").text == "gce(q=0.7, revision=2)"


def test_a_stored_run_verifies_and_what_mlflow_shows_is_compared(made):
    url, _ = made
    (found,) = receipts(["gce + early_stopping", f"digits,epochs=3/{NOISY[7:]}", "0"], None, (), store_address(url))
    assert found.state == "ok" and found.findings[-1].what == "MLflow's scores"
    store = Store(url)
    run_id, _ = store.find(found.result.key)
    store.write_points(run_id, [("score/oracle", 0.999, 99, 1)])
    store.close()
    (found,) = receipts([found.result.key], None, (), store_address(url))
    assert [(f.what, "oracle" in f.detail) for f in found.findings if f.state == "wrong"] == [("MLflow's scores", True)]


def bent(result, **identity):
    return replace(result, identity=result.identity | {k: result.identity[k] | v for k, v in identity.items()})


def lifted(result):
    curve = [value + 0.01 for value in result.curves["test_accuracy"]]
    return replace(result, curves=result.curves | {"test_accuracy": curve})


def cut(result):
    curves = {name: row[:2] for name, row in result.curves.items()}
    return replace(result, curves=curves, report=1, predictions=pack(unpack(result.predictions)[:2]))


def repredicted(result):
    return replace(result, predictions=pack((unpack(result.predictions) + np.uint8(1)) % 10))


@pytest.mark.parametrize(
    ("label", "change", "what"),
    [
        pytest.param("ce", lifted, "scores", id="better scores"),
        pytest.param("ce", repredicted, "scores", id="other predictions"),
        pytest.param(
            "co_teaching",
            lambda r: replace(r, predictions=pack(unpack(r.predictions)[:, :1])),
            "scores",
            id="the better of two networks",
        ),
        pytest.param("ce", lambda r: replace(r, predictions="xz:1,1,1:AAAA"), "scores", id="damaged predictions"),
        pytest.param("ce", cut, "epochs", id="ended at a good epoch"),
        pytest.param("ce", lambda r: replace(r, report=0), "epochs", id="reports a good epoch"),
        pytest.param("ce", lambda r: replace(r, diverged=True), "epochs", id="diverged"),
        pytest.param("ce", lambda r: replace(r, replicate=1), "identity", id="another replicate"),
        pytest.param("ce", lambda r: replace(r, noise="clean"), "identity", id="other noise on the outside"),
        pytest.param("ce", lambda r: replace(r, track="tuned"), "key", id="another track"),
        pytest.param("ce", lambda r: bent(r, setting={"lr": 0.5}), "key", id="another learning rate"),
        pytest.param("ce", lambda r: bent(r, setting={"task": "<b>x</b>"}), "identity", id="markup in the task"),
        pytest.param("ce", lambda r: bent(r, setting={"epochs": "many"}), "identity", id="no number of epochs"),
        pytest.param("ce", lambda r: replace(r, identity={}), "identity", id="no identity"),
        pytest.param("ce", lambda r: bent(r, dataset={"fingerprint": "ab"}), "key", id="other data"),
        pytest.param("ce", lambda r: bent(r, noise={"labels_sha256": "ab"}), "labels and split", id="other labels"),
        pytest.param("ce", lambda r: bent(r, noise={"realised_rate": 0.8}), "labels and split", id="more noise"),
        pytest.param("ce", lambda r: bent(r, split={"sha256": "ab"}), "labels and split", id="another split"),
        pytest.param("ce", lambda r: replace(r, key="ab" * 16), "key", id="another key"),
        pytest.param(
            "ce", lambda r: replace(r, label="<img src=x onerror=alert(1)>"), "method", id="markup as a label"
        ),
        pytest.param("ce", lambda r: replace(r, label="gce"), "method", id="another label"),
        pytest.param("gce", lambda r: replace(r, method="gce(q=0.1)"), "key", id="another method"),
        pytest.param("co_teaching", lambda r: replace(r, told=()), "method", id="told nothing"),
        pytest.param("co_teaching", lambda r: replace(r, networks=1), "method", id="fewer networks"),
        pytest.param("gce + early_stopping", lambda r: replace(r, host="ab" * 16), "host", id="no such host"),
        pytest.param("gce + early_stopping", lambda r: replace(r, host=None), "host", id="a reading without host"),
        pytest.param("ce", lambda r: replace(r, host="ab" * 16), "host", id="a run with a host"),
        pytest.param("ce", lambda r: replace(r, protocol=2), "protocol", id="another protocol"),
    ],
)
def test_whatever_is_changed_does_not_verify(label, change, what, results, tmp_path, url):
    changed = change(results[label])
    found = verified([*(r for name, r in results.items() if name != label), changed], None)
    states = {f.what: f.state for f in found[-1].findings}
    assert states[what] in ("wrong", "unknown") and found[-1].state != "ok"
    write(tmp_path / "bent.jsonl.xz", [one.result for one in found])
    with pytest.raises(ExchangeError, match=r"is refused whole, [12] of 4") as error:
        bring(tmp_path / "bent.jsonl.xz", None, (), store_address(url))
    assert "\n" not in str(error.value)
    assert Store(url).stored() == {}


def test_a_file_makes_the_round_trip_once(made, results, url, tmp_path):
    first = bring(made[1], None, (), store_address(url))
    assert (len(first.added), first.stored) == (4, ())
    store = Store(url)
    assert {r.key: r for r in store.results()} == {r.key: r for r in results.values()}
    write(tmp_path / "again.jsonl.xz", store.results())
    second = bring(tmp_path / "again.jsonl.xz", None, (), store_address(url))
    assert (second.added, len(second.stored), len(store.results())) == ((), 4, 4)
    (found,) = receipts([results["ce"].key], None, (), store_address(url))
    assert found.state == "ok"
    store.close()


def test_what_is_imported_is_not_run_again(made, url):
    bring(made[1], None, (), store_address(url))
    held = len(Store(url).stored())
    again = run(NOISY, "ce, gce", "0", tracking_uri=url, device="cpu", epochs=3)
    assert (len(again), len(Store(url).stored())) == (2, held)


def test_a_result_twice_in_a_file(results):
    found = verified([results["ce"], results["ce"]], None)
    assert wrong(found) == {"key"}


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
        bring(tmp_path / "bad.jsonl.xz", None, (), store_address(url))
    assert Store(url).stored() == {}


def test_predictions_that_were_left_out_are_not_taken_on_trust(results, url, tmp_path):
    write(tmp_path / "short.jsonl.xz", [results["ce"]], predictions=False)
    (found,) = receipts([str(tmp_path / "short.jsonl.xz")], None, (), store_address(url))
    assert [(f.what, f.state) for f in found.findings if f.state != "ok"] == [("scores", "unknown")]
    with pytest.raises(ExchangeError, match="predictions were left out"):
        bring(tmp_path / "short.jsonl.xz", None, (), store_address(url))


def test_without_the_data_set_it_says_so(results, monkeypatch, tmp_path):
    ce = results["ce"]
    elsewhere = replace(bent(ce, setting={"dataset": "mnist"}), dataset="mnist")
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
    plugin.write_text(PLUGIN.replace("2 *", "3 *"))
    (found,) = receipts([found.result.key], None, [plugin], store_address(url))
    assert [f.what for f in found.findings if f.state == "wrong"] == ["key"]
    del registry._METHODS["mine_of_receipts"]
    (found,) = receipts([found.result.key], None, [], store_address(url))
    assert [(f.what, "--plugin" in f.detail) for f in found.findings if f.state == "unknown"] == [("method", True)]


def test_markup_that_comes_in_a_file_stays_text_on_the_page(results):
    html = page([replace(results["ce"], label="<img src=x onerror=alert(1)>")])
    assert "<img" not in html and "&lt;img" in html


@pytest.mark.realdata("ylecun/mnist")
def test_shipped_results_verify(data_dir: Path):
    import lnlbench.leaderboard.shipped as shipped

    (file,) = Path(shipped.__file__).parent.glob("mnist-fast.jsonl.xz")
    chosen = [r for r in read(file) if r.replicate == 0 and r.label in ("ce", "gce", "dal")]
    found = verified(chosen, data_dir)
    assert rows(found) == [] and len(found) == 9
    assert json.loads(to_json(found[0].result))["key"] == found[0].result.key
