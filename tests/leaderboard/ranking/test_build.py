"""Boards: what is grouped, what ranks, what is flagged, and how it is shown."""

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from lnlbench.leaderboard.ranking.build import boards, build
from lnlbench.leaderboard.ranking.letters import LEGIBLE
from lnlbench.leaderboard.ranking.notes import notes
from lnlbench.leaderboard.show.formats import to_csv, to_json, to_latex, to_markdown, to_rich

NOISES = ("symmetric-0.4", "asymmetric-0.4")


@pytest.fixture(scope="module")
def results(make):
    """Two methods, two settings, three replicates: gce is better everywhere, significantly under one noise."""
    made = []
    for noise in NOISES:
        spread = 0.001 if noise == "symmetric-0.4" else 0.2
        for i in range(3):
            made.append(make(label="ce", noise=noise, replicate=i, test=[0.6, 0.60 + 0.01 * i]))
            made.append(
                make(label="gce", noise=noise, replicate=i, test=[0.6, 0.70 + 0.01 * i + spread * (i - 1) ** 2])
            )
    return made


def row_of(board, name):
    return next(row for row in board.rows if row.name == name)


def test_cells_ranks_and_order(results):
    (board,) = boards(results, ["final"])
    assert [row.name for row in board.rows] == ["gce", "ce"]
    gce, ce = board.rows
    cell = ce.cells["digits/symmetric-0.4"]
    assert (cell.mean, cell.n, cell.rank, cell.diverged) == (pytest.approx(0.61), 3, 2, 0)
    assert cell.half == pytest.approx(4.302653 * 0.01 / 3**0.5)
    assert ce.cells["digits/asymmetric-0.4"].rank == 1
    assert (gce.mean_rank, ce.mean_rank) == (1.0, 1.5)
    assert ce.average == pytest.approx(0.61)


def test_several_rules_side_by_side(results):
    made = boards(results, ["final", "oracle"])
    assert [board.rule for board in made] == ["final", "oracle"]
    assert all(row.mean_rank is None for row in made[1].rows)
    assert any("does not rank" in note for note in made[1].notes)
    with pytest.raises(ValueError, match="unknown rule 'best'"):
        boards(results, ["best"])


@pytest.mark.parametrize(
    ("field", "other"), [("track", "tuned"), ("length", "full"), ("protocol", 2)], ids=["track", "length", "protocol"]
)
def test_what_must_not_be_mixed_makes_boards_of_its_own(make, field, other):
    pair = [make(), make(label="gce", **{field: other})]
    assert [[row.name for row in board.rows] for board in boards(pair)] in ([["ce"], ["gce"]], [["gce"], ["ce"]])
    with pytest.raises(ValueError, match="one protocol, length and track"):
        build(pair, "final")
    with pytest.raises(ValueError, match="none"):
        build([], "final")


def test_a_missing_cell_takes_its_setting_out_of_ranks_for_all(results):
    partial = [r for r in results if (r.label, r.noise) != ("ce", "asymmetric-0.4")]
    (board,) = boards(partial, ["final"])
    assert [column.counted for column in board.columns] == [True, False]
    assert row_of(board, "gce").cells["digits/asymmetric-0.4"].rank is None
    assert row_of(board, "gce").average == pytest.approx(row_of(board, "gce").cells["digits/symmetric-0.4"].mean)
    assert "digits/asymmetric-0.4 is out of all ranks: no result of ce." in board.notes
    assert "| — |" in to_markdown(board)


def test_one_replicate_ranks_nobody_and_says_so(make):
    (board,) = boards([make(), make(label="gce", test=[0.9, 0.9, 0.9])])
    assert [row.name for row in board.rows] == ["gce", "ce"]  # still in order of their means
    assert {row.mean_rank for row in board.rows} == {None}
    assert all(cell.half is None for row in board.rows for cell in row.cells.values())
    assert any("has no ranks" in note for note in board.notes)


