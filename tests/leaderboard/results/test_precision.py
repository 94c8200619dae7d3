"""The precision in keys and records: fp32 leaves no trace, records from before get the key that theirs implies."""

import json
from dataclasses import replace

import pytest

from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.precision import key_in, mixed_precisions, precision_of
from lnlbench.leaderboard.results.result import from_json, to_json
from lnlbench.leaderboard.show.page.about import command_of

OLD = "8cbed89ed4768732d50fd20f99350f61"


def test_keys_of_precisions_never_change():
    keys = [key_in(OLD, precision) for precision in ("fp32", "bf16", "fp64")]
    assert keys == [OLD, "c39e7cb82c90f45f55c991e6548eee98", "6c67b5110c82c2af48eac4b8cd930150"]


@pytest.mark.parametrize("precision", ["bf16", "fp64"])
def test_a_record_from_before_is_read_under_the_key_of_its_precision(make, precision):
    before = make(key=OLD, host="ab" * 16, environment={"precision": precision})
    now = from_json(to_json(before))
    assert (now.key, now.host) == (key_in(OLD, precision), key_in("ab" * 16, precision))
    assert precision_of(now) == precision
    assert from_json(to_json(now)) == now, "and is not derived a second time"


def test_a_record_in_fp32_is_read_as_it_is(make):
    for environment in ({"precision": "fp32"}, {}):
        before = make(key=OLD, environment=environment)
        assert from_json(to_json(before)) == before and precision_of(before) == "fp32"
        assert "precision" not in json.loads(to_json(before))["identity"]


@pytest.mark.parametrize("named", ["fp23", "", None, 3, ["bf16"]])
def test_a_precision_that_does_not_exist_is_refused(make, named):
    text = to_json(make(key=OLD, environment={"precision": named}))
    with pytest.raises(StoreError, match="the precision of a record is fp32, bf16, fp64, got"):
        from_json(text)


def test_every_shipped_result_is_of_the_precision_that_made_it(package):
    results = package
    assert {precision_of(r) for r in results if r.setting.startswith("mnist-mlp/")} == {"bf16"}
    assert {precision_of(r) for r in results if r.setting.startswith("mnist-fast/")} == {"fp32"}
    assert all(precision_of(result) == result.environment["precision"] for result in results)
    assert {result.host for result in results} - {None} <= {result.key for result in results}, "readings find hosts"


def test_two_precisions_of_one_method_are_two_rows_of_a_board(make):
    """Neither stands in the place of the other, nor is the mean of both a score."""
    plain = [make(label=label, replicate=i, test=[0.5, 0.6]) for label in ("ce", "gce") for i in range(2)]
    higher = [make(label="ce", replicate=i, test=[0.5, 0.8]) for i in range(3)]
    rounded = [replace(one, identity=one.identity | {"precision": "bf16"}) for one in higher]
    board = build([*plain, *rounded], "final")
    assert {row.name: (row.score.n, round(row.score.mean)) for row in board.rows} == {
        "ce [bf16]": (3, 80),
        "ce [fp32]": (2, 60),
        "gce": (2, 60),
    }
    assert "'ce' has results of several precisions; they are rows of their own." in board.notes
    assert board.plan is None or "[" not in board.plan.command, "no command names such a row"


def test_commands_of_a_board_name_the_precision(make):
    levels = {"ce": (0.60, 0.63), "gce": (0.62, 0.64)}
    plain = [make(label=name, replicate=i, test=[0.5, x]) for name, row in levels.items() for i, x in enumerate(row)]
    rounded = [replace(one, identity=one.identity | {"precision": "bf16"}) for one in plain]
    for runs, precision in ((plain, "fp32"), (rounded, "bf16")):
        board = build(runs, "final")
        assert command_of(board.rows[0], board).endswith(f"--replicates 0-1 --precision {precision}")
        assert board.plan.command.endswith(f"--precision {precision}")
    mixed = build([*plain[:2], *rounded[2:]], "final")
    assert mixed.plan.command == "" and command_of(mixed.row("ce"), mixed).endswith("--precision fp32")
    clean = [make(replicate=i, noise="clean") for i in range(2)]
    (row,) = build([*rounded[:2], *clean], "final").rows
    assert row.precisions == ("bf16", "fp32") and command_of(row, board) == "", "no single command makes both settings"


def test_a_board_says_where_it_compares_precisions(make):
    plain = [make(label="ce", replicate=i) for i in range(2)]
    other = [make(label="gce", replicate=i) for i in range(2)]
    rounded = [replace(result, identity=result.identity | {"precision": "bf16"}) for result in other]
    sentence = "digits/symmetric-0.4 compares several precisions, whose rounding differs: bf16: gce; fp32: ce."
    assert mixed_precisions([*plain, *rounded]) == [sentence]
    assert sentence in build([*plain, *rounded], "noisy_val").notes
    assert not mixed_precisions([*plain, *other]) and not mixed_precisions(rounded)
