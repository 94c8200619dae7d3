"""Runs written to a real store and read back, by us and as MLflow's UI sees them."""

import json
import math
from pathlib import Path

import pytest

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.claims import ClaimLost
from lnlbench.leaderboard.store.showcase import prepare
from lnlbench.leaderboard.store.store import Store


def record(store, info_of, result, owner=None, artifacts=None, **more):
    with store.begin(info_of(result, **more), owner=owner) as recording:
        for epoch in range(result.trained):
            recording.log({name: curve[epoch] for name, curve in result.curves.items()}, epoch)
        recording.finish(result, artifacts)
    return recording


def client_of(store):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


def test_write_and_read_back(store, url, make, info_of):
    result = make(more={"memorised_online": [0.1, None, math.nan], "auroc": [0.5, 0.6, 0.7]})
    recording = record(store, info_of, result, params={"q": 0.7, "lr": 0.1}, sweep="first look")
    assert store.stored() == {result.key: recording.run_id}
    (back,) = Store(url).results()
    assert back.key == result.key and back.predictions == result.predictions
    assert back.curves["auroc"] == result.curves["auroc"] and math.isnan(back.curves["memorised_online"][2])

    run = client_of(store).get_run(recording.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "ce s0"
    assert run.data.tags["lnlbench.key"] == result.key
    assert run.data.tags["lnlbench.sweep"] == "first look"
    assert run.data.tags["lnlbench.state"] == "finished"
    assert run.data.params["q"] == "0.7" and run.data.params["method"] == "ce"
    assert run.data.metrics["score/noisy_val"] == 0.7
    assert run.inputs.dataset_inputs[0].dataset.digest == ("ab" * 32)[:36]


def test_curves_are_charts(store, make, info_of):
    recording = record(store, info_of, make(more={"memorised_online": [0.1, None, math.nan], "auroc": [0.5, 0.6, 0.7]}))
    client = client_of(store)
    test = client.get_metric_history(recording.run_id, "accuracy/test")
    assert [(point.step, point.value) for point in test] == [(0, 0.5), (1, 0.7), (2, 0.6)]
    memorised = client.get_metric_history(recording.run_id, "wrong/memorised_online")
    assert [point.step for point in memorised] == [2], "of a run that was over at once the last value"
    prepare(store)
    memorised = client.get_metric_history(recording.run_id, "wrong/memorised_online")
    assert [point.step for point in memorised] == [0, 2] and math.isnan(memorised[1].value)
    assert math.isnan(client.get_run(recording.run_id).data.metrics["wrong/memorised_online"])
    names = set(client.get_run(recording.run_id).data.metrics)
    assert "auroc" not in names, "the record holds all curves, MLflow the main ones"
    assert {name.partition("/")[0] for name in names} == {"accuracy", "wrong", "score"}


def test_a_run_that_takes_time_draws_all_its_curves_while_it_is_made(store, make, info_of, monkeypatch):
    monkeypatch.setattr("lnlbench.leaderboard.store.recording.FLUSH", 0.0)
    curve = [0.1, 0.2, 0.3]
    client = client_of(store)
    with store.begin(info_of(result := make(more={"memorised_online": curve}), params={"q": 0.7})) as recording:
        for epoch in range(3):
            recording.log({name: row[epoch] for name, row in result.curves.items()}, epoch)
            seen = client.get_metric_history(recording.run_id, "wrong/memorised_online")
            assert [point.value for point in seen] == curve[: epoch + 1]
        assert client.get_run(recording.run_id).data.params["q"] == "0.7"
        recording.finish(result)
    prepare(store)
    assert len(client.get_metric_history(recording.run_id, "wrong/memorised_online")) == 3, "none of them twice"


def test_a_run_of_many_points_is_written_in_batches(store, make, info_of):
    curve = [0.5] * 700
    recording = record(store, info_of, make(test=curve, more={"memorised_online": curve}))
    for key in ("accuracy/test", "accuracy/validation", "wrong/memorised_online"):
        prepare(store)
        assert len(client_of(store).get_metric_history(recording.run_id, key)) == 700


def test_artifacts(store, make, info_of, tmp_path):
    recording = record(
        store, info_of, make(told=("noise_rate",)), artifacts={"plots/a.svg": "<svg/>", "b.bin": b"\x00"}
    )
    folder = tmp_path / "artifacts" / "lnl" / "digits" / recording.run_id / "artifacts"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"record.json", "noise.json", "curves.csv", "curves.svg", "summary.md", "plots/a.svg", "b.bin"}
    assert (
        folder / "curves.csv"
    ).read_text() == "epoch,test_accuracy,validation_accuracy\n0,0.5,0.5\n1,0.7,0.7\n2,0.6,0.6\n"
    assert "| noisy_val | 70.00 |" in (folder / "summary.md").read_text()
    assert json.loads((folder / "noise.json").read_text())["realised_rate"] == 0.4
    listed = {item.path for item in client_of(store).list_artifacts(recording.run_id)}
    assert listed == {"record.json", "noise.json", "curves.csv", "curves.svg", "summary.md", "plots", "b.bin"}