def test_hiding_a_method_changes_no_number(results):
    (whole,), (part,) = boards(results, ["final"]), boards(results, ["final"], show=["ce"])
    assert part.rows == (row_of(whole, "ce"),)


@pytest.fixture(scope="module")
def with_reading(results, make):
    stopped = []
    for host in (r for r in results if r.label == "ce"):
        name = "ce + early_stopping"
        test = host.curves["test_accuracy"][:1]
        stopped.append(make(label=name, noise=host.noise, replicate=host.replicate, host=host.key, test=test))
    return [*results, *stopped]


def test_a_reading_is_its_host_under_noisy_val(with_reading):
    (board,) = boards(with_reading, ["noisy_val"])
    reading, host = row_of(board, "ce + early_stopping"), row_of(board, "ce")
    assert reading.reading and not host.reading
    for setting, cell in reading.cells.items():
        assert cell.same_as_host and cell.rank is None
        assert (cell.mean, cell.half) == (host.cells[setting].mean, host.cells[setting].half)
    assert reading.mean_rank is None and host.mean_rank == 1.5  # the family is the one without readings
    line = next(line for line in to_markdown(board).splitlines() if line.startswith("| ce + early_stopping"))
    assert line.count(" = |") == 2


def test_a_reading_ranks_under_final(with_reading):
    (board,) = boards(with_reading, ["final"])
    reading = row_of(board, "ce + early_stopping")
    assert reading.mean_rank is not None
    assert [cell.mean for cell in reading.cells.values()] == pytest.approx([0.6, 0.6])


def test_flags(make):
    noise = {"realised_rate": 0.4, "guaranteed": False, "nominal_rate": None}
    runs = [make(replicate=i, identity={"noise": noise}) for i in range(2)]
    runs += [
        make(label="t", replicate=i, identity={"noise": noise}, told=("noise_rate",), diverged=i > 0) for i in (0, 1)
    ]
    (board,) = boards(runs)
    text = to_markdown(board)
    cell = row_of(board, "t").cells["digits/symmetric-0.4"]
    assert (cell.diverged, cell.mean) == (1, pytest.approx((0.7 + 0.1) / 2))
    assert "!1" in text and "†" in text and "t [told noise_rate]" in text
    assert "†" not in to_markdown(boards(runs, ["final"])[0])


def test_resolution_is_shown_where_the_numbers_are_known(make):
    # √(0.7 · 0.3 / 1000) / (1 − 0.4 − 0.4/9)
    (board,) = boards([make()])
    assert board.columns[0].resolution == pytest.approx(0.0260845, abs=1e-6)
    assert "resolution 2.61 points" in to_markdown(board)
    (unknown,) = boards([make(identity={})])
    assert unknown.columns[0].resolution is None and "resolution" not in to_markdown(unknown)


def test_a_label_for_two_methods_is_shown_in_full(make):
    (board,) = boards([make(method="ce(a=1)"), make(method="ce(a=2)", replicate=1)])
    assert sorted(row.name for row in board.rows) == ["ce(a=1)", "ce(a=2)"]
    tuned = [make(method="ce(lr=1)", track="tuned"), make(method="ce(lr=2)", track="tuned", noise="asymmetric-0.4")]
    assert [row.name for row in boards(tuned)[0].rows] == ["ce"]


def test_the_last_of_two_results_counts(make):
    (board,) = boards([make(test=[0.1]), make(test=[0.9])])
    assert board.rows[0].cells["digits/symmetric-0.4"].mean == 0.9
    assert any(note.startswith("1 older") for note in board.notes)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param({"noise": {"labels_sha256": "00"}}, "not paired", id="other labels"),
        pytest.param({"setting": {"epochs": 3}}, "did not train alike", id="other controls"),
    ],
)
def test_unequal_conditions_are_noted(make, change, note):
    runs = [make(), make(label="gce", identity=make().identity | change)]
    assert any(note in line for line in boards(runs)[0].notes)
    assert not any(note in line for line in boards([make(), make(label="gce")])[0].notes)


