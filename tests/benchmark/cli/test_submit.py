"""`submit`: from a store to a results repository, and its check by the script that its workflow calls."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lnlbench.benchmark import load
from lnlbench.benchmark.cli.submissions import PLACES
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.submission import CARD, RECORDS
from lnlbench.leaderboard.shipped import shipped
from lnlbench.methods import _registry as registry

NAME = "digits,epochs=3/symmetric-0.4"
PLUGIN = """
from lnlbench.methods import Method, register


@register("halved")
class Halved(Method):
    def loss(self, logits, batch, clock):
        return super().loss(logits, batch, clock) / 2
"""


def git(root, *words):
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(lnlbench, filled, tmp_path):
    """A results repository under git, with what the store holds of one method."""
    root = tmp_path / "results-repository"
    assert lnlbench("submit", "--init", root)[0] == 0
    code, out, err = lnlbench("submit", root, "--methods", "ce", "--author", "Ada", "--tracking-uri", filled)
    assert (code, err) == (0, ""), out
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "--message", "ce")
    return root


def checked(root, base="HEAD", **variables):
    """Run the script that the workflow calls, by default against the last commit."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    where = os.environ | {"PATH": programs, "LNLBENCH_HOME": str(root.parent / "elsewhere")} | variables
    return subprocess.run(
        [root / "ci/check.sh", *([base] if base else [])], env=where, capture_output=True, text=True, check=False
    )


def test_the_template_has_a_script_that_the_workflow_calls(repository):
    for place in PLACES.values():
        assert (repository / place).is_file()
    assert "__pycache__/" in (repository / ".gitignore").read_text().splitlines()
    workflow = (repository / ".github/workflows/check.yml").read_text()
    assert "- run: ci/check.sh ${{" in workflow and workflow.count("lnlbench submit") == 0
    assert "contents: read" in workflow and "secrets" not in workflow


def test_a_repository_is_verified_ranked_and_reproduced_as_a_file_is(lnlbench, repository):
    code, out, err = lnlbench("verify", repository)
    assert (code, err) == (0, "") and "3 of 3 verify" in out, out
    code, out, err = lnlbench("reproduce", "ce", NAME, "1", "--from", repository)
    assert (code, err) == (0, "") and "identical: " in out
    shown = lnlbench("leaderboard", "--from", repository)[1]
    assert "claimed by Ada, 20" in shown
    lines = lnlbench("leaderboard", "--from", repository, "--format", "csv")[1].splitlines()
    assert lines[0].endswith(",checked") and "claimed by Ada" in lines[1]
    boards = json.loads(lnlbench("leaderboard", "--from", repository, "--format", "json")[1])
    assert boards[0]["rows"][0]["standing"].startswith("claimed by Ada")
    (held,) = load(repository).boards()[:1]
    assert "<th>checked</th>" not in held._repr_html_() and "; every row claimed by Ada" in held._repr_html_()
    page = repository / "page.html"
    lnlbench("leaderboard", "--from", repository, "--html", page)
    assert '"standing": "claimed by Ada' in page.read_text() and '"checked": "claimed' not in page.read_text()


def test_a_script_without_a_commit_to_hold_against_says_so(repository):
    for base, name in (("", "origin/main"), ("nowhere", "nowhere")):
        done = checked(repository, base)
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            done.stderr == f"there is no commit {name} here: name the one before the change, as in ci/check.sh HEAD~1\n"
        )


def test_a_script_without_git_says_how_to_begin(lnlbench, tmp_path):
    root = tmp_path / "fresh"
    assert lnlbench("submit", "--init", root)[0] == 0
    said = "there is no git repository with a commit here yet: git init && git add . && git commit --message Begin\n"
    for begun in (False, True):
        if begun:
            git(root, "init")
        done = checked(root)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_runs_with_other_values_are_not_submitted_under_the_name_of_a_setting(lnlbench, filled, repository, one_line):
    for target, right in (
        ("digits", "`digits,epochs=3` or `digits,epochs=3,length=full`"),
        ("digits/symmetric-0.4", "`digits,epochs=3,length=full/symmetric-0.4` or `digits,epochs=3/symmetric-0.4`"),
    ):
        said = lnlbench("submit", repository, target, "--author", "Ada", "--tracking-uri", filled)
        one_line(said, f"nothing is stored of {target} as it is; write {right}\n")


def test_longer_runs_of_a_file_are_submitted_with_the_setting_whose_length_they_multiply(lnlbench, stored, tmp_path):
    for target, epochs in (("digits/clean", "2x"), ("digits/symmetric-0.4", "3")):
        lnlbench("run", target, "--methods", "ce", "--seeds", "0", "--epochs", epochs, "--device", "cpu")
    file, root = tmp_path / "all.jsonl.xz", tmp_path / "repository"
    lnlbench("export", file)
    root.mkdir()
    code, out, err = lnlbench("submit", root, "digits/clean", "--author", "Ada", "--from", file)
    assert (code, err) == (0, "") and out.startswith("results/digits/ce/1: 1 result\n")


def test_a_template_overwrites_nothing(lnlbench, repository, one_line):
    one_line(lnlbench("submit", "--init", repository), "is there already, and is not overwritten")


def test_a_folder_says_which_of_its_files_are_to_be_named(lnlbench, plugin_of, stored, tmp_path):
    plugin, root = plugin_of(PLUGIN), tmp_path / "results-repository"
    lnlbench("run", "digits/clean", "--methods", plugin, "--seeds", "0", "--epochs", "3", "--device", "cpu")
    root.mkdir()
    assert lnlbench("submit", root, "--methods", plugin, "--author", "Grace")[0] == 0
    assert lnlbench("verify", root)[2] == ""
    registry._METHODS.pop("halved")
    code, out, err = lnlbench("verify", root)
    assert code == 0 and "unknown  method" in out
    assert err.endswith(f"only where they are named: --plugin {root / 'results/digits/halved/1' / plugin.name}\n")