def test_an_artifact_cannot_leave_its_folder(store, make, info_of):
    with pytest.raises(StoreError, match="relative path"):
        record(store, info_of, make(), artifacts={"../../x": "y"})
    assert store.stored() == {}


def test_two_levels_cells_and_replicates(store, make, info_of):
    runs = [record(store, info_of, make(replicate=i, test=[0.7 + 0.01 * i])) for i in range(3)]
    record(store, info_of, make(label="gce"))
    store.summarise([runs[0].info.key])
    assert len({run.parent for run in runs}) == 1
    client = client_of(store)
    experiment = client.get_experiment_by_name("lnl/digits")
    assert "**digits**" in experiment.tags["mlflow.note.content"]
    found = client.search_runs([experiment.experiment_id])
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    assert sorted(run.info.run_name for run in parents) == ["ce sym-0.4", "gce sym-0.4"]
    assert {run.data.tags["mlflow.parentRunId"] for run in found if run not in parents} == {
        run.info.run_id for run in parents
    }
    cell = client.get_run(runs[0].parent)
    assert cell.data.metrics["n"] == 3 and cell.data.metrics["score/noisy_val"] == 0.71
    assert cell.data.metrics["interval/noisy_val"] == round(4.302653 * 0.01 / 3**0.5, 4)
    assert cell.info.status == "FINISHED"


def test_a_late_summary_does_not_hide_a_newer_one(store, make, info_of):
    runs = [record(store, info_of, make(replicate=i, test=[0.7 + 0.01 * i])) for i in range(2)]
    store.summarise([run.info.key for run in runs])
    client = client_of(store)
    client.log_metric(
        runs[0].parent, "score/noisy_val", 0.70, timestamp=2**42, step=1
    )  # written by one who saw one run
    assert client.get_run(runs[0].parent).data.metrics["score/noisy_val"] == 0.705


def test_settings_and_data_sets_are_filtered(store, make, info_of):
    record(store, info_of, make())
    record(store, info_of, make(noise="asymmetric-0.4"))
    record(store, info_of, make(dataset="mnist", setting="mnist/clean", noise="clean"))
    record(store, info_of, make(dataset="mnist-2", setting="mnist-2/clean", noise="clean", label="gce"))
    assert len(store.results()) == len(store.stored()) == 4
    assert [r.noise for r in store.results("digits")] == ["symmetric-0.4", "asymmetric-0.4"]
    assert [r.setting for r in store.results("mnist")] == ["mnist/clean"]
    assert [r.noise for r in store.results(settings=["digits/asymmetric-0.4"])] == ["asymmetric-0.4"]
    assert store.results("imagenet") == [] and store.stored("imagenet") == {}


def test_an_empty_store(store):
    assert store.stored() == {} and store.results() == []


@pytest.mark.parametrize("damage", ["remove", "truncate", "swap"])
def test_an_unreadable_record_is_a_warning_not_a_crash(store, make, info_of, tmp_path, damage):
    good, bad = record(store, info_of, make()), record(store, info_of, make(label="gce"))
    file = tmp_path / "artifacts" / "lnl" / "digits" / bad.run_id / "artifacts" / "record.json"
    if damage == "remove":
        file.unlink()
    elif damage == "truncate":
        file.write_text(file.read_text()[:100])
    else:
        file.write_text(Path(str(file).replace(bad.run_id, good.run_id)).read_text())
    with pytest.warns(StoreWarning, match=bad.run_id):
        results = store.results()
    assert [result.label for result in results] == ["ce"]


def test_a_reading_names_its_host(store, make, info_of):
    host = make()
    record(store, info_of, host)
    reading = record(store, info_of, make(label="ce + stop", host=host.key))
    tags = client_of(store).get_run(reading.run_id).data.tags
    assert (tags["lnlbench.host"], tags["lnlbench.kind"]) == (host.key, "reading")
    assert [result.host for result in store.results()] == [None, host.key]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        pytest.param(RuntimeError("out of\nmemory"), "FAILED", "RuntimeError: out of memory", id="error"),
        pytest.param(KeyboardInterrupt(), "KILLED", "KeyboardInterrupt: KeyboardInterrupt", id="ctrl-c"),
        pytest.param(ClaimLost("made elsewhere"), "KILLED", "ClaimLost: made elsewhere", id="lost to another"),
    ],
)
def test_a_broken_run_keeps_its_numbers_and_its_reason(store, make, info_of, error, status, reason):
    result = make()
    assert store.claim(result.key, "me")
    recording = store.begin(info_of(result), owner="me")

    def train():
        with recording:
            recording.log({"test_accuracy": 0.25}, 0)
            raise error

    with pytest.raises(type(error)):
        train()
    run = client_of(store).get_run(recording.run_id)
    assert run.info.status == status and run.data.tags["lnlbench.error"] == reason
    assert run.data.metrics["accuracy/test"] == 0.25
    assert store.stored() == {} and store.claims.states([result.key]) == {}, "it can be run again"