def test_renderings_agree(results):
    (board,) = boards(results, ["final"])
    lines = list(csv.DictReader(io.StringIO(to_csv(board))))
    assert len(lines) == 4
    first = lines[0]
    assert (first["method"], first["accuracy_percent"], first["n"], first["rank"]) == ("gce", "71.07", "3", "1")
    markdown = to_markdown(board)
    assert "71.07 ± 2.49 (1 a)" in markdown and "40.00 % wrong" in markdown
    console = Console(width=200, file=io.StringIO())
    console.print(to_rich(board))
    assert "71.07 ± 2.49 (1 a)" in console.file.getvalue()
    data = json.loads(to_json(board))
    assert (
        data["rows"][0]["cells"]["digits/symmetric-0.4"]["mean"]
        == row_of(board, "gce").cells["digits/symmetric-0.4"].mean
    )


def test_names_are_no_markup(make):
    (board,) = boards([make(label="a|b [bold]x[/]")])
    assert "a\\|b" in to_markdown(board)
    console = Console(width=200, file=io.StringIO())
    console.print(to_rich(board))
    assert "[bold]x[/]" in console.file.getvalue()


def test_groups_are_letters_of_the_tests(results):
    (board,) = boards(results, ["final"])
    apart, alike = ("digits/symmetric-0.4", "digits/asymmetric-0.4")
    letters = {row.name: [row.cells[setting].letters for setting in (apart, alike)] for row in board.rows}
    assert letters == {"gce": ["a", "a"], "ce": ["b", "a"]}
    (pair,) = board.columns[0].pairs
    assert (pair.a, pair.b, pair.n) == ("gce", "ce", 3) and pair.p < 0.05
    assert pair.difference == pytest.approx(0.1 + 0.002 / 3)


def test_too_many_groups_have_no_letters_and_the_board_says_so(make):
    """Forty methods a point apart, of scores that scatter: neighbours overlap, those far apart do not."""
    runs = [
        make(label=f"m{k:02}", replicate=i, test=[0.5 + 0.01 * k + 0.004 * (-1) ** (i * k) * (k % 3)])
        for k in range(40)
        for i in range(3)
    ]
    (board,) = boards(runs, ["final"])
    (column,) = board.columns
    assert column.groups > LEGIBLE and {row.cells[column.setting].letters for row in board.rows} == {""}
    markdown = to_markdown(board)
    assert " (1) |" in markdown and f"leave {column.groups} groups that overlap, too many for letters" in markdown


def test_too_many_groups_across_settings_are_told_too(make):
    (board,) = boards([make(label=label, replicate=i) for label in ("ce", "gce") for i in range(2)], ["final"])
    for groups, told in ((LEGIBLE, False), (LEGIBLE + 1, True)):
        found = notes("final", board.columns, board.rows, board.rows, board.across, groups)
        assert any(f"Tests across settings leave {groups} groups" in note for note in found) == told


def test_mean_ranks_have_an_interval_over_settings(results):
    (board,) = boards(results, ["final"])
    assert [row.rank_interval for row in board.rows] == [(1.0, 1.0), (1.0, 2.0)]
    assert "1.50 [1.00, 2.00]" in to_markdown(board)


def test_two_settings_decide_nothing_and_the_board_says_so(results):
    (board,) = boards(results, ["final"])
    assert not board.across.decidable and {row.letters for row in board.rows} == {None}
    assert any("cannot be decided with 2 settings (smallest attainable p 0.5," in note for note in board.notes)
    assert any(note.startswith("Replicates that a difference of 0.5 points would need") for note in board.notes)


@pytest.fixture(scope="module")
def many(make):
    """Two methods in seven settings, the better one always the same."""
    return [
        make(label=label, noise=f"symmetric-0.{s}", replicate=i, test=[0.5, value + 0.01 * s + 0.02 * i])
        for s in range(1, 8)
        for i in range(2)
        for label, value in (("ce", 0.5), ("gce", 0.6 + 0.001 * s))
    ]


