"""The script that renews what the package carries: what joins, what is replaced, and that it refuses what is wrong."""

import tomllib
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from lnlbench.benchmark import load, run
from lnlbench.benchmark.verification.import_results import ExchangeError
from lnlbench.benchmark.verification.submit import Claim, submit
from lnlbench.leaderboard.results.submission import CARD, collect

ROOT = Path(__file__).parents[2]
_spec = spec_from_file_location("ship", ROOT / "docs" / "scripts" / "ship.py")
ship = module_from_spec(_spec)
_spec.loader.exec_module(ship)
CE, READ = (Path("results", "digits", name, "1") for name in ("ce", "early_stopping"))


@pytest.fixture(scope="module")
def results(template, tmp_path_factory):
    """Cross-entropy and a reading of it, two replicates."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    run("digits/clean", "ce, early_stopping", "0-1", tracking_uri=f"sqlite:///{file}", device="cpu", epochs=2)
    return list(load(f"sqlite:///{file}"))


def content(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_runs_join_and_the_same_runs_give_the_same_bytes(results, tmp_path):
    first, root = [one for one in results if one.replicate == 0], tmp_path / "shipped"
    assert ship.ship(first, root, "2026-01-31") == [CE.as_posix(), READ.as_posix()]
    before = content(root)
    assert ship.ship(first, root, "2026-02-28") == [] and content(root) == before
    assert ship.ship(first, tmp_path / "other", "2026-01-31") and content(tmp_path / "other") == before
    second = [one for one in results if one.replicate == 1 and one.label == "ce"]
    assert ship.ship(second, root, "2026-02-28") == [CE.as_posix()]
    held = collect([root], predictions=True)
    assert {one.key for one in held.results} == {one.key for one in (*first, *second)}
    cards = {name: tomllib.loads((root / name / CARD).read_text()) for name in (CE, READ)}
    assert [card["date"] for card in cards.values()] == ["2026-02-28", "2026-01-31"]
    assert cards[CE]["authors"] == [*ship.AUTHORS] and cards[CE]["licence"] == "CC0-1.0"
    assert cards[CE]["hardware"] == [results[0].environment["hardware"]]


def test_what_does_not_verify_is_refused_and_nothing_changes(results, tmp_path):
    root = tmp_path / "shipped"
    first, second = (one for one in results if one.label == "ce")
    ship.ship([first], root, "2026-01-31")
    before = content(root)
    lower = [accuracy - 1 / 360 for accuracy in second.curves["test_accuracy"]]
    bent = replace(second, curves=second.curves | {"test_accuracy": lower})
    with pytest.raises(ExchangeError, match=r"1 of 2 results do not verify: ce .* s1: scores"):
        ship.ship([bent], root, "2026-02-28")
    assert content(root) == before


def test_one_definition_of_a_method_ships_the_one_with_more_runs_and_else_the_later(results):
    old, new = ([replace(one, method=text) for one in results[:2]] for text in ("a(revision=1)", "a(revision=2)"))
    old, new = ([replace(one, label="a", key=key + one.key) for one in runs] for key, runs in (("0", old), ("1", new)))
    assert ship.merged(old, new) == new and ship.merged(new, old) == old
    assert ship.merged(old, new[:1]) == old, "while it is made again, what was there stays"
    bf16 = [replace(one, identity=one.identity | {"precision": "bf16"}) for one in new]
    assert {one.key for one in ship.merged(old, bf16)} == {one.key for one in (*old, *bf16)}


def test_what_a_search_chose_ships_in_every_setting(results):
    """The values of a tuned method are others in each setting: they are no definitions of which one ships."""
    runs = [
        replace(one, label="a", track="tuned", setting=f"digits/{setting}", method=f"a(q={q})")
        for one, setting, q in zip(results, ("clean", "symmetric-0.4"), (0.2, 0.3), strict=False)
    ]
    assert ship.merged([], runs) == runs


def test_of_a_key_the_last_source_counts(results):
    later = replace(results[0], cost=results[0].cost | {"train_seconds": 1.0})
    assert ship.merged(results[:1], [later]) == [later]


def test_the_authors_are_those_of_the_citation():
    assert f"name: {ship.AUTHORS[0]}\n" in (ROOT / "CITATION.cff").read_text()


def test_a_submission_of_others_stays_as_it_is(results, tmp_path):
    root, (first, second) = tmp_path / "shipped", (one for one in results if one.label == "ce")
    submit([first], root, Claim(authors=("Ada Example",), version="ada", date="2026-01-31"))
    before = content(root)
    assert ship.ship([first, second], root, "2026-02-28") == [CE.as_posix()]
    after = content(root)
    assert before.items() <= after.items() and len(after) == 2 * len(before)
    assert [one.key for one in collect([root / CE]).results] == [second.key]
    assert ship.ship([first], root, "2026-03-31") == [] and content(root) == after


def test_what_ships_is_whole():
    """Every card lies in its place and says what its records say, of a method in `methods/`; no key is there twice."""
    from lnlbench.leaderboard.results.card import contradictions
    from lnlbench.leaderboard.results.submission import place, submissions

    keys = set()
    for one in submissions(ship.ROOT):
        rows = list(one.results())
        assert contradictions(one.card, rows) == [] and not one.card.plugin
        assert one.folder == ship.ROOT / place(one.card)
        assert keys.isdisjoint(row.key for row in rows)
        keys |= {row.key for row in rows}