@pytest.mark.slow  # three processes that import torch
def test_the_plugin_of_a_submission_passes_the_script_and_damages_do_not(lnlbench, plugin_of, stored, repository):
    plugin = plugin_of(PLUGIN)
    how = ["--seeds", "0-1", "--epochs", "3", "--device", "cpu", "--jobs", "1"]
    lnlbench("run", "digits/symmetric-0.4", "--methods", plugin, *how)
    code, out, err = lnlbench("submit", repository, "--methods", plugin, "--author", "Grace", "--paper", "Half a loss")
    assert (code, err) == (0, ""), out
    folder = repository / "results/digits/halved/1"
    assert sorted(path.name for path in folder.iterdir()) == [CARD, plugin.name, RECORDS]

    done = checked(repository, RECORD="results CI")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 new results in 1 submission, 1 made again: passed." in done.stdout
    comparison = (repository / "comparison.md").read_text()
    assert f"| {NAME} | halved |" in comparison and "| ce |" in comparison
    board = lnlbench("leaderboard", "--from", repository, "--format", "markdown")[1]
    assert "verified by results CI" in board and "1 of 2 reproduced" in board and "claimed by Ada" in board
    (folder / "standing.jsonl").unlink()

    _damage(repository, folder)
    done = checked(repository, SAMPLE="0")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("wrong")]
    for words in (
        ["scores: test accuracy of epoch 2 is", "(halved digits"],
        ["card: its method is halved, but its records say ", "(results/digits/halved/1)"],
        [f"removed: ce {NAME} s1: the row ", "was removed (results/digits/ce/1)"],
        [f"key: ce {NAME} s0: the key ", "is in results/digits/ce/1 too (results/digits/ce/2)"],
    ):
        assert any(all(word in line for word in words) for line in lines), (words, lines)


def _damage(repository, folder):
    """A changed prediction, a false label, a removed row and a doubled key."""
    from lnlbench.leaderboard.results.predictions import pack, unpack

    first, second = archive.read(folder / RECORDS)
    array = unpack(first.predictions)
    array[2, :, :9] = (array[2, :, :9] + 1) % 10
    archive.write(folder / RECORDS, [replace(first, predictions=pack(array)), replace(second, label="gce")])
    ce, copy = repository / "results/digits/ce/1", repository / "results/digits/ce/2"
    archive.write(ce / RECORDS, [run for run in archive.read(ce / RECORDS) if run.replicate == 0])
    shutil.copytree(ce, copy)
    (copy / CARD).write_text((copy / CARD).read_text().replace('"1"', '"2"'))


def test_mistakes_of_submit_are_one_line(lnlbench, filled, tmp_path, one_line):
    one_line(lnlbench("submit", tmp_path, "--methods", "ce", "--tracking-uri", filled), "say who submits: --author")
    one_line(lnlbench("submit", tmp_path / "none", "--author", "A"), "none` begins a results repository")
    one_line(
        lnlbench("submit", tmp_path, "--methods", "sam", "--author", "A", "--tracking-uri", filled),
        "there is no result of 'sam'; there is: ce, gce, gce + early_stopping",
    )
    one_line(lnlbench("submit", tmp_path, "--sample", "2"), "--sample is void without --check")
    one_line(lnlbench("submit", tmp_path / "none", "--check"), "there is no folder")
    assert list(tmp_path.glob("results*")) == []


def test_of_a_method_with_results_of_other_values_alone_these_are_named(lnlbench, tmp_path, one_line):
    held = shipped(suites=["mnist-fast"], methods=["ce", "gce"])
    longer = [replace(run, setting=run.setting.replace("/", ",epochs=2/")) for run in held if run.label == "gce"]
    archive.write(tmp_path / "some.jsonl.xz", [run for run in held if run.label == "ce"] + longer)
    how = ("--methods", "gce", "--author", "A", "--from", tmp_path / "some.jsonl.xz")
    lacks = "there is no result of 'gce' on {} as it is; write `{}`"
    for target, right in (
        ("mnist-fast", "mnist-fast,epochs=2"),
        ("mnist-fast/symmetric-0.5", "mnist-fast,epochs=2/symmetric-0.5"),
    ):
        one_line(lnlbench("submit", tmp_path, target, *how), lacks.format(target, right))


def test_site_of_a_repository_with_a_frozen_board(lnlbench, repository, tmp_path, one_line):
    out, board = tmp_path / "site", "releases/1.0/digits,epochs=3/default-fast-protocol1/final.md"
    assert lnlbench("site", out, repository, "--freeze", "1.0", "--title", "Ours")[0] == 0
    first = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, text, err = lnlbench("site", out, repository, "--title", "Ours")
    assert (code, err) == (0, "") and "release 1.0: built byte for byte" in text
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == first
    assert any(str(path).startswith("releases/1.0/") and path.name == Path(board).name for path in first)
    one_line(lnlbench("site", out, repository, "--freeze", "1.0"), "what is frozen stays")
    one_line(lnlbench("site", repository, repository), "is no site that could be replaced")
    kept = repository / "releases/1.0.json"
    kept.write_text(kept.read_text().replace('final.md": "', 'final.md": "0'))
    code, text, _ = lnlbench("site", out, repository)
    assert code == 1 and "release 1.0: not what it was" in text
