"""Results from Python: a readable repr, frames, curves, boards, plots; the same of a file and of a store."""

import subprocess
import sys
from dataclasses import replace

import pytest

import lnlbench.benchmark
from lnlbench.benchmark import Results, compare, load, run
from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import RULES

NOISY = "digits/symmetric-0.4"


@pytest.fixture(scope="module")
def stored(tmp_path_factory, template):
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    url = f"sqlite:///{file}"
    return run(NOISY, "ce, gce, early_stopping", "0-1", tracking_uri=url, device="cpu", epochs=3), url


def test_the_repr_is_short_and_says_who_is_first(stored):
    results, _ = stored
    text = repr(results)
    assert text.startswith("6 results: 3 methods in 1 setting\n") and len(text) < 600
    assert all(name in text for name in ("ce", "gce", "±"))
    assert "<table>" in results._repr_html_() and "<table>" in results.board()._repr_html_()
    assert repr(results.board()) in text and str(results.board()).startswith("### ")


def test_a_method_is_compared_with_what_is_stored(stored):
    _, url = stored
    (verdict,) = compare("gce", "ce", NOISY, range(2), tracking_uri=url, device="cpu", epochs=3)
    assert (verdict.made, verdict.from_store) == (0, 4)
    row = verdict.frame().iloc[0]
    assert row["difference"] == pytest.approx(row["mean"] - row["against_mean"])
    assert repr(verdict).startswith(f"digits,epochs=3/symmetric-0.4: gce against ce {row['difference']:+.2f} ± ")
    assert f"<td>{row['mean']:.2f}</td>" in verdict._repr_html_()


def test_it_is_a_sequence_of_results(stored):
    results, _ = stored
    assert len(results) == 6 and results[0] in results and results == list(results)
    assert type(results[:2]) is type(results) and len(results[:2]) == 2


def test_a_frame_has_a_row_per_run_and_every_rule_in_percent(stored):
    results, _ = stored
    frame = results.frame()
    assert len(frame) == 6 and set(RULES) <= set(frame) and frame["key"].is_unique
    for result, row in zip(results, frame.itertuples(), strict=True):
        assert (row.setting, row.method, row.replicate) == (result.setting, result.label, result.replicate)
        if result.host is None:
            assert row.oracle == pytest.approx(100 * max(result.curves["test_accuracy"]))


def test_curves_are_long(stored):
    results, _ = stored
    curves = results.curves()
    assert list(curves) == ["setting", "method", "replicate", "epoch", "quantity", "value"]
    one = curves.query("method == 'gce' and replicate == 1 and quantity == 'test_accuracy'")
    gce = next(result for result in results if (result.label, result.replicate) == ("gce", 1))
    assert one["value"].tolist() == gce.curves["test_accuracy"] and one["epoch"].tolist() == [1, 2, 3]


def test_the_board_is_the_leaderboards(stored):
    results, _ = stored
    board, other = results.board("final"), build(list(results), "final", suite="digits,epochs=3")
    assert (board.rows, board.sentences) == (other.rows, other.sentences)
    assert str(board).startswith("### ")
    with pytest.raises(ValueError, match="unknown rule"):
        results.board("finale")


@pytest.mark.parametrize(
    ("quantity", "label"), [("test_accuracy", "test accuracy, %"), ("memorised", "memorised online, %")]
)
def test_a_plot_has_a_line_and_a_band_per_method(stored, quantity, label):
    results, _ = stored
    ax = results.plot(quantity)
    assert [line.get_label() for line in ax.get_lines()] == ["ce", "gce"]
    assert (len(ax.collections), ax.get_ylabel(), ax.get_title()) == (2, label, results[0].setting)
    assert results.plot(quantity, ax=ax) is ax
    with pytest.raises(ValueError, match="quantity must be one of"):
        results.plot("nothing")
    elsewhere = [replace(result, setting="digits/clean") for result in results]
    with pytest.raises(ValueError, match="there are several: name one, as in setting='digits"):
        Results([*results, *elsewhere]).plot(quantity)


def test_a_file_and_a_store_give_the_same(stored, tmp_path):
    results, url = stored
    archive.write(tmp_path / "six.jsonl.xz", results)
    by_key = {result.key: result for result in results}
    for loaded in (load(tmp_path / "six.jsonl.xz"), load(url), load(url, [results[0].setting])):
        assert {result.key: result for result in loaded} == by_key
    assert list(load(url, ["digits/clean"])) == []
    with pytest.raises(StoreError, match="there is no file"):
        load(tmp_path / "none.jsonl.xz")


def test_a_setting_is_loaded_with_multiples_of_its_length_of_a_file_as_of_a_store(url, tmp_path):
    clean, how = "digits/clean", {"tracking_uri": url, "device": "cpu"}
    made = [result for target in (NOISY, clean) for result in run(target, "ce", "0", epochs="2x", **how)]
    archive.write(tmp_path / "two.jsonl.xz", made)
    for source in (tmp_path / "two.jsonl.xz", url):
        assert [one.setting for one in load(source, [NOISY])] == ["digits,epochs=2x/symmetric-0.4"]
        assert [one.setting for one in load(source, ["digits,epochs=2x/clean"])] == ["digits,epochs=2x/clean"]


def test_the_package_lists_what_it_has_and_its_version():
    assert {"run", "load", "Results", "fit", "__version__"} <= set(dir(lnlbench.benchmark))
    assert lnlbench.benchmark.__version__.count(".") >= 1


def test_pandas_and_matplotlib_are_imported_when_asked_for():
    heavy = {"pandas", "matplotlib", "torch", "mlflow"}
    script = f"import sys, lnlbench.benchmark.results; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_method_is_one_in_frames_curves_and_plots_however_it_was_written(stored):
    results, _ = stored
    spelled = [
        replace(run, label="gce(q=0.70)") if (run.label, run.replicate) == ("gce", 1) else run for run in results
    ]
    other = Results(spelled)
    assert repr(other) == repr(results)
    assert other.frame().equals(results.frame()) and other.curves().equals(results.curves())
    assert len(other.plot().lines) == len(results.plot().lines)
