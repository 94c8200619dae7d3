"""What comes with the package: one place, read by suite and method, under a word that a path of that name wins over."""

from pathlib import Path

import pytest

from lnlbench.leaderboard import shipped as room
from lnlbench.leaderboard.results.submission import RECORDS, collect
from lnlbench.leaderboard.shipped import FOLDER, WORD, located, shipped


def test_some_suites_and_methods_are_those_of_all(package):
    chosen = shipped(suites=["mnist-fast", "mnist-subset"], methods=["gce", "early_stopping"])
    every = [one for one in package if one.setting.startswith(("mnist-fast/", "mnist-subset/"))]
    assert chosen == [one for one in every if one.label in ("gce", "early_stopping")] != []
    assert shipped(suites=["none"]) == shipped(methods=["none"]) == shipped(suites=[]) == []


def test_what_is_not_asked_for_is_not_read(monkeypatch):
    read = []
    monkeypatch.setattr(room, "stream", lambda path, **how: read.append(path) or iter(()))
    shipped(suites=["mnist-fast"], methods=["gce", "ce"])
    assert read == [FOLDER / "results" / "mnist-fast" / name / "1" / RECORDS for name in ("gce", "ce")[::-1]]


def test_they_are_a_folder_of_submissions_with_predictions_and_hosts(package):
    held = collect([FOLDER])
    assert [*held.results] == package and len({one.key for one in package}) == len(package) > 500
    assert {card.licence for card in held.cards.values()} == {"CC0-1.0"}
    (one, *_) = shipped(suites=["mnist-fast"], methods=["ce"], predictions=True)
    assert one.predictions and not shipped(suites=["mnist-fast"], methods=["ce"])[0].predictions


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_path_of_that_name_wins(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located(WORD) == FOLDER and located("other") == Path("other")
    Path(WORD).mkdir() if kind == "folder" else Path(WORD).write_text("")
    assert located(WORD) == Path(WORD)
