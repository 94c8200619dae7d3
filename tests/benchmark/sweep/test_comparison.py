"""A comparison makes what is missing and nothing else; an edited file is another method; packages bring methods."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from lnlbench.benchmark.cli import display
from lnlbench.benchmark.cli.new_method import new_method
from lnlbench.benchmark.protocol.settings import SettingError, setting
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep import comparison_plan as plans
from lnlbench.benchmark.sweep.comparison import Verdict, _cells, compare
from lnlbench.benchmark.sweep.comparison_plan import _mismatches, planned
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.ranking.versus import Versus
from lnlbench.leaderboard.results.rules import score
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.methods import _registry as registry
from lnlbench.methods import load_file, parse

DIGITS = ["digits/symmetric-0.4"]


@pytest.fixture
def data_of_mnist(data_dir):
    return {"data_dir": data_dir, "device": "cpu"}


@pytest.fixture
def mine(tmp_path):
    yield new_method("my_loss", tmp_path)
    registry._METHODS.pop("my_loss", None)


@pytest.mark.slow
def test_what_is_stored_is_not_made_again_until_the_file_is_edited(mine, url):
    options = Options(store=store_address(url), device="cpu", jobs=1)

    def compared():
        (found,) = compare(str(mine), "gce", DIGITS, "0,1", {"epochs": 1}, options, sweep)
        return found

    first, second = compared(), compared()
    assert (first.made, first.from_store, first.from_package) == (4, 0, 0)
    assert (second.made, second.from_store) == (0, 4)
    assert first.rows == second.rows
    (row,) = second.rows
    assert row.difference == 0, "the file is written with GCE in it"
    mine.write_text(mine.read_text().replace("# A hyper-parameter", "# Any hyper-parameter"))
    assert compared().made == 0, "a comment changes nothing"
    mine.write_text(mine.read_text().replace("return (batch", "return 0.5 * (batch"))
    third = compared()
    assert (third.made, third.from_store) == (2, 2)
    assert json.loads(json.dumps(third.json()))["runs"]["made"] == 2


def test_a_verdict_reads_well_in_a_narrow_terminal():
    rows = [
        Versus(
            setting=f"mnist-fast/{noise}",
            other=other,
            mean=95.75,
            other_mean=91.0,
            half=24.13,
            p=p,
            family=2,
            n=2,
            other_n=2,
            borrowed=1.5,
            needed=needed,
        )
        for noise in ("asymmetric-0.4", "clean")
        for other, p, needed in (("gce", 0.2, 7), ("label_noise_sgd", 0.041, None))
    ]
    console = Console(width=80)
    with console.capture() as capture:
        console.print(display.compared([Verdict("my_loss", "noisy_val", tuple(rows), 4, 0, 4, ())]))
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("label_noise_sgd" in line and "+4.75 ± 24.13" in line and "better" in line for line in lines) == 2
    assert sum(line == "mnist-fast/asymmetric-0.4" for line in lines) == 1, "a table for each setting"
    text = " ".join(capture.get().split())
    assert "p (Holm," in text and " 2) " in text and "worth 1.5 replicates" in text
    assert "What would decide at the gaps seen: mnist-fast/asymmetric-0.4 gce at 7 replicates;" in text


def test_a_method_is_not_held_against_itself(url):
    (found,) = compare(
        "gce", "ce, gce", DIGITS, "0,1", {"epochs": 1}, Options(store=store_address(url), device="cpu", jobs=1), sweep
    )
    assert (found.method, [row.other for row in found.rows]) == ("gce", ["ce"])


@pytest.fixture
def known():
    """The shipped runs of three methods on mnist-mlp; tuned ones are of another track, and on another board."""
    return [run for run in shipped(suites=["mnist-mlp"], methods=["ce", "gce", "sam"]) if run.track == "default"]


def test_variances_are_borrowed_from_the_same_precision_alone(known):
    """The shipped runs of mnist-mlp are in bf16: to those in fp32 they lend nothing."""
    mine = {result.key: result for result in known if result.label == "ce"}
    plain = {key: replace(result, identity=result.identity | {"precision": "fp32"}) for key, result in mine.items()}
    runs = [SimpleNamespace(key=key, name="ce") for key in mine]
    for results, lenders in ((mine, {"gce", "sam"}), (plain, set())):
        _, beside, _ = _cells(runs, results, known, "final")
        assert {label for rows in beside.values() for label in rows} == lenders


def test_a_comparison_needs_two_sides(url):
    with pytest.raises(SettingError, match="needs a method and other ones"):
        compare("gce", "gce", DIGITS, "0", {}, Options(store=store_address(url)), sweep)


@pytest.mark.slow
@pytest.mark.realdata("ylecun/mnist")
def test_shipped_runs_are_those_that_would_be_made(data_dir):
    runs = grid(["mnist-fast"], "ce, gce, dal", "0,1", {}, Options(data_dir=data_dir))
    keys = {result.key for result in shipped(suites=["mnist-fast"])}
    assert [run.label for run in runs if run.key not in keys] == []


def test_why_a_shipped_result_is_not_reused():
    changed = setting("mnist-fast/clean").override(lr=0.1)
    run = Run(changed, parse("gce(q=0.5)"), "gce", 0, "f")
    object.__setattr__(changed, "task", "mnist-fast")
    (why,) = _mismatches([run], shipped(suites=["mnist-fast"]))
    assert "gce(q=0.7), not gce(q=0.5)" in why and "another lr" in why


def test_another_precision_alone_is_one_line_with_the_option_that_reuses_the_results():
    results = shipped(suites=["mnist-mlp"], methods=["ce", "gce"])
    noises = ("symmetric-0.2", "clean")
    settings = [setting(f"mnist-mlp/{noise}") for noise in noises]
    runs = [Run(one, parse(text), text, 0, "f", precision="fp32") for one in settings for text in ("ce", "gce")]
    (why,) = _mismatches(runs, results)
    assert why == (
        "the shipped results of ce, gce on mnist-mlp/symmetric-0.2, mnist-mlp/clean are of bf16, not fp32 "
        "(`--precision bf16` reuses them)"
    )
    (why,) = _mismatches([replace(runs[0], method=parse("ce + sam"))], results)
    assert "fp32" in why and "--precision" not in why, "the option alone would not do"


def test_what_is_not_reused_is_said_before_anything_is_trained(monkeypatch, url):
    """Whoever reads that three hours of training are due for want of an option can still stop."""
    digits = setting(DIGITS[0])
    said: list[str] = []
    made = [SimpleNamespace(key="k", label="ce", name="ce", replicate=0, host=None, setting=digits)]
    monkeypatch.setattr(plans, "shipped", lambda suites: [])
    monkeypatch.setattr(plans, "grid", lambda *given, **how: made)
    monkeypatch.setattr(plans, "_mismatches", lambda runs, carried: [f"{len(runs)} of ce"])

    def trains(runs, options):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare("gce", "ce", DIGITS, "0", {}, Options(store=store_address(url)), trains, say=said.append)
    assert said == ["not reused: 1 of ce"]


def test_methods_of_files_have_a_source_and_ours_have_none(mine):
    load_file(mine)
    assert parse("gce + sam").sources == ()
    assert len(parse("my_loss").sources[0]) == 16


@pytest.mark.slow
def test_an_installed_package_brings_its_methods(tmp_path, mine):
    package = tmp_path / "package"
    (package / "my_package").mkdir(parents=True)
    (package / "my_package" / "__init__.py").write_text("")
    (package / "my_package" / "losses.py").write_text(mine.read_text().replace("my_loss", "packaged_loss"))
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "my-package"\nversion = "1.0"\n'
        '[project.entry-points."lnlbench.methods"]\nlosses = "my_package.losses"\n'
        '[tool.setuptools]\npackages = ["my_package"]\n'
    )
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", target, package], check=True, capture_output=True)
    code = "from lnlbench.methods import parse; print(parse('packaged_loss'), parse('packaged_loss').sources)"
    path = os.pathsep.join([str(target), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.stdout.startswith("packaged_loss(q=0.7) ('"), done.stderr


def test_two_methods_of_one_label_lend_their_variances_apart(known):
    """As on boards: replicates of two texts or revisions are not one method's."""
    other = [replace(run, method="gce(q=0.5)", key=f"{run.key} b") for run in known if run.label == "gce"]
    other = [run for run in other if run.replicate % 2]
    mine = {run.key: run for run in known if run.label == "ce"}
    runs = [SimpleNamespace(key=key, name="ce") for key in mine]
    _, beside, _ = _cells(runs, mine, [*known, *other], "final")
    for name, rows in beside.items():
        (board,) = boards([run for run in [*known, *other] if run.setting == name], ["final"])
        assert {"gce(q=0.7)", "gce(q=0.5)"} < rows.keys()
        assert rows == {label: board.row(label).cells[name].scores for label in rows}


