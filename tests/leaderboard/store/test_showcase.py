"""Views, figures and texts of a real store: what MLflow's UI will find."""

import json
import re

import pytest

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.store import views
from lnlbench.leaderboard.store.colours import RUN_COLOUR, colours
from lnlbench.leaderboard.store.showcase import FIGURES, prepare


def fill(store, make, info_of, labels=("ce", "gce"), replicates=2, **more):
    noise = {"realised_rate": 0.41, "nominal_rate": 0.4, "class_rates": [0.4, 0.42]}
    noise |= {"transition_matrix": [[0.6, 0.4], [0.42, 0.58]]}
    identity = {"noise": noise, "split": {"validation": 1000}}
    for label in labels:
        for i in range(replicates):
            result = make(label=label, replicate=i, test=[0.5, 0.7 + 0.02 * i], identity=identity, **more)
            with store.begin(info_of(result, cell_files=lambda: {"examples.png": b"png"})) as recording:
                recording.finish(result)


def cells_of(store):
    """The one experiment, and its cells as MLflow's UI reads them."""
    (experiment,) = store.experiments()
    return experiment, [store._tracking.run(cell.run_id) for cell in store.shown.cells(experiment.name)]


def test_cells_have_figures_and_a_page(store, make, info_of, tmp_path):
    fill(store, make, info_of)
    prepare(store)
    _, (cell, _) = cells_of(store)
    files = {path.name for path in (tmp_path / "artifacts" / "lnl" / "digits" / cell.info.run_id).rglob("*.*")}
    assert files == {"curves.svg", "noise.svg", "examples.png"}
    page = cell.data.tags["mlflow.note.content"]
    assert "| noisy_val (ranks) | 71.00 ± 12.71 | 2 |" in page
    assert "nominal rate 0.4, realised 0.4100" in page and "0.4000 to 0.4200" in page


def test_what_is_up_to_date_is_not_made_again(store, make, info_of, monkeypatch):
    fill(store, make, info_of, ["ce"])
    prepare(store)
    before = cells_of(store)[1][0].data.tags[FIGURES]
    with monkeypatch.context() as patch:
        patch.setattr(store, "read", None)  # to draw again it would have to be called
        prepare(store)
    fill(store, make, info_of, ["ce"], replicates=3)
    prepare(store)
    assert cells_of(store)[1][0].data.tags[FIGURES] != before


def test_methods_have_colours_of_their_own_that_stay(store, make, info_of):
    fill(store, make, info_of, ["ce", "sam"])
    prepare(store)

    def seen():
        return {cell.data.tags["lnlbench.label"]: cell.data.tags[RUN_COLOUR] for cell in cells_of(store)[1]}

    before = seen()
    assert len(set(before.values())) == 2 and all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in before.values())
    (picked,) = (cell.info.run_id for cell in cells_of(store)[1] if cell.data.tags["lnlbench.label"] == "sam")
    store.annotate(picked, {}, more={RUN_COLOUR: "#123456"})
    fill(store, make, info_of, ["bi_tempered"])
    prepare(store)
    after = seen()
    assert after["sam"] == "#123456" and len(set(after.values())) == 3


def test_sixty_colours_differ():
    assert len(set(colours(map(str, range(60))).values())) == 60


def test_the_models_tab_ranks_cells_by_data_set(store, make, info_of):
    fill(store, make, info_of)
    prepare(store)
    prepare(store)
    client, experiment = store._tracking._client, store.experiments()[0].experiment_id

    def models():
        data = {"dataset_name": "digits/symmetric-0.4"}
        order = [{"field_name": "metrics.score/noisy_val", "ascending": False, **data}]
        return client.search_logged_models([experiment], datasets=[data], order_by=order)

    assert sorted(model.name for model in models()) == ["ce", "gce"], "one per cell, however often somebody looks"
    first = models()[0]
    linked = {metric.key: metric for metric in first.metrics}
    assert linked["score/noisy_val"].value == pytest.approx(0.71) and linked["n"].value == 2
    assert {metric.dataset_name for metric in first.metrics} == {"digits/symmetric-0.4"}
    assert first.params["method"] == first.name and first.status == "READY"
    fill(store, make, info_of, ["ce"], replicates=3)
    prepare(store)
    (ce,) = [model for model in models() if model.name == "ce"]
    newest = max((metric for metric in ce.metrics if metric.key == "n"), key=lambda metric: metric.step)
    assert newest.value == 3 and len(models()) == 2


