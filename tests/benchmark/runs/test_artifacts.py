"""What runs keep on request: weights that predict the same when loaded again, and what they make of each sample."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from lnlbench.benchmark import Job, fit, load_model
from lnlbench.benchmark.cli.run_view import suspects_of
from lnlbench.benchmark.protocol import settings, splits
from lnlbench.benchmark.runs.artifacts import MODEL, Keep, pack_samples
from lnlbench.benchmark.runs.kept_samples import SAMPLES, KeptError, suspects
from lnlbench.benchmark.runs.training import train_scored
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import unpack
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store


@pytest.fixture(scope="module")
def made(template, tmp_path_factory):
    """A store with a run of two networks that kept everything, and one that kept nothing."""
    file = tmp_path_factory.mktemp("kept") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    uri = f"sqlite:///{file}"
    setting = settings.setting("digits/symmetric-0.4").override(epochs=8)
    (run,) = plan([setting], ["co_teaching"], [0])
    assert not sweep([run], Options(store=store_address(uri), device="cpu", save_model=True, keep_samples=True)).failed
    (bare,) = plan([setting], ["ce"], [0])
    assert not sweep([bare], Options(store=store_address(uri), device="cpu")).failed
    store = Store(uri)
    yield store, *store.find(run.key), store.stored()[bare.key]
    store.close()


def test_a_kept_model_predicts_what_the_run_predicted(made, tmp_path):
    store, run_id, result, _ = made
    path = tmp_path / MODEL
    path.write_bytes(store.file(run_id, MODEL))
    trained = load_model(path, device="cpu")
    images = torch.from_numpy(load("digits").test_images)
    assert len(trained.networks) == 2
    assert np.array_equal(trained.predict(images).argmax(-1).numpy(), unpack(result.predictions)[-1])
    assert trained.identity["key"] == result.key and result.method.startswith(trained.identity["method"])
    assert trained.identity["setting"] == result.identity["setting"]


def test_suspects_are_the_samples_that_it_does_not_believe(made):
    store, run_id, result, _ = made
    rows = list(csv.DictReader(io.StringIO(suspects_of(store.address, run_id))))
    prepared = splits.prepare(settings.setting("digits/symmetric-0.4"), 0, load("digits"))
    true = torch.from_numpy(load("digits").train_labels)
    place = {int(i): k for k, i in enumerate(prepared.index)}
    assert all(int(row["given"]) == prepared.split.given[place[int(row["index"])]] for row in rows)
    wrong = np.mean([int(row["given"]) != true[int(row["index"])] for row in rows])
    assert wrong > 0.6 > result.identity["noise"]["realised_rate"], "more of them than of all samples"
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True) and len(rows) > 100
    assert len(store.file(run_id, SAMPLES)) < 8 * len(prepared.index)


def test_what_was_not_kept_is_one_line(made):
    store, _, _, bare = made
    with pytest.raises(StoreError, match=r"kept no samples; delete it in the UI, and run it again with --keep-samples"):
        suspects_of(store.address, bare)


def test_samples_come_back_in_order():
    logits = torch.tensor([[[9.0, 0.0], [0.0, 1.0], [0.0, 5.0]]])
    text = suspects(pack_samples(logits, torch.tensor([0, 0, 0]), torch.tensor([7, 8, 9])))
    assert [line.split(",")[:3] for line in text.splitlines()[1:]] == [["9", "0", "1"], ["8", "0", "1"]]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04"])
def test_damaged_files_are_errors_of_one_line(tmp_path, content):
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(KeptError, match="no model that can be read"):
        load_model(tmp_path / MODEL)
    with pytest.raises(KeptError, match="no kept samples"):
        suspects(content)
    with pytest.raises(KeptError, match="no model that can be read"):
        load_model(tmp_path / "none.safetensors")


def test_other_tensors_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"0.x": torch.zeros(1)}, tmp_path / MODEL)
    with pytest.raises(KeptError, match="does not say of which run"):
        load_model(tmp_path / MODEL)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp64"])
def test_samples_are_predicted_in_the_arithmetic_of_the_run(precision):
    """The losses that are kept are those of the exact pass after the last epoch, up to their two bytes."""
    chosen = settings.setting("digits/symmetric-0.4").override(epochs=4, model="cnn4")
    prepared = splits.prepare(chosen, 0, load("digits"))
    run = replace(plan([chosen], ["ce"], [0])[0], precision=precision)
    ((_, _, files),) = train_scored([(run, prepared)], Keep(model=True, samples=True), device="cpu")
    job = Job(run.setting, run.method, run.replicate, prepared.split)
    *_, last = fit(job, device="cpu", precision=precision)
    with np.load(io.BytesIO(files[SAMPLES])) as kept:
        found, predicted = kept["loss"][last.exact.index], kept["predicted"][last.exact.index]
    np.testing.assert_allclose(found, last.exact.loss[0].double().numpy(), rtol=5e-4, atol=1e-6)
    assert np.array_equal(predicted, last.exact.prediction[0].numpy())