def test_a_reading_is_compared_as_boards_rank_it_however_its_host_came_about(url):
    """Its host may be made by the same command, be stored, or be gone."""
    address = store_address(url)
    options = Options(store=address, device="cpu", jobs=1)

    def compared():
        reading = "early_stopping(patience=0.2)"
        (found,) = compare(reading, "gce", DIGITS, "0,1", {"epochs": 4, "lr": 0.05}, options, sweep)
        return found

    first, second = compared(), compared()
    assert (first.made, second.made) == (6, 0) and first.rows == second.rows
    with StoreReader(address) as store:
        results = store.results()
        ce = [entry for key, entry in store.stored().items() if key in {run.host for run in results}]
    assert any(100 * score(run, "final", {}) != score(run, "mean10", {}) for run in results)
    (board,) = boards(results)
    assert first.rows[0].mean == pytest.approx(board.row("early_stopping(patience=0.2)").score.mean)
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url)
    for run_id in ce:
        client.delete_run(run_id)
    third = compared()
    assert third.made == 2 and third.rows == first.rows


@pytest.mark.realdata("ylecun/mnist")
def test_an_equal_pair_of_the_package_is_said_to_be_equal_and_needs_no_more_runs(data_of_mnist, url):
    """The whole interval of -0.08 ± 0.22 lies within half a point; within a tenth it does not."""
    how = ("dal", "nce_agce", ["mnist-mlp/symmetric-0.5"], "", {}, Options(store=store_address(url), **data_of_mnist))
    ((row,),) = (found.rows for found in compare(*how, sweep, precision="bf16"))
    assert row.verdict == "practically equal, within 0.5 points" and row.needed is None
    ((row,),) = (found.rows for found in compare(*how, sweep, precision="bf16", margin=0.1))
    assert row.verdict == "cannot be told apart yet" and row.needed > 5


