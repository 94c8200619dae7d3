"""`export`, `import`, `verify` and `reproduce`: a file goes from store to store whole or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lnlbench.benchmark.cli.one_run import one_run
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.archive import read, write
from lnlbench.leaderboard.results.result import from_json
from lnlbench.leaderboard.shipped import located, shipped
from lnlbench.leaderboard.store.address import store_address


def test_verify_and_import(lnlbench, filled, stored, tmp_path):
    file = tmp_path / "all.jsonl.xz"
    assert lnlbench("export", file, "--tracking-uri", filled)[0] == 0
    code, out, err = lnlbench("verify", file)
    assert (code, err) == (0, ""), out
    assert "verify" in out
    assert "were stored before" in lnlbench("import", file)[1]
    assert lnlbench("import", file)[1].startswith("0 results added")
    file.write_bytes(file.read_bytes()[:-30])
    code, out, err = lnlbench("import", file)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_export_of_some_methods_keeps_the_hosts_of_readings(lnlbench, filled, tmp_path, one_line):
    file, where = tmp_path / "some.jsonl.xz", ("--tracking-uri", filled)

    def labels(*options):
        assert lnlbench("export", file, *options, *where)[0] == 0
        return {run.label for run in read(file)}

    assert labels("--methods", "ce") == {"ce"}
    assert labels("digits", "-m", "gce + early_stopping", "--track", "default") == {"gce", "gce + early_stopping"}
    assert "4 of 4 verify." in lnlbench("verify", file)[1], "with predictions, and with the hosts"
    one_line(lnlbench("export", file, "-m", "sam", *where), "nothing is stored of 'sam'; there is: ce, gce, gce + ear")
    one_line(lnlbench("export", file, "--track", "tuned", *where), "nothing is stored in the track tuned")


def test_a_file_that_does_not_verify_is_the_one_refused(lnlbench, filled, tmp_path, one_line):
    file, folder = tmp_path / "new" / "all.jsonl.xz", tmp_path / "mine"
    out = lnlbench("export", file, "--tracking-uri", filled)[1]
    assert out.endswith(f"MB, in {file}, whose folder is new\n")
    assert lnlbench("export", file, "--tracking-uri", filled)[1].endswith(f"MB, in {file}\n")
    first = next(run for run in read(file) if run.host is None)
    bent = [value / 2 for value in first.curves["test_accuracy"]]
    write(file, [replace(first, curves=first.curves | {"test_accuracy": bent})])
    folder.mkdir()
    answer = lnlbench("submit", folder, "--from", file, "--author", "Ada")
    one_line(answer, f"lnlbench: {file} is refused whole, 1 of 1 results do not verify: ")


def test_reproduce_of_the_store_and_of_a_file(lnlbench, filled, tmp_path, one_line):
    file, name = tmp_path / "all.jsonl.xz", ["ce", "digits,epochs=3/symmetric-0.4", "1"]
    lnlbench("export", file, "--tracking-uri", filled)
    code, out, err = lnlbench("reproduce", *name, "--tracking-uri", filled)
    assert (code, err) == (0, ""), out
    assert 'lnlbench run digits/symmetric-0.4 --methods "ce" --replicates 1 --set epochs=3 --precision fp32' in out
    assert "identical: key, identity, curves of 3 epochs and all test predictions, to the bit" in out
    (row,) = (n for n, run in enumerate(read(file), 1) if run.label == "ce" and run.replicate == 1)
    code, out, err = lnlbench("reproduce", row, "--from", file, "--json")
    assert (code, err, json.loads(out)["outcome"]) == (0, "", "identical")
    one_line(lnlbench("reproduce", "abcdef", "--from", file), f"no result in {file} is called 'abcdef'")


def test_reproduce_says_what_differs(lnlbench, filled, tmp_path):
    file = tmp_path / "all.jsonl.xz"
    lnlbench("export", file, "--tracking-uri", filled)
    first = next(run for run in read(file) if run.host is None)
    bent = [value / 2 for value in first.curves["test_accuracy"]]
    write(file, [replace(first, curves=first.curves | {"test_accuracy": bent})])
    code, out, err = lnlbench("reproduce", first.key[:8], "--from", file)
    assert (code, err) == (1, ""), out
    assert "differs in mean10 and final and noisy_val: mean10 +" in out


def test_verify_makes_runs_again(lnlbench, filled, one_line):
    name = ["ce", "digits,epochs=3/symmetric-0.4", "1"]
    code, out, err = lnlbench("verify", *name, "--tracking-uri", filled, "--rerun")
    assert (code, err.count("\n")) == (0, 1) and err.startswith("making ce digits,epochs=3/symmetric-0.4 s1 again"), out
    assert out.startswith(
        "ok       rerun: reproduced: key, identity, curves of 3 epochs and all test predictions, to the"
    )
    one_line(lnlbench("verify", *name, "--tracking-uri", filled, "--choose", "1"), "--choose is void without --rerun")


def test_verify_finds_an_invented_curve_only_by_making_the_run_again(lnlbench, filled, tmp_path):
    file = tmp_path / "all.jsonl.xz"
    lnlbench("export", file, "--tracking-uri", filled)
    first = next(run for run in read(file) if run.host is None)
    off = 40 / first.identity["split"]["validation"]  # whole images, and the same epoch is the best
    bent = [value - off for value in first.curves["validation_accuracy"]]
    write(file, [replace(first, curves=first.curves | {"validation_accuracy": bent})])
    assert lnlbench("verify", file)[0] == 0
    code, out, err = lnlbench("verify", file, "--rerun", "5", "--json")
    ((row,), _) = json.loads(out)["rerun"], err
    assert code == 1 and row["state"] == "wrong" and row["detail"].startswith("differs in validation: ")


def test_a_run_is_looked_for_by_its_setting_as_results_have_it(one_line, lnlbench, filled):
    answer = lnlbench("show", "ce", "digits,lr=1e2,epochs=3/clean", "0", "--tracking-uri", filled)
    one_line(answer, "no run of ce on digits,epochs=3,lr=100.0/clean, replicate 0, is stored: `lnlbench run ")


def test_show_says_how_to_make_a_run_again(lnlbench, filled):
    out = lnlbench("show", "ce", "digits,epochs=3/symmetric-0.4", "0", "--tracking-uri", filled)[1]
    assert '--methods "ce" --replicates 0 --set epochs=3 --precision fp32 --execution' in out
    assert "lnlbench reproduce " in out


def test_a_folder_of_submissions_is_imported_and_verified(lnlbench, filled, stored, tmp_path):
    assert lnlbench("submit", tmp_path, "--author", "Ada", "--tracking-uri", filled)[0] == 0
    code, out, err = lnlbench("verify", tmp_path)
    assert (code, err) == (0, "") and out.startswith("7 of 7 verify. "), "one run under two lengths is no copy"
    assert lnlbench("import", tmp_path)[:2] == (0, "7 results added, 0 were stored before.\n")
    assert lnlbench("import", tmp_path)[:2] == (0, "0 results added, 7 were stored before.\n")


def test_a_run_is_shown_of_a_file_or_of_the_package(one_line, lnlbench, filled, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    file, run = tmp_path / "all.jsonl.xz", ("ce", "digits,epochs=3/symmetric-0.4", "0")
    lnlbench("export", file, "--tracking-uri", filled)
    there, record = (
        json.loads(lnlbench("show", *run, "--json", *where)[1])
        for where in (("--tracking-uri", filled), ("--from", file))
    )
    assert there.pop("run_id") and record.pop("run_id") is None and record == there
    code, out, err = lnlbench("show", "ce", "mnist-fast/clean", "0")
    assert (code, err) == (0, "") and "none: it is not of the store" in out
    one_line(lnlbench("show", "ce", "mnist-fast/clean", "7", "--from", "shipped"), ": replicates 0 and 1 are there")
    one_line(lnlbench("show", *run[:2], "7", "--tracking-uri", filled), "7, is stored; replicates 0 and 1 are there")
    one_line(lnlbench("show", *run[:2], "7", "--from", file), f"7, is in {file}: replicates 0 and 1 are there")
    one_line(lnlbench("show", "ce", "mnist-fas/clean", "0", "--from", file), "unknown task 'mnist-fas'; did you mean")
    unknown = "unknown method 'gec'; did you mean 'gce'"
    one_line(lnlbench("show", "gec", *run[1:], "--tracking-uri", filled), unknown)
    one_line(lnlbench("show", *run, "--from", file, "--suspects", "x.csv"), "--from is void with --suspects")


@pytest.mark.slow
def test_a_run_that_is_nowhere_and_one_without_a_replicate_are_named(one_line, lnlbench, filled, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    one_line(
        lnlbench("reproduce", "nobody", "mnist-fast/clean", "0"),
        "no run of nobody on mnist-fast/clean, replicate 0, is in the package",
    )
    for uri in (filled, f"sqlite:///{tmp_path / 'none.db'}"):
        for command in ("reproduce", "show", "verify"):
            if uri == filled or command == "reproduce":
                answer = lnlbench(command, "ce", "digits/clean", "--tracking-uri", uri)
                one_line(answer, "'ce digits/clean' lacks a replicate: a run is called as in 'ce digits/clean 0'")


def test_of_the_package_and_of_a_folder_predictions_are_read_of_one_method(monkeypatch, url, tmp_path):
    nowhere, read_whole = store_address(f"{url}.none"), []
    for suite in ("mnist-fast", "mnist-mlp"):
        for label in ("ce", "gce"):
            place = Path("results", suite, label)
            shutil.copytree(located("shipped") / place, tmp_path / place)

    def watched(line, *, predictions=True):
        result = from_json(line, predictions=predictions)
        read_whole.extend([(result.setting.partition("/")[0], result.label)] if predictions else [])
        return result

    monkeypatch.setattr(archive, "from_json", watched)
    for source in (located("shipped"), tmp_path):
        _, found, _ = one_run("ce mnist-fast/clean 0", {}, source, nowhere)
        assert (found.name, bool(found.predictions)) == ("ce mnist-fast/clean s0", True)
        assert {label for _, label in read_whole} == {"ce"}
        assert all(suite.startswith("mnist-fast") for suite, _ in read_whole)


@pytest.mark.slow
def test_a_result_of_the_package_is_found_with_its_predictions(url):
    (one, *_) = shipped(suites=["mnist-fast"], methods=["ce"])
    nowhere = store_address(f"{url}.none")
    for text, source in (
        (one.key[:10], None),
        (f"ce {one.setting} 0", None),
        (f"ce {one.setting} 0", located("shipped")),
    ):
        _, found, _ = one_run(text, {}, source, nowhere)
        assert found.predictions and replace(found, predictions="") == one


@pytest.mark.slow
@pytest.mark.realdata("ylecun/mnist")
def test_a_shipped_run_is_made_again(lnlbench, data_dir):
    code, out, err = lnlbench("reproduce", "gce", "mnist-mlp,epochs=5/asymmetric-0.4", "3", "--data-dir", data_dir)
    assert (code, err) == (0, "") and ("identical: " in out or "within the band: " in out), out
