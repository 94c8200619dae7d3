"""`leaderboard` and its page: every form, rule and choice of what is shown."""

import csv
import io
import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from lnlbench.benchmark.cli import boards
from lnlbench.leaderboard.results.archive import write
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.shipped import shipped
from lnlbench.methods import methods

NOISY = "digits/symmetric-0.4"


ALL_RULES = ",".join(RULES)


@pytest.mark.parametrize("rule", [*RULES, ALL_RULES])
@pytest.mark.parametrize("form", boards.FORMS)
def test_leaderboards(lnlbench, filled, form, rule):
    code, out, err = lnlbench("leaderboard", "--rule", rule, "--format", form, "--tracking-uri", filled)
    assert (code, err) == (0, "")
    names = rule.split(",")
    if form == "json":
        boards = json.loads(out)
        assert [(board["length"], board["rule"]) for board in boards] == [
            (length, name) for length in ("fast", "full") for name in names
        ]
        fast = boards[0]
        assert {row["name"] for row in fast["rows"]} == {"ce", "gce", "gce + early_stopping"}
        assert all(1 < cell["mean"] <= 100 and cell["n"] == 2 for row in fast["rows"] for cell in row["cells"].values())
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert {(row["length"], row["rule"], row["method"]) for row in rows} == {
            ("fast", name, method) for name in names for method in ("ce", "gce", "gce + early_stopping")
        } | {("full", name, "ce") for name in names}
        assert all(0 <= float(row["mean"]) <= 100 for row in rows)
    else:
        assert all(
            out.replace("\\_", "_").count(f"{name}, track default, length {length}") == 1
            for name in names
            for length in ("fast", "full")
        )
        assert "gce + early_stopping" in out.replace("\\_", "_") and ("\\pm " if form == "latex" else "± ") in out


def test_the_page_is_one_file_with_links(lnlbench, filled, tmp_path):
    file = tmp_path / "board.html"
    code, out, err = lnlbench("leaderboard", "--html", file, "--ui", "http://127.0.0.1:5000/", "--tracking-uri", filled)
    assert (code, err) == (0, "")
    assert out == f"7 results in {file}; open it in any browser\n"
    assert file.read_text().count('"http://127.0.0.1:5000/#/experiments/') == 7
    for more, message in ((["--methods", "ce"], "filters of its own"), (["--ui", "localhost"], "http://")):
        code, out, err = lnlbench("leaderboard", "--html", file, *more, "--tracking-uri", filled)
        assert (code, out, err.count("\n")) == (2, "", 1) and message in err


def test_a_leaderboard_of_some_methods_and_settings(one_line, lnlbench, filled):
    how = ("--format", "json", "--tracking-uri", filled)
    names = [row["name"] for row in json.loads(lnlbench("leaderboard", "--methods", "gce", *how)[1])[0]["rows"]]
    assert names == ["gce"]
    answer = lnlbench("leaderboard", "mnist", *how)
    one_line(answer, "nothing is stored of mnist; there is: digits,epochs=3,length=full/")
    answer = lnlbench("leaderboard", "--track", "tuned", *how)
    one_line(answer, "nothing is stored in the track tuned; there is: digits,epochs=3,length=full/")


def test_a_board_of_some_methods_alone_ranks_them_among_themselves(one_line, lnlbench):
    how = ("mnist-fast", "--from", "shipped", "--format", "json")
    code, out, err = lnlbench("leaderboard", "--among", "ce, gce, sam, elr", *how)
    (board,) = json.loads(out)
    assert (code, err) == (0, "ranked are 4 of 9 methods, among themselves\n")
    assert {row["name"] for row in board["rows"]} == {"ce", "gce", "sam", "elr"}
    assert {row["score"]["against"]["family"] for row in board["rows"] if row["score"]["against"]} == {3}
    assert not any("Shown" in text for text in board["sentences"])
    (part,) = json.loads(lnlbench("leaderboard", "--among", "ce, gce, sam, elr", "--methods", "gce", *how)[1])
    assert [row["name"] for row in part["rows"]] == ["gce"] and part["tests"] == board["tests"]
    for options, message in (
        (("ce, gce", "--methods", "sam"), "--methods shows 'sam', which --among leaves out"),
        (("gce, early_stopping",), "'early_stopping' is read off the runs of 'ce': --among needs both"),
        (("ce, gec",), "nothing is stored of 'gec'; did you mean 'gce'? there is: "),
    ):
        one_line(lnlbench("leaderboard", "--among", *options, *how), message)


def test_a_leaderboard_finds_runs_of_another_length_and_says_so(lnlbench, filled):
    code, out, err = lnlbench("leaderboard", "digits", "--format", "json", "--tracking-uri", filled)
    assert code == 0 and err == (
        "nothing is stored of digits as it is; these are 7 runs with epochs=3 and with epochs=3,length=full\n"
    )
    assert [board["suite"] for board in json.loads(out)] == ["digits,epochs=3", "digits,epochs=3,length=full"]