def test_what_equal_pairs_need_is_not_said_among_what_would_decide():
    equal = Versus(
        setting="s", other="a", mean=96.18, other_mean=96.26, half=0.22, p=0.4, family=2, n=5, other_n=5, borrowed=3.0
    )
    rows = (equal, replace(equal, other="b", half=2.0, needed=32))
    console = Console(width=300)
    with console.capture() as capture:
        console.print(display.compared([Verdict("m", "noisy_val", rows, 0, 0, 10, ())]))
    text = capture.get()
    assert "practically equal, within 0.5 points" in text and "within ± 0.5 points (`--margin`)" in text
    assert "What would decide at the gaps seen: s b at 32 replicates." in text


@pytest.mark.slow
@pytest.mark.realdata("uoft-cs/cifar10")
def test_what_draws_do_to_all_methods_alike_is_taken_out_and_said(url, data_dir):
    """Under instance-dependent noise on CIFAR-10: two replicates of a harder and an easier draw decide."""
    options = Options(store=store_address(url), device="cpu", data_dir=data_dir)
    where = (["cifar10-subset/instance-0.4"], "0,1", {}, options, sweep)
    (found,) = compare("dal", "ce, gce, elr", *where, rule="final")
    assert found.made == 0 and {row.verdict for row in found.rows} == {"better"}
    assert all(row.common > 0.5 and row.half < 6 for row in found.rows)
    console = Console(width=300)
    with console.capture() as capture:
        console.print(display.compared([found]))
    share = f"{100 * found.rows[0].common:.0f} % in cifar10-subset/instance-0.4"
    assert f"Of the variance between replicates {share} is common to all methods" in capture.get()


def test_methods_and_baselines_are_told_the_truth_where_it_is_asked_for(url):
    """What needs nothing has one run, whatever it is told."""
    options = Options(store=store_address(url), device="cpu", jobs=1)
    told = compare("forward", "gce, co_teaching", DIGITS, "0,1", {"epochs": 1}, options, sweep, told="true")
    assert [(one.method, [row.other for row in one.rows]) for one in told] == [
        ("forward [true]", ["gce", "co_teaching [true]"])
    ]
    several = compare("forward", "gce", DIGITS, "0,1", {"epochs": 1}, options, sweep, told="true,true-0.2")
    assert [one.method for one in several] == ["forward [true]", "forward [true-0.2]"]
    with StoreReader(options.store) as store:
        assert {run.label for run in store.results()} == {
            *("gce", "forward [true]", "co_teaching [true]", "forward [true-0.2]")
        }


def test_baselines_of_other_labels_are_shown_without_a_mark(url):
    """Code that draws noise is no part of a key: after an edit of it what is stored saw other labels."""
    options = Options(store=store_address(url), device="cpu", jobs=1)
    how = ("gce", "ce, mae", DIGITS, "0,1", {"epochs": 1}, options, sweep)
    (before,) = compare(*how)
    assert before.notes == () and [row.verdict.startswith("not compared") for row in before.rows] == [False, False]

    def edited(known):
        for key, run in known.items():
            noise = run.identity["noise"] | {"labels_sha256": "0"}
            known[key] = replace(run, identity=run.identity | {"noise": noise}) if run.label == "ce" else run
        return known

    found = planned(*how[:-1])
    assert edited({**found.held}) != found.held
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "lnlbench.benchmark.sweep.comparison.planned", lambda *_: replace(found, held=edited({**found.held}))
        )
        (after,) = compare(*how)
    assert after.notes == (
        "Noise or split differ between methods in digits,epochs=1/symmetric-0.4: they saw other data.",
    )
    ce, mae = after.rows
    assert (ce.verdict, ce.p, ce.half, ce.needed) == ("not compared: other data", None, None, None)
    assert mae.family == 1 and mae.p is not None
    assert after.json()["notes"] == list(after.notes)