def test_views_are_tags_that_the_ui_reads(store, make, info_of):
    fill(store, make, info_of, ["ce"])
    paths = prepare(store)
    assert list(paths) == ["digits/symmetric-0.4", "digits: all settings"]
    experiment, _ = cells_of(store)
    saved = {name: json.loads(text) for name, text in experiment.tags.items() if name.startswith(views.TAG)}
    assert {view["name"] for view in saved.values()} == set(paths)
    for name, view in saved.items():
        assert name.removeprefix(views.TAG) in paths[view["name"]]
        assert isinstance(view["createdAt"], int), "a text would make the UI ignore the view without a word"
        state = json.loads(view["state"])
        sections = {section["uuid"] for section in state["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == sections
        assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(state["compareRunCharts"])


def test_every_view_is_of_one_track(store, make, info_of):
    fill(store, make, info_of, ["gce"])
    fill(store, make, info_of, ["gce"], track="tuned", key="tuned", replicates=1)
    setting, other = "digits/symmetric-0.4", "digits/symmetric-0.2"
    fill(store, make, info_of, ["gce"], track="paper", key="paper", replicates=1, setting=other)
    paths = prepare(store)
    every = "digits: all settings"
    assert list(paths) == [other, setting, f"{setting}: tuned", every, f"{every}: paper", f"{every}: tuned"]
    experiment, _ = cells_of(store)
    saved = [json.loads(text) for name, text in experiment.tags.items() if name.startswith(views.TAG)]
    filters = {view["name"]: json.loads(view["state"])["searchFilter"] for view in saved}
    search = store._tracking._client.search_runs
    shown = {name: search([experiment.experiment_id], filters[name]) for name in paths}
    tracks = {name: [run.data.tags["lnlbench.track"] for run in runs] for name, runs in shown.items()}
    assert tracks == {
        other: ["paper"],
        setting: ["default", "default"],
        f"{setting}: tuned": ["tuned"],
        every: ["default"],
        f"{every}: paper": ["paper"],
        f"{every}: tuned": ["tuned"],
    }


def test_a_view_that_is_too_long_is_left_out(store, make, info_of, monkeypatch):
    fill(store, make, info_of, ["ce"])
    monkeypatch.setattr(views, "LONGEST", 10)
    with pytest.warns(StoreWarning, match="over MLflow's limit of 10"):
        assert prepare(store) == {}


def test_a_store_that_takes_no_views_can_be_looked_at(store, make, info_of, monkeypatch):
    def broken(*_):
        raise StoreError("the store cannot be written")

    fill(store, make, info_of, ["ce"])
    monkeypatch.setattr(store, "tag_experiment", broken)
    with pytest.warns(StoreWarning, match="could not be saved: the store cannot be written"):
        assert prepare(store)


def test_an_empty_store_has_no_views(store):
    assert prepare(store) == {}


def test_readings_that_were_scored_by_themselves_are_scored_as_their_hosts(store, make, info_of, monkeypatch):
    """Stores of before have numbers and summaries of the readings' own curves."""
    hosts = [make(replicate=i, test=[0.5, 0.7, 0.9]) for i in range(2)]
    readings = [make(label="stops", replicate=h.replicate, test=[0.5, 0.7], host=h.key) for h in hosts]
    with monkeypatch.context() as patch:
        patch.setattr(store, "hosts_of", lambda results: {r.host: r for r in results})
        for result in (*hosts, *readings):
            with store.begin(info_of(result)) as recording:
                recording.finish(result)
    (before,) = {run_id for key, run_id in store.stored().items() if key == readings[0].key}
    assert store.numbers(before)["score/noisy_val"] == 0.7
    prepare(store)
    assert store.numbers(before)["score/noisy_val"] == 0.9 and store.numbers(before)["score/final"] == 0.7
    assert "| noisy_val | 90.00 |" in store.file(before, "summary.md").decode()
    (cell,) = [cell for cell in cells_of(store)[1] if cell.data.tags["lnlbench.label"] == "stops"]
    assert "| noisy_val (ranks) | 90.00 " in cell.data.tags["mlflow.note.content"]
    assert (cell.data.metrics["score/noisy_val"], cell.data.metrics["score/final"]) == (0.9, 0.7)