def test_a_run_left_without_a_result_failed(store, make, info_of):
    with store.begin(info_of(make())) as recording:
        pass
    assert client_of(store).get_run(recording.run_id).info.status == "FAILED"


def test_a_claimed_run(store, make, info_of):
    result = make()
    assert store.claim(result.key, "me") and not store.claim(result.key, "other")
    with store.begin(info_of(result), owner="me") as recording:
        assert store.claims.states([result.key]) == {result.key: "running"}
        assert recording.heartbeat is not None and not recording.heartbeat.lost
        recording.finish(result)
    assert store.claims.states([result.key]) == {result.key: "done"}
    assert not store.claim(result.key, "other")


def test_a_run_without_its_claim_does_not_begin(store, make, info_of):
    result = make()
    with pytest.raises(ClaimLost, match="not held by thief"):
        store.begin(info_of(result), owner="thief")
    found = client_of(store).search_runs([client_of(store).get_experiment_by_name("lnl/digits").experiment_id])
    assert {run.info.status for run in found if "lnlbench.key" in run.data.tags} == {"KILLED"}


def test_a_deleted_run_can_be_run_again(store, make, info_of):
    result = make()
    store.claim(result.key, "me")
    run_id = record(store, info_of, result, owner="me").run_id
    client_of(store).delete_run(run_id)
    assert store.stored() == {}
    assert store.claim(result.key, "me")


def test_a_deleted_cell_is_made_again(store, url, make, info_of):
    first = record(store, info_of, make())
    client_of(store).delete_run(first.parent)
    second = record(Store(url), info_of, make(replicate=1))
    assert second.parent != first.parent


def test_a_cell_is_found_without_claims(store, url, make, info_of, tmp_path):
    first = record(store, info_of, make())
    elsewhere = Store(store_address(url, f"sqlite:///{tmp_path / 'other.db'}"))
    assert record(elsewhere, info_of, make(replicate=1)).parent == first.parent
    elsewhere.close()


def test_results_are_their_own_runs(store, make, info_of):
    with store.begin(info_of(make())) as recording:
        with pytest.raises(StoreError, match="of another run"):
            recording.finish(make(label="gce"))
        recording.finish(make())
        with pytest.raises(StoreError, match="closed already"):
            recording.finish(make())


@pytest.mark.slow
def test_a_finished_run_stays_finished(store, make, info_of):
    recording = record(store, info_of, make())
    store.kill(recording.run_id)
    recording.fail("too late")
    assert client_of(store).get_run(recording.run_id).info.status == "FINISHED"
    store.kill("0" * 32)  # gone: nothing to do


def test_points_that_could_not_be_written_are_kept(store, make, info_of, monkeypatch):
    def broken(*_):
        raise StoreError("the store is locked")

    with store.begin(info_of(make())) as recording:
        recording.log({"test_accuracy": 0.25}, 0)
        with monkeypatch.context() as patch:
            patch.setattr(store, "write", broken)
            with pytest.raises(StoreError):
                recording.flush()
        recording.finish(make())
    assert client_of(store).get_metric_history(recording.run_id, "accuracy/test")[0].value == 0.25


def test_the_default_store_is_at_home(tmp_path, template, monkeypatch):
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").write_bytes(template.read_bytes())
    opened = Store()
    assert opened.uri == f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
    assert Store("sqlite:///home/mlflow.db").uri == opened.uri, "relative URLs become absolute"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"], "nothing is written to the working directory"


def test_a_reading_shows_the_scores_that_boards_give_it(store, make, info_of):
    """Where its host is not there it shows the epoch that it reports alone."""
    host = make(test=[0.5, 0.7, 0.9])
    record(store, info_of, host)
    for key, shown in (
        (host.key, {"noisy_val": 0.9, "final": 0.7, "mean10": 0.7, "oracle": 0.9}),
        ("ab", {"final": 0.7}),
    ):
        run = record(store, info_of, make(label="stops", test=[0.5, 0.7], host=key, key=f"{key} stops"))
        numbers = store.numbers(run.run_id)
        assert {name: numbers.get(f"score/{name}") for name in RULES} == dict.fromkeys(RULES) | shown
        summary = store.file(run.run_id, "summary.md").decode()
        assert [f"| {name} | {100 * value:.2f} |" in summary for name, value in shown.items()] == [True] * len(shown)
        assert summary.count("\n| ") == 1 + len(shown)