def test_the_names_of_boards_are_taken_by_every_command(lnlbench, filled, tmp_path):
    how = ("--tracking-uri", filled)
    for named in ("digits,epochs=3", f"digits,epochs=3/{NOISY[7:]}", "digits,epochs=3/*"):
        code, out, err = lnlbench("leaderboard", named, "--format", "json", *how)
        assert (code, err, [board["suite"] for board in json.loads(out)]) == (0, "", ["digits,epochs=3"])
        assert lnlbench("export", tmp_path / "some.jsonl.xz", named, *how)[1].startswith("6 results")
        code, out, err = lnlbench("run", f"digits,epochs=3/{NOISY[7:]}", "-m", "ce", "-s", "0,1", "--json", *how)
        assert code == 0 and json.loads(out)["made"] == []


def test_a_leaderboard_is_drawn(one_line, lnlbench, filled, tmp_path):
    how = ("--track", "default", "--tracking-uri", filled)
    files = [tmp_path / "board.svg", tmp_path / "pairs.png"]
    code, out, err = lnlbench("leaderboard", "digits", "--figure", files[0], *how)
    one_line((code, out, err.partition("\n")[2]), "a figure is of one board, and there are 2")
    code, out, err = lnlbench(*shlex.split(err.partition("; the first: lnlbench ")[2]))
    assert (code, err) == (0, "") and f"drawn in {files[0]}" in out
    write(tmp_path / "one.jsonl.xz", shipped(suites=["mnist-fast"]))
    source = ("--from", tmp_path / "one.jsonl.xz")
    code, out, err = lnlbench("leaderboard", "--figure", files[0], "--matrix", files[1], *source)
    assert (code, err, out.count("drawn in")) == (0, "", 2) and all(file.stat().st_size > 5000 for file in files)
    assert "co_teaching" in files[0].read_text()
    one_line(lnlbench("leaderboard", "--figure", "board.gif", *source), "ends with .pdf, .png, .svg, got")


def test_a_command_with_a_file_of_methods_says_that_its_folder_must_be_given(lnlbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = shipped(suites=["mnist-fast"])
    write(
        tmp_path / "some.jsonl.xz",
        [replace(run, environment=run.environment | {"plugins": ["mine.py"]}) for run in held],
    )
    code, out, err = lnlbench("leaderboard", "--from", "some.jsonl.xz", "--format", "markdown")
    assert code == 0 and "More replicates" in out and "--plugin PATH/mine.py`" in out, err


def test_all_pairs_as_csv(one_line, lnlbench):
    source = ("mnist-fast", "--from", "shipped")
    code, out, err = lnlbench("leaderboard", "--pairs", "--format", "csv", *source)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err, len(rows)) == (0, "", 4 * 28), "eight methods, three settings and their mean"
    one_line(lnlbench("leaderboard", "--pairs", *source), "--pairs is a table for csv")


