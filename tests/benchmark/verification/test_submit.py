"""Submissions: written once all of it verifies, or not at all; and what a change of a results repository may not do."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lnlbench.benchmark.cli.submissions import chosen
from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.verification.beside_best import beside_best
from lnlbench.benchmark.verification.import_results import ExchangeError
from lnlbench.benchmark.verification.repository import check
from lnlbench.benchmark.verification.submit import Claim, submit
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.card import from_toml, to_toml
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.predictions import pack, unpack
from lnlbench.leaderboard.results.submission import CARD, RECORDS, STANDING, collect, submissions

CLAIM = Claim(authors=("Ada Example",), date="2026-01-31", paper="A loss", url="https://example.org/loss")
CE, CE2, GCE = (f"results/digits/{name}" for name in ("ce/1", "ce/2", "gce/1"))


@pytest.fixture
def few(results):
    """Two methods, two replicates."""
    return [run for (label, _), run in results.items() if label in ("ce", "gce")]


@pytest.fixture
def repositories(few, tmp_path):
    """A results repository before and after a change that adds a method to one that is there."""
    before, after = tmp_path / "before", tmp_path / "after"
    submit([run for run in few if run.label == "ce"], before, CLAIM)
    shutil.copytree(before, after)
    submit([run for run in few if run.label == "gce"], after, CLAIM)
    return before, after


def test_a_submission_has_a_folder_a_method_with_records_and_a_card(few, tmp_path):
    made = submit(few, tmp_path, CLAIM)
    assert [one.folder.relative_to(tmp_path).as_posix() for one in made] == [CE, GCE]
    assert sorted(path.name for path in made[0].folder.iterdir()) == [CARD, RECORDS]
    card = made[1].card
    assert (card.method, card.suite, card.licence, card.told) == ("gce", "digits", "CC0-1.0", ())
    assert card.hardware == (few[0].environment["hardware"],) and card.made_with[0].startswith("lnlbench ")
    assert from_toml((made[1].folder / CARD).read_text()) == card == from_toml(to_toml(card))
    assert {run.key for run in collect([tmp_path]).results} == {run.key for run in few}
    assert list(made[0].results(predictions=True)) == [run for run in few if run.label == "ce"]


def test_new_results_stand_beside_the_best_of_their_own_precision(few):
    new, old = ([run for run in few if run.label == label] for label in ("gce", "ce"))
    assert "| ce |" in beside_best(new, old)
    rounded = [replace(run, identity=run.identity | {"precision": "bf16"}) for run in old]
    assert "nothing yet" in beside_best(new, rounded)


def test_new_results_stand_beside_two_methods_of_one_label_apart(few):
    new, old = ([run for run in few if run.label == label] for label in ("gce", "ce"))
    edited = [replace(run, method=f"{run.method}, edited", key=f"edited-{run.key}") for run in old]
    found = beside_best(new, [*old, *edited])
    assert f"| {old[0].method} |" in found and f"| {edited[0].method} |" in found


def test_new_results_do_not_stand_beside_their_own_method_under_another_spelling(few):
    new, old = ([run for run in few if run.label == label] for label in ("gce", "ce"))
    spelled = [replace(run, label="gce(q=0.70)", key=f"old-{run.key}") for run in new]
    assert beside_best(new, [*old, *spelled]) == beside_best(new, old)


def test_what_is_chosen_by_one_spelling_is_the_whole_method(few):
    spelled = [replace(run, label="gce(q=0.70)") if run.replicate else run for run in few if run.label == "gce"]
    others = [run for run in few if run.label == "ce"]
    for name in ("gce", "gce(q=0.70)", "gce(q=0.7)"):
        assert chosen([*others, *spelled], [name]) == spelled
    assert chosen([*others, *spelled], []) == [*others, *spelled]
    with pytest.raises(StoreError, match="there is no result of 'dal'; there is: ce, gce"):
        chosen(few, ["dal"])


def test_a_reading_is_submitted_beside_its_host(results, tmp_path):
    reading = results["gce + early_stopping", 0]
    made = submit([reading, results["gce", 0]], tmp_path, CLAIM)
    assert [one.folder.parent.name for one in made] == ["gce", "gce+early_stopping"]


def bent(result):
    """The result with other predictions of ten images, under the accuracies of the true ones."""
    array = unpack(result.predictions)
    array[-1, :, :10] = (array[-1, :, :10] + 1) % 10
    return replace(result, predictions=pack(array))


@pytest.mark.parametrize(
    ("change", "claim", "error", "message"),
    [
        pytest.param(bent, CLAIM, ExchangeError, "scores: test accuracy of epoch", id="a changed prediction"),
        pytest.param(lambda r: replace(r, label="sam"), CLAIM, ExchangeError, "method: its label", id="a false label"),
        pytest.param(lambda r: r, replace(CLAIM, authors=()), StoreError, "needs the field 'authors'", id="nobody"),
        pytest.param(lambda r: r, replace(CLAIM, url="here"), StoreError, "url of a card begins", id="no address"),
        pytest.param(lambda r: r, replace(CLAIM, version="../x"), StoreError, "a version has letters", id="a path"),
    ],
)
def test_nothing_that_fails_is_written(few, tmp_path, change, claim, error, message):
    with pytest.raises(error, match=message):
        submit([*few[:-1], change(few[-1])], tmp_path, claim)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_submitted_again(few, tmp_path):
    submit(few, tmp_path, CLAIM)
    with pytest.raises(StoreError, match="is there already; another version has another name"):
        submit(few, tmp_path, CLAIM)
    with pytest.raises(StoreError, match=r"the result \w+ is in .*ce/1 already"):
        submit(few, tmp_path, replace(CLAIM, version="2"))


def test_a_change_that_adds_a_method_passes(repositories):
    before, after = repositories
    found = check(after, before, sample=1, seed=0)
    assert found.passed and [one.folder.name for one in found.added] == ["1"]
    assert {run.label for run in found.rows} == {"gce"} and {run.label for run in found.others} == {"ce"}
    assert [one.outcome for one in found.again] == ["identical"]


def test_fewer_replicates_than_another_new_method_are_noted_and_pass(few, tmp_path):
    submit([run for run in few if (run.label, run.replicate) != ("ce", 1)], tmp_path, CLAIM)
    found = check(tmp_path, None, sample=0)
    assert found.passed and [(one.state, one.detail) for _, one in found.lines] == [
        ("note", "ce has replicate 0 of 0-1")
    ]


def test_bytecode_beside_a_method_is_no_submission(repositories):
    before, after = repositories
    (after / GCE / "__pycache__").mkdir()
    (after / GCE / "__pycache__" / "my_loss.cpython-311.pyc").write_bytes(b"")
    found = check(after, before, sample=0)
    assert found.passed and found.lines == [] and [one.folder for one in found.added] == [after / GCE]


@pytest.mark.parametrize("change", [pytest.param(lambda p: p.write_text("{}"), id="changed"), Path.unlink])
def test_what_is_frozen_stays(repositories, change):
    for root in repositories:
        (root / "releases").mkdir()
        (root / "releases/1.0.json").write_text("{ }")
    before, after = repositories
    assert check(after, before, sample=0).passed
    change(after / "releases/1.0.json")
    found = check(after, before, sample=0)
    assert [(where, one.what) for where, one in found.lines] == [("releases/1.0.json", "release")]


def test_a_repository_that_was_empty_is_checked_as_a_whole(repositories):
    found = check(repositories[1], None, sample=0)
    assert found.passed and len(found.rows) == 4 and not found.again


def rewrite(folder, change):
    """Change the records of a submission."""
    archive.write(folder / RECORDS, change(archive.read(folder / RECORDS)))


def edit(folder, old, new):
    """Change the text of a card."""
    (folder / CARD).write_text((folder / CARD).read_text().replace(old, new))


def other_label(at, card):
    """The records of one method as those of another, and perhaps the card too."""
    rewrite(at / GCE, lambda runs: [replace(run, label="sam") for run in runs])
    if card:
        edit(at / GCE, '"gce"', '"sam"')
        (at / "results/digits/gce").rename(at / "results/digits/sam")


def doubled(at):
    """A copy under another version."""
    shutil.copytree(at / CE, at / CE2)
    edit(at / CE2, '"1"', '"2"')


RUN = "gce digits,epochs=3/symmetric-0.4 s0"
OWN = '{"key": "a", "state": "reproduced", "by": "me", "date": ""}\n'
DAMAGES = {
    "a changed prediction": (
        lambda at: rewrite(at / GCE, lambda runs: [bent(runs[0]), runs[1]]),
        (RUN, "scores", "test accuracy of epoch 2 is"),
    ),
    "a false label": (lambda at: other_label(at, False), (GCE, "card", "method is gce, but its records say sam")),
    "a false label on the card too": (
        lambda at: other_label(at, True),
        (RUN.replace("gce", "sam"), "method", "its label 'sam' means sam"),
    ),
    "a removed row": (lambda at: rewrite(at / CE, lambda runs: runs[:1]), (CE, "removed", "s1: the row ")),
    "a removed submission": (lambda at: shutil.rmtree(at / CE), (CE, "removed", "s0: the row ")),
    "a doubled key": (doubled, (CE2, "key", "s0: the key ")),
    "a changed row": (
        lambda at: rewrite(at / CE, lambda runs: [replace(runs[0], report=0), runs[1]]),
        (CE, "changed", "s0: "),
    ),
    "another licence": (lambda at: edit(at / GCE, "CC0-1.0", "MIT"), (GCE, "card", "given away under CC0-1.0")),
    "another suite": (lambda at: edit(at / GCE, '"digits"', '"mnist"'), (GCE, "card", "it belongs into")),
    "another file": (lambda at: (at / GCE / "x.txt").write_text("x"), (GCE, "files", "x.txt is no part")),
    "a standing of one's own": (lambda at: (at / GCE / STANDING).write_text(OWN), (GCE, "standing", "who check")),
    "no archive": (lambda at: (at / GCE / RECORDS).write_bytes(b"x"), (GCE, "records", "is no archive")),
}


@pytest.mark.parametrize(("damage", "line"), DAMAGES.values(), ids=DAMAGES)
def test_what_a_change_may_not_do(repositories, damage, line):
    before, after = repositories
    damage(after)
    found = check(after, before, sample=0)
    wrong = [(where, one.what, one.detail) for where, one in found.lines if one.state == "wrong"]
    assert not found.passed
    assert any((where, what) == line[:2] and line[2] in detail for where, what, detail in wrong), wrong


def test_invented_predictions_verify_and_are_found_by_making_the_run_again(repositories):
    before, after = repositories
    labels = images_of("digits", None).test_labels.astype(np.uint8)
    labels[:36] = (labels[:36] + 1) % 10  # one in ten is wrong, in every epoch

    def invented(runs):
        test = [1 - 36 / len(labels)] * 3
        return [
            replace(run, predictions=pack(np.tile(labels, (3, 1, 1))), curves=run.curves | {"test_accuracy": test})
            for run in runs[:1]
        ] + runs[1:]

    rewrite(after / GCE, invented)
    assert check(after, before, sample=0).passed
    found = check(after, before, sample=2)
    (wrong,) = ((where, one) for where, one in found.lines if one.state == "wrong")
    assert wrong[0] == RUN and wrong[1].detail.startswith("differs in mean10 and final")


def test_submissions_are_in_the_order_of_their_versions(few, tmp_path):
    for version, run in zip(("9", "10"), few, strict=False):
        submit([run], tmp_path, replace(CLAIM, version=version))
    assert [one.card.version for one in submissions(tmp_path)] == ["9", "10"]