def test_noise_that_may_depend_on_the_image_is_said_where_noisy_validation_chooses(url):
    options = Options(store=store_address(url), device="cpu", jobs=1)
    how = ("gce", "ce", ["digits/instance-0.4"], "0,1", {"epochs": 1}, options, sweep)
    console = Console(width=300)
    for rule, said in (("noisy_val", True), ("final", False)):
        (found,) = compare(*how, rule=rule)
        with console.capture() as capture:
            console.print(display.compared([found]))
        text = capture.get()
        assert ("digits,epochs=1/instance-0.4 †\n" in text) == said
        assert ("† digits,epochs=1/instance-0.4: its noise may depend on the image" in text) == said


def test_settings_without_wrong_labels_are_left_out_of_a_comparison_of_detectors_before_anything_is_trained(url):
    options, said = Options(store=store_address(url), device="cpu", jobs=1), list[str]()
    how = ("gce", "ce", ["digits/clean", *DIGITS], "0,1", {"epochs": 1}, options)
    why = "the rule detection_auroc finds nothing to measure in digits,epochs=1/clean: no label is known to be wrong"
    (found,) = compare(*how, sweep, rule="detection_auroc", say=said.append)
    assert said == [f"left out: {why}"] and found.notes == (f"Left out: {why}.",)
    assert [row.setting for row in found.rows] == ["digits,epochs=1/symmetric-0.4"] and found.made == 4
    assert planned(*how, rule="final").left_out == ""


def test_a_plan_says_what_of_the_baselines_is_there(url):
    options = Options(store=store_address(url), device="cpu", jobs=1)
    first = planned("gce", "ce, early_stopping", DIGITS, "0,1", {"epochs": 1}, options)
    assert first.baselines == "baselines: 4 runs, 4 to be made"
    sweep([run for run in first.runs if run.name == "ce"], options)
    second = planned("gce", "ce, early_stopping", DIGITS, "0,1", {"epochs": 1}, options)
    assert second.baselines == "baselines: 4 runs, 2 from the store, 2 to be made"


def test_a_comparison_reads_no_other_setting_and_no_predictions(url, monkeypatch):
    options = Options(store=store_address(url), device="cpu", jobs=1)
    for target in ("digits/symmetric-0.4", "digits/clean"):
        sweep(grid([target], "ce, gce", "0", {"epochs": 1}, options), options)
    read = []

    def reads(self, entry, *, predictions=True, whole=StoreReader.read):
        read.append((entry.tags["lnlbench.setting"], predictions))
        return whole(self, entry, predictions=predictions)

    monkeypatch.setattr(StoreReader, "read", reads)
    found = planned("gce", "ce", DIGITS, "0", {"epochs": 1}, options)
    assert found.missing == () and read == [("digits,epochs=1/symmetric-0.4", False)] * 2


@pytest.mark.parametrize(
    ("method", "against", "names"),
    [
        pytest.param("gce(q=0.70)", "ce, gce", (("gce(q=0.70)",), ("ce",)), id="the method"),
        pytest.param("ce, gce(q=0.70)", "gce", (("ce",), ("gce",)), id="one of several"),
    ],
)
def test_a_method_is_not_held_against_another_spelling_of_itself(method, against, names, url):
    options = Options(store=store_address(url), device="cpu")
    found = planned(method, against, DIGITS, "0", {"epochs": 1}, options)
    assert (found.names, found.others) == names
    with pytest.raises(SettingError, match="needs a method and other ones"):
        planned("gce(q=0.70)", "gce", DIGITS, "0", {}, options)


def test_a_method_lends_itself_no_variance_under_another_spelling(known):
    spelled = [replace(run, label="gce(q=0.70)") if run.label == "gce" else run for run in known]
    mine = {run.key: run for run in spelled if run.label == "gce(q=0.70)" and run.replicate == 0}
    runs = [SimpleNamespace(key=key, name="gce") for key in mine]
    _, beside, _ = _cells(runs, mine, spelled, "final")
    assert {name for rows in beside.values() for name in rows} == {"ce", "sam"}