@pytest.mark.slow
def test_the_results_of_the_package_have_a_board_without_a_clone(one_line, lnlbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    how = ("--rule", "final", "--format", "json")
    code, out, err = lnlbench("leaderboard", "mnist-fast", "--from", "shipped", *how)
    (board,) = json.loads(out)
    assert (code, err, board["suite"]) == (0, "", "mnist-fast") and {"ce", "elr"} <= {r["name"] for r in board["rows"]}
    assert all(row["standing"].startswith("claimed by The lnlbench authors") for row in board["rows"])
    lacking = "the package has no results on digits; it has the suites cifar10-subset, fashion-mlp, mnist-fast, "
    one_line(lnlbench("leaderboard", "digits", "--from", "shipped"), lacking)
    of_a_suite = ("leaderboard", "mnist-fast/asymmetric-0.1", "--from", "shipped")
    one_line(lnlbench(*of_a_suite), "nothing is stored of mnist-fast/asymmetric-0.1; there is: ")
    (tmp_path / "shipped").mkdir()
    one_line(lnlbench("leaderboard", "--from", "shipped"), "shipped holds no submission")


def test_settings_of_a_task_that_its_suite_lacks_are_named(lnlbench, tmp_path):
    """The suite mnist-mlp has no symmetric-0.5, where the package has every method."""
    write(tmp_path / "some.jsonl.xz", shipped(suites=["mnist-mlp"], methods=["ce", "gce"]))
    how = ("--format", "csv", "--from", tmp_path / "some.jsonl.xz")
    code, out, err = lnlbench("leaderboard", "mnist-mlp", *how)
    assert code == 0 and "symmetric-0.5" not in out
    beyond = "also there, and no part of mnist-mlp: mnist-mlp/symmetric-0.5; name settings to rank them"
    assert err == f"{beyond}, or the suite mnist-mlp-core\n"
    for targets in ([], ["mnist-mlp/clean"], ["mnist-mlp/*"], ["mnist-mlp", "mnist-mlp/symmetric-0.5"]):
        code, _, err = lnlbench("leaderboard", *targets, *how)
        assert (code, err) == (0, "")


def test_the_board_of_the_front_page_is_that_of_its_suite(lnlbench):
    where = ("--from", "shipped", "--rule", "final")
    code, out, err = lnlbench("leaderboard", "mnist-mlp-core", "--format", "json", *where)
    (board,) = json.loads(out)
    assert (code, err, board["suite"], len(board["rows"])) == (0, "", "mnist-mlp-core", len(methods()))
    assert board["below"] == [] and {row["status"] for row in board["rows"]} == {"ranked"}
    leader = board["sentences"][0].partition(";")[0]
    assert f"**{leader}**" in (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def test_the_memorisation_gap(lnlbench, filled):
    out = lnlbench("leaderboard", "--gap", "--format", "markdown", "--tracking-uri", filled)[1]
    assert "cross-entropy's best test epoch minus its last" in out


def test_published_numbers(lnlbench, filled):
    out = lnlbench("leaderboard", "--published", "--format", "markdown", "--tracking-uri", filled)[1]
    assert "No published number is of" in out  # digits
    code, _, err = lnlbench("leaderboard", "--published", "--format", "csv", "--tracking-uri", filled)
    assert code == 2 and "--published is a text" in err


@pytest.mark.parametrize("option", ["--gap", "--published"])
def test_what_stands_beside_a_board_knows_a_method_by_label_and_in_full(lnlbench, tmp_path, option):
    """The board of either is the same, and so must be what follows it."""
    write(tmp_path / "runs.jsonl.xz", shipped(suites=["cifar10-subset"], methods=["ce", "gce"]))
    how = ("leaderboard", option, "--format", "markdown", "--from", tmp_path / "runs.jsonl.xz", "--methods")
    answer = lnlbench(*how, "gce")
    assert answer[0] == 0 and "No published number is of" not in answer[1]
    assert answer[1].rstrip().splitlines()[-1].startswith(("| gce |", "| cifar10-subset/"))
    assert lnlbench(*how, "gce(q=0.7)") == answer


def test_a_method_that_is_not_stored_has_no_board(one_line, lnlbench, filled):
    answer = lnlbench("leaderboard", "--methods", "gec", "--tracking-uri", filled)
    one_line(answer, "nothing is stored of 'gec'; did you mean 'gce'? there is: ce, gce, gce + early_stopping")


def test_a_method_that_was_run_elsewhere_alone_is_found_there(one_line, lnlbench, filled, tmp_path):
    """Of another length, or in another track: what the command without --methods names, too."""
    how, full = ("--tracking-uri", filled), f"digits,epochs=3,length=full/{NOISY[7:]}"
    where = f"of it there is: digits,epochs=3/{NOISY[7:]} (default)\n"
    for options in (("--methods", "gce"), ("--among", "ce, gce")):
        one_line(lnlbench("leaderboard", full, *options, *how), f"nothing is stored of 'gce' in {full}; {where}")
    one_line(lnlbench("export", tmp_path / "some.jsonl.xz", full, "-m", "gce", *how), where)
    one_line(lnlbench("leaderboard", full, "--methods", "sam", *how), "nothing is stored of 'sam'; there is: ce\n")
    chosen = [replace(run, track="tuned") if run.label == "gce" else run for run in shipped(suites=["mnist-fast"])]
    write(tmp_path / "runs.jsonl.xz", chosen)
    answer = lnlbench("leaderboard", "--from", tmp_path / "runs.jsonl.xz", "--track", "default", "--methods", "gce")
    one_line(answer, "nothing is stored of 'gce' in track default; of it there is: mnist-fast/")


def test_readings_without_their_hosts_are_said_to_be_so(lnlbench, tmp_path):
    """As in one folder of a results repository, which holds the readings alone."""
    suite = shipped(suites=["mnist-fast"])
    readings, file, page = (
        [run for run in suite if run.label == "early_stopping"],
        tmp_path / "runs.jsonl.xz",
        tmp_path / "p.html",
    )
    what = "readings are without the runs that they were read off, and scored under `final` alone"
    said = f"{len(readings)} {what}: early_stopping"
    write(file, readings)
    code, out, err = lnlbench("leaderboard", "--from", file)
    assert (code, out) == (2, "") and err.startswith(f"{said}\n") and "finds nothing to measure" in err
    assert lnlbench("leaderboard", "--from", file, "--rule", "final")[0] == 0
    others = [run for run in suite if run.label != "ce"]
    write(file, others)
    code, out, err = lnlbench("leaderboard", "--from", file, "--format", "json")
    assert (code, err) == (0, f"{said}\n")
    (board,) = json.loads(out)
    (row,) = [row for row in board["below"] if row["name"] == "early_stopping"]
    assert (row["status"], row["cells"]) == ("incomplete", {})
    for form in boards.FORMS:
        assert lnlbench("leaderboard", "--from", file, "--format", form)[0] == 0
    code, out, err = lnlbench("leaderboard", "--from", file, "--html", page)
    assert (code, err, out) == (
        0,
        f"{said}\n",
        f"{len(others) - len(readings)} results in {page}; open it in any browser\n",
    )
    out = lnlbench("site", tmp_path / "site", file)[1]
    assert f"left out: {said}" in out
