"""What all commands share: no option twice, none that another makes void, values explained in `--help`."""

import re

import pytest

from lnlbench.benchmark.cli import parameters
from lnlbench.benchmark.cli.boards import FORMS
from lnlbench.benchmark.cli.commands import completed
from lnlbench.leaderboard.results.form import SEARCHED, TRAINED
from lnlbench.leaderboard.results.rules import EVERY

NOISY = "digits/symmetric-0.4"


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        pytest.param(["run", NOISY, "-s", "0", "--seeds", "1"], "--replicates", id="by two names"),
        pytest.param(["run", NOISY, "--jobs", "1", "--jobs", "1"], "--jobs", id="the same value"),
        pytest.param(["study", "run", "--full", "--full", "E000-A"], "--full", id="a flag"),
        pytest.param(
            ["leaderboard", "--json", "--html", "a", "--html", "b"], "--json", id="an unknown one comes first"
        ),
    ],
)
def test_an_option_is_given_once(lnlbench, one_line, arguments, option):
    message = f"No such option: {option}" if option == "--json" else f"{option} is given more than once"
    one_line(lnlbench(*arguments), message)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        pytest.param(["run", NOISY, "-m", ""], "--methods", id="methods"),
        pytest.param(["run", NOISY, "-m", " , "], "--methods", id="a comma"),
        pytest.param(["run", NOISY, "--seeds="], "--replicates", id="seeds"),
        pytest.param(["tune", NOISY, "-m", ","], "--methods", id="of a search"),
        pytest.param(["compare", "gce", "-a", ""], "--against", id="baselines"),
        pytest.param(["leaderboard", "-m", ""], "--methods", id="rows"),
        pytest.param(["leaderboard", "--among", ","], "--among", id="the only ones"),
        pytest.param(["leaderboard", "--track", ""], "--track", id="track"),
        pytest.param(["run", NOISY, "--until-decided", "--budget", ""], "--budget", id="budget"),
    ],
)
def test_an_empty_list_is_a_slip(lnlbench, one_line, arguments, option):
    one_line(lnlbench(*arguments), f"lnlbench: {option} is empty\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["leaderboard", "--ui", "http://h"], "--ui is void without --html", id="links without a page"),
        pytest.param(["leaderboard", "--html", "x", "--complete"], "--complete is void with --html", id="page"),
        pytest.param(["leaderboard", "--html", "x", "-m", "ce"], "--methods is void with --html", id="methods"),
        pytest.param(["leaderboard", "--figure", "x.svg", "--gap"], "--gap is void with --figure", id="figure"),
        pytest.param(["leaderboard", "--wide", "-f", "csv"], "--wide is void with --format csv", id="wide"),
        pytest.param(
            ["leaderboard", "--from", __file__, "--tracking-uri", "sqlite:///y"],
            "--tracking-uri is void with --from",
            id="file and store",
        ),
        pytest.param(["run", NOISY, "--gpus", "1"], "--gpus is void without --executor ray", id="gpus"),
        pytest.param(["run", NOISY, "--ray-address", "auto"], "--ray-address is void without", id="address"),
        pytest.param(["tune", NOISY, "--dry-run", "--report", "x.md"], "--report is void with --dry-run", id="report"),
        pytest.param(["show", "abcdef", "--suspects", "x", "--json"], "--json is void with --suspects", id="suspects"),
        pytest.param(["list", "suites", "--plugin", __file__], "--plugin is void here", id="plug-in"),
        pytest.param(["list", "models", "--data-dir", "."], "--data-dir is void here", id="data"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(lnlbench, one_line, arguments, message):
    one_line(lnlbench(*arguments), message)


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        pytest.param("--until-decided digits", "--until-decided 0.5 digits", id="a suite follows"),
        pytest.param("digits --until-decided", "digits --until-decided 0.5", id="nothing follows"),
        *(
            pytest.param(f"--until-decided {number} digits", f"--until-decided {number} digits", id=number)
            for number in ("1", "0.2", ".5", "2.", "1e-3", "1E+1", ".5e1")
        ),
        pytest.param("--rerun 3 ce", "--rerun 3 ce", id="a number of runs"),
        pytest.param("--rerun 12e4567", "--rerun 1 12e4567", id="a key that looks like a number"),
    ],
)
def test_an_option_whose_value_may_be_left_out(words, filled):
    assert completed(words.split()) == filled.split()


def test_the_environment_is_no_option(lnlbench, monkeypatch, tmp_path):
    monkeypatch.setenv("LNLBENCH_DATA", str(tmp_path))
    assert lnlbench("list", "suites", "--json")[0] == 0


@pytest.mark.parametrize(
    ("command", "option", "names"),
    [
        pytest.param("leaderboard", "--rule", [*EVERY], id="rules of a leaderboard"),
        pytest.param("compare", "--rule", [*EVERY], id="rules of a comparison"),
        pytest.param("leaderboard", "--track", [*TRAINED, *SEARCHED], id="tracks"),
        pytest.param("leaderboard", "--format", FORMS, id="forms"),
    ],
)
def test_help_says_what_values_mean(lnlbench, command, option, names):
    code, out, _ = lnlbench(command, "--help")
    text = out.partition(option)[2]
    assert code == 0 and [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_rules_and_tracks_are_explained_each():
    assert all(rule.words for rule in EVERY.values()) and all(parameters.TRACKS.values())
    assert parameters.TRACKS.keys() == {*TRAINED, *SEARCHED}


@pytest.mark.parametrize("command", ["run", "tune", "leaderboard", "compare"])
def test_help_is_grouped_by_what_how_and_where(lnlbench, command):
    out = lnlbench(command, "--help")[1]
    places = [out.index(f"─ {panel} ─") for panel in ("What", "How", "Where")]
    assert places == sorted(places)


def test_sweep_is_another_name_for_run(lnlbench):
    command = (NOISY, "-m", "ce", "-s", "0", "--dry-run", "--json")
    assert lnlbench("sweep", *command) == lnlbench("run", *command)
    assert "sweep" not in lnlbench("--help")[1]


def test_version(lnlbench):
    code, out, err = lnlbench("--version")
    assert (code, err) == (0, "") and re.fullmatch(r"lnlbench \d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize("columns", [60, 80])
def test_words_of_a_plan_of_tuning_stay_whole(lnlbench, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = lnlbench("tune", NOISY, "-m", "ce, dividemix", "--dry-run")
    assert code == 0 and max(map(len, out.splitlines())) <= columns
    words = {word for line in out.splitlines() for word in re.split(r"[ ┃│]+", line)}
    assert words >= {"study", "configurations", "confirming", "ranges", "symmetric-0.4/", "dividemix.temperature"}


def test_a_cost_that_does_not_vary_is_not_searched_for(lnlbench, one_line):
    one_line(lnlbench("tune", NOISY, "-m", "ce, sln", "--cost", "--dry-run"), "changes the cost of ce; ")