def test_enough_settings_decide(many):
    (board,) = boards(many, ["final"])
    assert board.across.decidable and board.across.higher == {("gce", "ce")}
    assert [(row.name, row.letters) for row in board.rows] == [("gce", "a"), ("ce", "b")]
    assert board.across.p["ce", "gce"] == pytest.approx(2 / 2**7)
    data = json.loads(to_json(board))
    assert data["across"]["higher"] == [["gce", "ce"]]


def test_a_missing_cell_takes_its_setting_out_of_tests_across_settings(many):
    (board,) = boards([r for r in many if (r.label, r.noise) != ("ce", "symmetric-0.1")], ["final"])
    assert board.across.settings == 6
    assert board.columns[0].pairs == ()


def test_equal_scores_are_one_group(make):
    runs = [make(label=label, replicate=i, test=[0.5 + i / 10]) for label in ("a", "b", "c") for i in range(3)]
    (board,) = boards(runs, ["final"])
    assert {
        (row.cells["digits/symmetric-0.4"].rank, row.cells["digits/symmetric-0.4"].letters) for row in board.rows
    } == {(1, "a")}
    assert {pair.p for pair in board.columns[0].pairs} == {1.0}


def test_diverged_runs_are_tested_at_chance(make):
    runs = [make(label="ce", replicate=i, test=[0.5 + i / 100]) for i in range(3)]
    runs += [make(label="bad", replicate=i, test=[0.9], diverged=True) for i in range(3)]
    (board,) = boards(runs, ["final"])
    cell = row_of(board, "bad").cells["digits/symmetric-0.4"]
    assert (cell.mean, cell.half, cell.rank, cell.diverged) == (pytest.approx(0.1), pytest.approx(0), 2, 3)


def test_latex_is_a_booktabs_table(results, make):
    (board,) = boards([*results, make(label="50%_{a} & \\b ~^", test=[0.2])], ["final"])
    text = to_latex(board)
    assert r"\toprule" in text and r"\bottomrule" in text
    assert r"50\%\_\{a\} \& \textbackslash{}b \textasciitilde{}\textasciicircum{}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {3}
    (alone,) = boards(results, ["final"])
    assert r"$71.07 \pm 2.49^{a}$" in to_latex(alone)


@pytest.mark.parametrize(
    ("rates", "flagged"),
    [
        pytest.param([0.1, 0.05, 0.0], False, id="one descent"),
        pytest.param([0.01, 0.1, 0.05], False, id="a warm-up"),
        pytest.param([0.1, 0.1, 0.1], False, id="constant"),
        pytest.param([0.1, 0.01, 0.1], True, id="a cycle"),
    ],
)
def test_the_mean_of_the_last_epochs_is_flagged_where_the_learning_rate_is_cyclic(rates, flagged, make):
    runs = [make(more={"learning_rate": rates})]
    assert any("cycle of the learning rate: ce" in note for note in build(runs, "mean10").notes) == flagged
    assert not any("cycle" in note for note in build(runs, "final").notes)


def test_a_tuned_cell_has_an_interval_that_includes_the_search(make):
    plain = [make(track="tuned", replicate=i, test=[0.5, 0.7 + i / 100]) for i in range(3)]
    told = {"tuning": {"scores": [[0.6, 0.5], [0.7, 0.71], [0.65, 0.6]]}}
    tuned = [replace(run, identity=run.identity | told) for run in plain]
    (row,) = build(tuned, "noisy_val").rows
    low, high = row.cells["digits/symmetric-0.4"].searched
    assert 0 < low < 0.71 - 0.02 < high < 1, "another search may have found worse values"
    assert build(tuned, "final").rows[0].cells["digits/symmetric-0.4"].searched is None
    assert build(plain, "noisy_val").rows[0].cells["digits/symmetric-0.4"].searched is None
