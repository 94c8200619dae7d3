"""Boards: what is grouped, what is compared, what stands below, and what the special cases do."""

import re
from dataclasses import replace

import pytest

from lnlbench.leaderboard.ranking.board import BETTER, OPEN, WORSE
from lnlbench.leaderboard.ranking.build import boards, build
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.show.page.about import command_of

ONE, TWO = "digits/symmetric-0.4", "digits/asymmetric-0.4"


def cell(make, label, values, noise="symmetric-0.4", **more):
    """The runs of a cell with these accuracies, one replicate each."""
    return [
        make(label=label, noise=noise, replicate=i, test=[0.5, value], key=f"{label} {noise} {i}", **more)
        for i, value in enumerate(values)
    ]


@pytest.fixture(scope="module")
def results(make):
    """Five methods, two settings, three replicates: two good ones that nothing tells apart, and three worse ones."""
    made = []
    levels = {"ce": 0.60, "gce": 0.70, "dal": 0.701, "sam": 0.65, "mae": 0.55}
    for k, noise in enumerate(("symmetric-0.4", "asymmetric-0.4")):
        for m, (label, level) in enumerate(levels.items()):
            made += cell(make, label, [level - 0.05 * k + 0.001 * ((i + m) % 3) for i in range(3)], noise)
    return made


def test_rows_stand_in_order_of_their_means(results):
    (board,) = boards(results, ["final"])
    assert [row.name for row in board.rows] == ["dal", "gce", "sam", "ce", "mae"]
    assert board.score_name == "mean of 2" and not board.below
    means = [row.score.mean for row in board.rows]
    assert means == sorted(means, reverse=True)
    dal = board.row("dal")
    assert dal.score.mean == pytest.approx((dal.cells[ONE].mean + dal.cells[TWO].mean) / 2)
    assert 50 < dal.score.mean < 100, "in percent"


def test_a_copy_of_a_method_tells_of_no_spread(make):
    spread = {"ce": (0.60, 0.63, 0.61), "gce": (0.70, 0.71, 0.74), "sam": (0.65, 0.66, 0.68), "mae": (0.5, 0.54, 0.55)}

    def board(**rows):
        return build([run for label, values in rows.items() for run in cell(make, label, values)], "final")

    few = {name: spread[name] for name in ("ce", "gce", "sam")}
    three, copied, four = board(**few), board(**few, copy=spread["gce"]), board(**spread)
    assert four.tests.borrowed > 0 == three.tests.borrowed == copied.tests.borrowed
    assert copied.row("ce").score.half == pytest.approx(three.row("ce").score.half)


def test_the_title_says_the_setting_where_it_is_the_only_one(results):
    assert [board.title.partition(", track")[0] for board in boards(results, ["final"])] == [
        "digits, 2 settings: final"
    ]
    alone = [result for result in results if result.setting == ONE]
    assert [board.title.partition(",")[0] for board in boards(alone, ["final"])] == [f"{ONE}: final"]


def test_what_is_decided(results):
    (board,) = boards(results, ["final"])
    ranks = {row.name: row.score.rank for row in board.rows}
    assert ranks == {"dal": (1, 2), "gce": (1, 2), "sam": (3, 3), "ce": (4, 4), "mae": (5, 5)}
    assert [row.name for row in board.rows if row.score.could_be_best] == ["dal", "gce"]
    marks = {row.name: row.score.against.mark for row in board.rows if row.score.against}
    assert marks == {"dal": BETTER, "gce": BETTER, "sam": BETTER, "mae": WORSE}
    assert {row.score.against.family for row in board.rows if row.score.against} == {4}
    assert board.row("ce").score.against is None and board.reference == "ce"
    gce = board.row("gce").score
    assert gce.gap.practically_equal and -0.5 < gce.gap.bound < gce.gap.points < 0
    assert board.row("dal").score.gap is None and not board.row("sam").score.gap.practically_equal
    assert 0.5 < board.row("dal").score.chance_of_first < 1


def test_the_same_is_said_of_every_setting(results):
    (board,) = boards(results, ["final"])
    for column in board.columns:
        assert column.counted and column.n == 3 and column.tests.names[0] == "dal"
        here = {row.name: row.cells[column.setting] for row in board.rows}
        assert here["dal"].could_be_best and not here["ce"].could_be_best
        assert here["gce"].against.mark == BETTER and here["mae"].against.mark == WORSE
    assert board.tests.borrowed == pytest.approx(5 / 6)


def test_all_pairs_are_there_the_higher_one_first(results):
    (board,) = boards(results, ["final"])
    assert len(board.tests.pairs) == 10
    assert all(pair.difference >= 0 and pair.a_higher >= 0.5 and pair.p <= pair.p_holm for pair in board.tests.pairs)
    pair = board.tests.pair("sam", "gce")
    assert (pair.a, pair.b) == ("gce", "sam") and pair.decided(board.alpha)
    assert pair.difference == pytest.approx(board.row("gce").score.mean - board.row("sam").score.mean)


def test_several_rules_side_by_side(results):
    final, oracle = boards(results, ["final", "oracle"])
    assert (final.rule, oracle.rule) == ("final", "oracle")
    assert oracle.tests is None and not oracle.sentences
    assert all(row.score.rank is None and row.score.half is not None for row in oracle.rows)
    assert any("ranks nobody" in note for note in oracle.notes)
    with pytest.raises(ValueError, match="unknown rule 'best'"):
        boards(results, ["best"])


@pytest.mark.parametrize(
    ("field", "other"),
    [("track", "tuned"), ("length", "full"), ("protocol", 2), ("setting", "mnist/symmetric-0.4")],
    ids=["track", "length", "protocol", "suite"],
)
def test_what_must_not_be_mixed_makes_boards_of_its_own(make, field, other):
    pair = [make(), make(label="gce", **{field: other})]
    assert sorted([row.name for row in board.rows] for board in boards(pair)) == [["ce"], ["gce"]]
    if field != "setting":
        with pytest.raises(ValueError, match="one protocol, length and track"):
            build(pair, "final")
    with pytest.raises(ValueError, match="none"):
        build([], "final")


def test_trials_and_own_folders_share_no_table_with_others(make):
    """Runs with another field, and runs on an own folder, are suites of their own."""
    settings = ["digits/clean", "digits,lr=0.5/clean", "my-folder/given"]
    made = boards([make(label=label, setting=setting) for label in ("ce", "gce") for setting in settings])
    assert [board.suite for board in made] == ["digits", "digits,lr=0.5", "my-folder"]


def test_a_suite_that_was_asked_for_has_one_board(make):
    settings = ["digits/clean", "mnist/clean", "iris/clean"]
    runs = [make(label=label, setting=setting) for label in ("ce", "gce") for setting in settings]
    made = boards(runs, suites={"both": settings[:2]})
    assert [(board.suite, len(board.columns)) for board in made] == [("both", 2), ("iris", 1)]


# The special cases.


def test_a_missing_cell_takes_out_its_own_row_alone(results):
    partial = [r for r in results if (r.label, r.noise) != ("sam", "asymmetric-0.4")]
    (board,) = boards(partial, ["final"])
    (without,) = boards([r for r in results if r.label != "sam"], ["final"])
    assert board.rows == without.rows and board.tests == without.tests, "the others keep ranges and tests"
    (sam,) = board.below
    assert (sam.status, sam.have, sam.score) == ("incomplete", 1, None)
    assert sam.cells[ONE].mean > 60 and sam.cells[ONE].rank is None and sam.cells[ONE].half is not None
    assert "Incomplete, and not compared with the others: sam: 1 of 2." in board.notes


def test_one_replicate_beside_three_is_incomplete(results):
    partial = [r for r in results if (r.label, r.noise) != ("sam", "asymmetric-0.4") or r.replicate == 0]
    (board,) = boards(partial, ["final"])
    assert [row.name for row in board.below] == ["sam"]
    assert board.row("sam").cells[TWO].n == 1 and board.row("sam").cells[TWO].half is None
    (alone,) = boards([r for r in partial if r.noise == "asymmetric-0.4"], ["final"])
    assert "sam has one replicate; two are needed for an interval (`--replicates 1`)." in alone.notes
    assert not any("Incomplete" in note for note in alone.notes)
    (both,) = boards([r for r in results if r.label != "sam" or r.replicate == 0], ["final"])
    assert both.held(both.row("sam")) == "n = 1" and "sam has one replicate; two" in " ".join(both.notes)


def test_replicates_that_differ_between_settings_have_no_mean(results):
    kept = {"symmetric-0.4": (0, 1), "asymmetric-0.4": (1, 2)}
    partial = [r for r in results if r.label != "sam" or r.replicate in kept[r.noise]]
    (board,) = boards(partial, ["final"])
    assert [row.name for row in board.below] == ["sam"], "only replicate 1 is common"


def test_a_setting_counts_where_all_but_one_have_it(results, make):
    one_more = [*results, *cell(make, "elr", [0.9, 0.91, 0.92])]
    (board,) = boards(one_more, ["final"])
    assert [column.counted for column in board.columns] == [True, True]
    assert [row.name for row in board.below] == ["elr"]
    alone = [*results, *cell(make, "gce", [0.9, 0.91, 0.92], "clean")]
    (board,) = boards(alone, ["final"])
    assert [column.counted for column in board.columns] == [True, True, False] and len(board.rows) == 5
    assert "Not in the mean, since fewer than nine in ten methods have results there: digits/clean." in board.notes


def test_complete_counts_only_what_all_have(results, make):
    one_more = [*results, *cell(make, "elr", [0.9, 0.91, 0.92])]
    (board,) = boards(one_more, ["final"], complete=True)
    assert [column.counted for column in board.columns] == [True, False]
    assert board.rows[0].name == "elr" and not board.below
    assert board.row("elr").score == board.row("elr").cells[ONE]


def test_unequal_numbers_of_replicates_are_compared(results, make):
    more = [*results, *(r for r in cell(make, "gce", [0.7, 0.7, 0.7, 0.703, 0.701]) if r.replicate > 2)]
    (board,) = boards(more, ["final"])
    gce = board.row("gce")
    assert (gce.cells[ONE].n, gce.cells[TWO].n, gce.score.n) == (5, 3, 3), "the mean takes the common replicates"
    assert gce.score.rank == (1, 2)


def test_diverged_runs_score_chance_and_are_never_best(results, make):
    lucky = [replace(r, diverged=r.replicate == 0) for r in cell(make, "wild", [0.99, 0.99, 0.99])]
    (board,) = boards([r for r in results if r.noise == "symmetric-0.4"] + lucky, ["final"])
    wild = board.row("wild").score
    assert wild.mean == pytest.approx((10 + 99 + 99) / 3) and (wild.diverged, wild.n) == (1, 3)
    assert wild.rank[0] == 1 and not wild.could_be_best
    (alone,) = boards([r for r in results if r.noise == "symmetric-0.4"], ["final"])
    assert board.tests.borrowed == alone.tests.borrowed, "out of the prior"
    assert board.row("gce").score.half == alone.row("gce").score.half
    assert "! diverged runs score chance and count: wild 1." in board.notes


def test_a_first_row_with_diverged_runs_is_said_to_be_so(results, make):
    lucky = [replace(r, diverged=r.replicate == 0) for r in cell(make, "wild", [0.5, 0.9999, 0.9999, 0.9999, 0.9999])]
    (board,) = boards([r for r in results if r.noise == "symmetric-0.4"] + lucky, ["final"])
    assert board.rows[0].name == "wild"
    assert board.sentences[0].endswith("but 1 of its runs diverged.")


def lost(make, label, replicates=2):
    return [replace(r, diverged=True) for r in cell(make, label, [0.1] * replicates)]


def test_of_methods_that_all_diverged_none_is_first_by_its_name(make):
    runs = [run for label in ("sam", "ce", "mae") for run in lost(make, label)]
    (board,) = boards(runs, ["final"])
    first, without, *_ = board.sentences
    assert first == "ce, mae and sam are first with equal scores (10.00), but 6 of their runs diverged."
    assert without == "Without such methods, none could be best."
    (part,) = boards(runs, ["final"], ["sam", "mae"])
    assert "mae and sam have equal scores." in part.sentences
    (once,) = boards([run for run in runs if run.replicate == 0], ["final"])
    said = "ce, mae and sam have the highest mean; with one replicate this is an order, not a result."
    assert once.sentences == (said,)


def test_a_stable_method_at_chance_could_be_best_beside_one_that_diverged(make):
    (board,) = boards([*lost(make, "ce"), *cell(make, "mae", [0.1, 0.1]), *lost(make, "sam")], ["final"])
    first, without, *_ = board.sentences
    assert first == "ce, mae and sam are first with equal scores (10.00), but 4 of their runs diverged."
    assert without == "Without such methods, mae could be best."


def test_those_that_share_the_highest_mean_are_first_before_others_that_could_be(make):
    levels = {"gce": (0.7, 0.71, 0.72), "dal": (0.72, 0.71, 0.7), "sam": (0.7, 0.71, 0.71), "ce": (0.1, 0.11, 0.12)}
    (board,) = boards([run for label, values in levels.items() for run in cell(make, label, values)], ["final"])
    said = "dal and gce are first with equal scores (71.00); it could also be sam; the other 1 is surely not."
    assert board.sentences[0] == said


def test_who_is_not_best_for_a_divergence_alone_is_not_surely_worse(results, make):
    one = [r for r in results if r.noise == "symmetric-0.4"]
    wild = [replace(r, diverged=r.replicate == 0) for r in cell(make, "wild", [0.9, 0.9, 0.89])]
    (board,) = boards([*one, *wild], ["final"])
    assert board.rows[0].name == "dal" and board.row("wild").score.rank[0] == 1
    said = "it could also be gce; the other 3 are surely not; wild is not ruled out, but had runs that diverged."
    assert board.sentences[0].endswith(said)
    (part,) = boards([*one, *wild], ["final"], ["wild", "ce"])
    said = "No stable one of these could be best; wild is not ruled out, but had runs that diverged."
    assert said in part.sentences
    (alone,) = boards([*(r for r in one if r.label != "gce"), *wild], ["final"])
    said = "and no other stable one could be best; wild is not ruled out, but had runs that diverged."
    assert alone.sentences[0].endswith(said)


def test_a_replicate_that_diverged_at_once_counts_as_a_detector_by_chance(make):
    """Its curve holds no number, and it counts in the mean all the same, as it does in that of accuracy."""
    runs = [
        make(label=label, replicate=i, test=[0.5, 0.6], more={"auroc_online": [0.6, value]}, key=f"{label} {i}")
        for label, values in {"ce": (0.8, 0.81, 0.82), "gce": (0.9, 0.91)}.items()
        for i, value in enumerate(values)
    ]
    lost = make(label="gce", replicate=2, test=[0.1], diverged=True, more={"auroc_online": [None]}, key="gce 2")
    (board,) = boards([*runs, lost], ["detection_auroc"])
    cell = board.row("gce").score
    assert (cell.n, cell.diverged, cell.could_be_best) == (3, 1, False)
    assert cell.mean == pytest.approx((90 + 91 + 50) / 3)
    (alone,) = boards([lost], ["detection_auroc"])
    assert alone.rows[0].cells[ONE].mean == 50, "a board of diverged runs alone"


def test_equal_scores_decide_nothing_by_themselves(make):
    """Zero variance takes the prior's; without one, that of the others; p is never 0."""
    many = [
        run for k in range(5) for run in cell(make, f"m{k}", [0.6 + 0.001 * k + 0.002 * (i * k % 3) for i in range(3)])
    ]
    flat = cell(make, "flat", [0.61, 0.61, 0.61])
    (board,) = boards([*many, *flat], ["final"])
    assert board.row("flat").score.half > 0 and all(pair.p > 0 for pair in board.tests.pairs)
    (two,) = boards([*cell(make, "a", [0.6] * 3), *cell(make, "b", [0.7] * 3)], ["final"])
    assert two.tests.pairs[0].p == 1 and {row.score.rank for row in two.rows} == {(1, 2)}
    assert two.rows[0].score.half is None


def test_equal_methods_share_all_ranks(make):
    runs = [run for label in "abcd" for run in cell(make, label, [0.5, 0.6, 0.7])]
    (board,) = boards(runs, ["final"])
    assert {row.score.rank for row in board.rows} == {(1, 4)}
    assert {pair.p_holm for pair in board.tests.pairs} == {1.0}


def test_fewer_than_four_rows_borrow_nothing(results):
    (board,) = boards([r for r in results if r.label in ("ce", "gce", "dal")], ["final"])
    assert board.tests.borrowed == 0
    assert any(
        "each uses its method's replicates alone: pooling needs at least 4 methods whose replicates differ, and there "
        "are 3." in text
        for text in board.sentences
    )


def test_methods_of_unlike_spread_borrow_nothing_and_it_is_said(make):
    spreads = {"ce": 0.1, "gce": 0.001, "dal": 1e-5, "sam": 0.03, "elr": 1e-4, "mae": 0.02}
    runs = [run for label, s in spreads.items() for run in cell(make, label, [0.5 - s, 0.5 + s, 0.5])]
    (board,) = boards(runs, ["final"])
    assert board.tests.borrowed == 0
    assert "Intervals are 95 %; nothing is borrowed from the other methods, whose variances are too unlike." in (
        board.sentences
    )
    halves = {row.name: row.score.half for row in board.rows}
    assert halves["ce"] / halves["dal"] == pytest.approx(1e4, rel=0.3), "each has the interval of its own runs"


def test_one_setting_has_no_column_for_the_mean(results):
    (board,) = boards([r for r in results if r.noise == "symmetric-0.4"], ["final"])
    assert board.score_name == ONE and board.tests == board.columns[0].tests
    assert all(row.score == row.cells[ONE] for row in board.rows)


def test_one_replicate_is_an_order_and_not_a_result(make):
    (board,) = boards([make(), make(label="gce", test=[0.9, 0.9, 0.9])])
    assert [row.name for row in board.rows] == ["gce", "ce"]
    assert board.tests is None and all(row.score.half is None for row in board.rows)
    assert board.sentences == ("gce has the highest mean; with one replicate this is an order, not a result.",)


def test_two_replicates_say_that_neighbours_are_guessed(results):
    (board,) = boards([r for r in results if r.replicate < 2], ["final"])
    assert board.sentences[-1].endswith("With two replicates the order of neighbours is a guess.")
    (board,) = boards(results, ["final"])
    assert not any("guess" in text for text in board.sentences)


@pytest.fixture(scope="module")
def with_reading(results, make):
    """A reading that reports an earlier epoch of cross-entropy, and one that reports the last."""
    made = []
    for host in (r for r in results if r.label == "ce"):
        curve = host.curves["test_accuracy"]
        for label, stop in (("stopped", 1), ("waits", 2)):
            more = {"noise": host.noise, "replicate": host.replicate, "host": host.key, "key": f"{label} {host.key}"}
            made.append(make(label=label, test=curve[:stop], **more))
    return [*results, *made]


def test_a_reading_is_its_host_under_noisy_val(with_reading, results):
    (board,), (without,) = boards(with_reading, ["noisy_val"]), boards(results, ["noisy_val"])
    names = [row.name for row in board.rows]
    assert names[names.index("ce") : names.index("ce") + 3] == ["ce", "stopped", "waits"]
    for name in ("stopped", "waits"):
        row = board.row(name)
        assert (row.status, row.host, row.score.mean) == ("same", "ce", board.row("ce").score.mean)
        assert row.score.rank is None and all(cell.same_as_host for cell in row.cells.values())
    assert board.tests == without.tests
    assert "= the same runs as their host's under this rule, not compared: stopped, waits." in board.notes


def test_settings_that_do_not_count_stand_behind_those_that_do(make):
    runs = [make(label=label, replicate=i, noise="clean") for label in ("ce", "gce", "sam") for i in range(2)]
    more = [make(label="ce", replicate=i, noise="symmetric-0.4") for i in range(2)]
    (board,) = boards([*more, *runs])
    assert [(column.noise, column.counted) for column in board.columns] == [("clean", True), ("symmetric-0.4", False)]


def test_a_reading_is_its_host_where_the_host_has_more_replicates(with_reading):
    fewer = [run for run in with_reading if run.label != "waits" or run.replicate < 2]
    (board,) = boards(fewer, ["final"])
    assert board.row("waits").status == "same" and board.row("waits").cells.keys() == board.row("ce").cells.keys()
    assert {cell.n for cell in board.row("waits").cells.values()} == {2}
    assert all(cell.same_as_host for cell in board.row("waits").cells.values())


def test_a_cell_that_is_its_host_s_is_explained_where_the_row_is_not(make):
    """The reading ends with its host under symmetric noise, and an epoch before it on clean labels."""
    ends = {"symmetric-0.4": [0.5, 0.7, 0.6], "clean": [0.5, 0.7]}
    runs = [make(label=label, noise=noise, replicate=i) for label in ("ce", "gce") for noise in ends for i in range(2)]
    readings = [
        make(label="stopped", noise=host.noise, replicate=host.replicate, test=ends[host.noise], host=host.key)
        for host in runs
        if host.label == "ce"
    ]
    (board,) = boards([*runs, *readings], ["final"])
    same = {setting: cell.same_as_host for setting, cell in board.row("stopped").cells.items()}
    (setting,) = (setting for setting, held in same.items() if held)
    assert setting.endswith("symmetric-0.4") and board.row("stopped").status == "ranked"
    assert f"= in that setting the same runs as their host's: stopped ({setting})." in board.notes


def test_a_reading_is_compared_under_final_but_not_with_cross_entropy(with_reading):
    (board,) = boards(with_reading, ["final"])
    stopped, waits = board.row("stopped"), board.row("waits")
    assert stopped.status == "ranked" and stopped.score.rank == (6, 6) and stopped.score.against is None
    assert waits.status == "same" and waits.score.rank is None
    assert board.row("gce").score.against.family == 4
    (alone,) = boards([r for r in with_reading if r.label not in ("stopped", "waits")], ["final"])
    assert board.tests.borrowed == alone.tests.borrowed, "out of the prior"


def test_a_tuned_cell_has_an_interval_that_includes_the_search(make):
    plain = [make(track="tuned", replicate=i, test=[0.5, 0.7 + i / 100]) for i in range(3)]
    told = {"tuning": {"scores": [[0.6, 0.5], [0.7, 0.71], [0.65, 0.6]]}}
    tuned = [replace(run, identity=run.identity | told) for run in plain]
    (row,) = build(tuned, "noisy_val").rows
    low, high = row.cells[ONE].searched
    assert 0 < low < 69 < high < 100, "another search may have found worse values"
    assert build(tuned, "final").rows[0].cells[ONE].searched is None
    assert build(plain, "noisy_val").rows[0].cells[ONE].searched is None


def test_intervals_are_cut_to_accuracies(make):
    (board,) = boards([*cell(make, "ce", [0.9, 1.0]), *cell(make, "bad", [0.0, 0.1])], ["final"])
    assert board.row("ce").score.ends[1] == 100 and board.row("bad").score.ends[0] == 0


# What a reader is told.


def test_sentences_say_who_is_first_and_what_would_decide(results):
    (board,) = boards(results, ["final"])
    first, equal, against, command, needed, whence = board.sentences
    assert first.startswith("dal is first (") and first.endswith("it could also be gce; the other 3 are surely not.")
    assert equal == "gce is practically equal to it: within 0.5 points."
    assert against == "Against ce: 3 better, 1 worse, 0 cannot be told apart yet (Holm over 4 comparisons)."
    assert '`lnlbench run digits/symmetric-0.4 digits/asymmetric-0.4 --methods "dal, gce" --replicates 3-' in command
    assert "more runs will not tell" in needed or "replicates" in needed
    assert whence.startswith("Intervals are 95 %; their variances are partly borrowed")


def test_equal_scores_are_said_to_be_equal(make):
    """A first board of one's own may have two rows of the same runs, at no gap: neither `-0.00 points` nor advice."""
    (board,) = boards([run for label in ("ce", "gce") for run in cell(make, label, [0.6, 0.6, 0.6])], ["final"])
    assert board.sentences[0] == "ce and gce are first with equal scores (60.00), and no other could be best."
    assert not any("0.00 points" in text or "What would decide" in text for text in board.sentences)
    assert board.sentences[-1].endswith("pooling needs at least 4 methods whose replicates differ, and there are 0.")


def taking(passes):
    return {"cost": {"forward_passes": passes, "backward_passes": passes, "epochs": 2}}


@pytest.mark.parametrize(
    ("of_gce", "said"),
    [
        pytest.param(taking(3.0), "within 0.5 points, at 3.0 times its passes.", id="recorded"),
        pytest.param({"cost": {}}, "within 0.5 points.", id="not recorded"),
    ],
)
def test_what_is_practically_equal_says_what_it_costs(make, of_gce, said):
    levels = {"dal": 0.701, "gce": 0.7, "ce": 0.6, "mae": 0.5}
    runs = [
        run
        for m, (label, level) in enumerate(levels.items())
        for run in cell(
            make,
            label,
            [level + 0.001 * ((i + m) % 3) for i in range(3)],
            **(of_gce if label == "gce" else taking(1.0)),
        )
    ]
    (board,), (part,) = boards(runs, ["final"]), boards(runs, ["final"], show=["gce", "ce"])
    assert f"gce is practically equal to it: {said}" in board.sentences
    of_the_first = said.replace("its", "the first's")
    assert f"gce is practically equal to the first: {of_the_first}" in part.sentences


def test_it_is_said_how_all_settings_count_where_few_methods_lack_some(make):
    levels = {f"m{i}": 0.6 + i / 100 for i in range(7)}
    runs = [run for label, level in levels.items() for run in cell(make, label, [level, level + 0.01])]
    runs += [run for label in [*levels][:5] for run in cell(make, label, [0.9, 0.91], "clean")]
    assert len(boards(runs, ["final"])[0].counted) == 1
    assert not any("--among" in said for said in boards(runs, ["final"])[0].sentences), "two of seven are many"
    more = [
        run
        for i in (7, 8)
        for label in [f"m{i}"]
        for s in ("symmetric-0.4", "clean")
        for run in cell(make, label, [0.5, 0.51], s)
    ]
    (board,) = boards([*runs, *more], ["final"])
    assert 'Without m5 and m6 all settings count: `--among "m4, m3, m2, m1, m0, m7, m8"`.' in board.sentences


def test_the_one_setting_that_counts_is_named_and_why_others_do_not(make):
    """On the second setting, which half of the rows lack, another method is above the first."""
    levels = {"ce": 0.6, "gce": 0.7, "dal": 0.72, "mae": 0.5}
    runs = [run for label, level in levels.items() for run in cell(make, label, [level, level + 0.01])]
    runs += [run for label in ("ce", "gce") for run in cell(make, label, [0.9, 0.91], "clean")]
    runs += cell(make, "dal", [0.8], "clean")
    (board,), (part,) = boards(runs, ["final"]), boards(runs, ["final"], show=["ce", "gce"])
    assert board.sentences[0].startswith("At symmetric-0.4, the one setting that counts, dal is first (72.50")
    assert "clean is shown and not counted, since dal and mae lack runs there." in board.sentences
    assert "clean is shown and not counted, since other methods lack runs there." in part.sentences
    assert not any("Not in the mean" in note for note in board.notes), "there is no mean"
    assert board.place == "digits, 1 of 2 settings" and not any("--among" in said for said in board.sentences)
    (two,) = boards([*runs, *(r for label in "ab" for r in cell(make, label, [0.1, 0.2], "clean"))], ["final"])
    assert len(two.counted) != 1 or two.sentences[0].startswith("At ")


def test_it_is_said_why_cross_entropy_could_be_best_and_is_below_the_first(make):
    """Four readings widen the ranges of ranks, and are not of the family against cross-entropy."""
    own = [*cell(make, "ce", [0.60, 0.61, 0.62]), *cell(make, "gce", [0.63, 0.64, 0.65])]
    read = [
        run
        for k in range(4)
        for i in range(3)
        for run in cell(make, f"stop{k}", [0.60 + 0.01 * i + 0.001 * (k + i)] * (i + 1), host=f"ce symmetric-0.4 {i}")[
            i:
        ]
    ]
    said = "ce holds ● although gce is + against it"
    (board,) = boards([*own, *read], ["final"])
    assert board.rows[0].score.against.mark == "+" and board.row("ce").score.could_be_best
    assert any(note.startswith(said) for note in board.notes)
    (plain,) = boards(own, ["final"])
    assert not plain.row("ce").score.could_be_best and not any(note.startswith(said) for note in plain.notes)


def test_clean_labels_say_what_robustness_costs(results, make):
    clean = []
    for k, label in enumerate(("ce", "gce", "dal", "sam", "mae")):
        level = 0.9 if label in ("gce", "mae") else 0.95
        clean += cell(make, label, [level + 0.001 * ((i + k) % 3) for i in range(3)], "clean")
    (board,) = boards([*results, *clean], ["final"])
    assert any("On clean labels 2 cost accuracy and 0 gain some." in text for text in board.sentences)


def test_more_runs_of_contenders_are_planned_with_their_cost(make):
    runs = []
    for k, label in enumerate(("ce", "gce", "dal", "sam")):
        values = [0.6 + 0.004 * k + 0.012 * ((i + k) % 3) for i in range(3)]
        runs += cell(make, label, values, cost={"train_seconds": 8.0, "total_seconds": 10.0})
    (board,) = boards(runs, ["final"])
    plan = board.plan
    assert {one.name for one in plan.contenders} == {"dal", "gce", "ce"}
    assert "--replicates 3-6" in plan.command and (plan.runs, plan.seconds) == (16, 160)
    assert all(one.replicates is None or one.replicates > 3 for one in plan.contenders)
    step = ", a first step" if max(one.replicates or 0 for one in plan.contenders) > 7 else ""
    said = " ".join(board.sentences)
    assert step and f"More replicates of those that could be best{step}: `lnlbench run" in said, "4 of 7 and more"
    gaps = [one.gap for one in plan.contenders]
    assert gaps == sorted(gaps) and (plan.contenders[0].replicates or 101) >= plan.contenders[-1].replicates


def test_the_files_of_methods_are_in_the_command(make):
    own = {"environment": {"lnlbench": "0.1.0", "plugins": ["mine.py"]}}
    runs = [run for label in "ab" for run in cell(make, label, [0.5, 0.6, 0.71], **(own if label == "a" else {}))]
    runs += cell(make, "c", [0.51, 0.62, 0.7])
    (board,) = boards(runs, ["final"])
    assert board.row("a").plugins == ("mine.py",) and board.row("b").plugins == ()
    assert not board.plan.command or board.plan.command.endswith("--plugin mine.py")
    assert command_of(board.row("a"), board).endswith("--precision fp32 --plugin mine.py")


def test_changed_settings_are_in_the_command(make):
    runs = [run for label in "abcd" for run in cell(make, label, [0.5, 0.6, 0.71 + ord(label) / 1000])]
    changed = [replace(run, setting="digits,epochs=2/symmetric-0.4") for run in runs]
    (board,) = boards(changed, ["final"])
    assert "digits/symmetric-0.4 " in board.plan.command and "--set epochs=2" in board.plan.command
    assert "more runs will not tell" in " ".join(board.sentences) or "--set epochs=2" in board.plan.command


def test_hiding_a_method_changes_no_number(results):
    (whole,), (part,) = boards(results, ["final"]), boards(results, ["final"], show=["ce"])
    assert part.rows == (whole.row("ce"),) and part.tests == whole.tests


def test_what_is_said_of_some_rows_names_no_other():
    names = ("mnist-mlp/clean", "mnist-mlp/asymmetric-0.4")
    runs = [run for run in shipped(suites=["mnist-mlp"]) if run.setting in names]
    (whole,), (part,) = boards(runs), boards(runs, show=["ce", "gce"])
    assert (len(whole.rows) + len(whole.below), len(part.rows)) == (59, 2)
    ranks = sum(row.status == "ranked" for row in whole.rows)
    first, best, *others = part.sentences
    assert first == f"Shown 2 of 59; ranks are among all {ranks}." and best == "None of these could be best."
    assert others[0].startswith(f"Against ce: 1 better, 0 worse, 0 cannot be told apart yet (Holm over {ranks - 1} ")
    hidden = {row.name for row in (*whole.rows, *whole.below)} - {"ce", "gce"}
    said = re.sub(r"[^\w+]+", " ", " ".join([*part.sentences, *part.notes])).split()
    assert part.plan is None and hidden & {*said} == set()
    best = [row.name for row in whole.rows if row.score and row.score.could_be_best]
    (part,) = boards(runs, show=best)
    assert part.plan == whole.plan and any(whole.plan.command in text for text in part.sentences)


def test_a_row_in_full_is_shown_by_its_label_and_a_board_without_rows_is_none(make):
    runs = [make(label="gce", method=f"gce(q={q})", replicate=i, test=[q]) for i in range(2) for q in (0.5, 0.7)]
    runs += [make(label="ce", method="ce", replicate=i, test=[0.6]) for i in range(2)]
    runs += [make(label="ce", method="ce", setting="mnist/clean", replicate=i, test=[0.6]) for i in range(2)]
    (board,) = boards(runs, show=["gce"])
    assert {row.name for row in board.rows} == {"gce(q=0.5)", "gce(q=0.7)"} and board.suite == "digits"
    assert any("'gce' stands for several" in note for note in board.notes)
    assert not any("'gce'" in note for board in boards(runs, show=["ce"]) for note in board.notes)


def test_an_unknown_reference_leaves_the_marks_out(results):
    (board,) = boards([r for r in results if r.label != "ce"], ["final"])
    assert board.reference is None and all(row.score.against is None for row in board.rows)
    assert not any(text.startswith("Against") for text in board.sentences)


def test_what_cannot_be_told_is_open(make):
    runs = [*cell(make, "ce", [0.5, 0.6, 0.7]), *cell(make, "gce", [0.52, 0.6, 0.72])]
    (board,) = boards(runs, ["final"])
    assert board.row("gce").score.against.mark == OPEN
    assert any("0 better, 0 worse, 1 cannot be told apart yet (Holm over 1 comparison)" in t for t in board.sentences)


# Notes.


def test_resolution_is_known_where_the_numbers_are(make):
    # √(0.7 · 0.3 / 1000) / (1 − 0.4 − 0.4/9), in points
    (board,) = boards([make()])
    assert board.columns[0].resolution == pytest.approx(2.60845, abs=1e-4)
    assert boards([make(identity={})])[0].columns[0].resolution is None


def test_a_label_for_two_methods_is_shown_in_full(make):
    (board,) = boards([make(method="ce(a=1)"), make(method="ce(a=2)", replicate=1)])
    assert sorted(row.name for row in board.rows) == ["ce(a=1)", "ce(a=2)"]
    tuned = [make(method="ce(lr=1)", track="tuned"), make(method="ce(lr=2)", track="tuned", noise="asymmetric-0.4")]
    assert [row.name for row in (*boards(tuned)[0].rows, *boards(tuned)[0].below)] == ["ce"]


def spelled_in_two_ways(make, **more):
    """Four methods of close scores; of one two replicates are stored under another spelling."""
    runs = []
    for k, label in enumerate(("ce", "gce", "dal", "sam")):
        values = [0.6 + 0.004 * k + 0.012 * ((i + k) % 3) for i in range(4)]
        runs += cell(make, label, values, cost={"train_seconds": 8.0, "total_seconds": 10.0})
    return [replace(r, label="gce(q=0.70)", **more) if r.label == "gce" and r.replicate < 2 else r for r in runs]


def test_a_method_is_one_row_however_it_was_written(make):
    runs = spelled_in_two_ways(make)
    plain = [replace(run, label=run.label.partition("(")[0]) for run in runs]
    assert boards(runs, ["final"]) == boards(plain, ["final"])
    (board,) = boards(runs, ["final"])
    assert board.row("gce").score.n == 4 and board.row("gce").score.against.family == 3
    (part,) = boards(runs, ["final"], show=["gce(q=0.70)"])
    assert [row.name for row in part.rows] == ["gce"]


def test_the_command_for_more_replicates_names_a_method_once(make):
    (board,) = boards(spelled_in_two_ways(make), ["final"])
    (said,) = [text for text in board.sentences if text.startswith("More replicates of those that could be best")]
    methods = said.partition('--methods "')[2].partition('"')[0].split(", ")
    assert sorted(methods) == ["ce", "dal", "gce", "sam"] and "--replicates 4-7" in said
    assert board.plan.runs == 4 * 4


def test_another_precision_or_side_information_is_a_row_of_its_own_under_any_spelling(make):
    half = spelled_in_two_ways(make, identity=make().identity | {"precision": "bf16"})
    (board,) = boards(half, ["final"])
    assert [board.row(name).score.n for name in ("gce [fp32]", "gce [bf16]")] == [2, 2]
    told = spelled_in_two_ways(make, method="gce(q=0.7) [true]")
    (board,) = boards(told, ["final"])
    assert {row.name for row in board.rows} == {"ce", "gce", "gce(q=0.70)", "dal", "sam"}


def test_the_last_of_two_results_counts(make):
    (board,) = boards([make(test=[0.1]), make(test=[0.9])])
    assert board.rows[0].cells[ONE].mean == 90
    assert any(note.startswith("1 older") for note in board.notes)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param({"noise": {"labels_sha256": "00"}}, "Noise or split differ", id="other labels"),
        pytest.param({"setting": {"epochs": 3}}, "did not train alike", id="other controls"),
    ],
)
def test_unequal_conditions_are_noted(make, change, note):
    runs = [make(), make(label="gce", identity=make().identity | change)]
    assert any(note in line for line in boards(runs)[0].notes)
    assert not any(note in line for line in boards([make(), make(label="gce")])[0].notes)


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


def test_an_estimate_that_is_hardly_below_the_errors_is_called_an_upper_bound(make):
    plain = make().identity
    weak = {"noise_rate": 0.58, "out_of_fold_accuracy": 0.28, "upper_bound": True}
    runs = [make(label=label, replicate=i) for label in ("ce", "gce") for i in (0, 1)]
    told = [
        make(label="kept", replicate=i, told=("noise_rate (estimated)",), identity=plain | {"told": weak | extra})
        for i, extra in enumerate([{}, {"noise_rate": 0.61}])
    ]
    note = "told are upper bounds: digits/symmetric-0.4: 0.58 to 0.61, by networks right on 0.28."
    assert any(line.endswith(note) for line in build([*runs, *told], "final").notes)
    sure = [replace(run, identity=plain | {"told": weak | {"upper_bound": False}}) for run in told]
    assert not any("upper bounds" in line for line in build([*runs, *sure], "final").notes)


@pytest.mark.parametrize("rule", ["noisy_val", "mean10", "oracle"])
def test_a_reading_without_its_host_has_no_score_that_is_not_its_own(with_reading, results, rule):
    without = [run for run in results if run.label != "ce"]
    readings = [run for run in with_reading if run.host is not None]
    (board,), (alone,) = boards([*without, *readings], [rule]), boards(without, [rule])
    row = board.row("stopped")
    assert (row.status, row.score, row.cells, row.host) == ("incomplete", None, {}, None)
    assert board.rows == alone.rows and board.tests == alone.tests
    lost = len(readings) // 2
    said = "Without the runs that they were read off, and so without a score under this rule: "
    assert f"{said}stopped {lost}, waits {lost}." in board.notes
    assert boards(readings, [rule]) == []
    with pytest.raises(ValueError, match="finds nothing to measure"):
        build(readings, rule)
    (board,) = boards(readings, ["final"])
    assert board.row("stopped").score is not None, "the epoch that it reports is its own"


def test_a_reading_is_scored_where_its_host_is(with_reading):
    some = [run for run in with_reading if run.label != "ce" or run.replicate > 0]
    (board,), (whole,) = boards(some, ["noisy_val"]), boards(with_reading, ["noisy_val"])
    for setting, cell in board.row("stopped").cells.items():
        every = whole.row("ce").cells[setting].scores
        assert cell.scores == {i: score for i, score in every.items() if i > 0}


def test_a_reading_of_a_longer_run_is_its_host_too(make):
    """References are sorted out before rows are scored, and their readings with them."""
    base = [make(label=label, replicate=i) for label in ("ce", "gce") for i in range(2)]
    longer = {"setting": "digits,epochs=2x/symmetric-0.4", "test": [0.5, 0.6, 0.7, 0.9]}
    host = make(**longer)
    reading = make(label="stops", host=host.key, key="stops", **longer | {"test": [0.5, 0.6]})
    (board,) = boards([*base, host, reading], ["noisy_val"])
    row = board.row("stops (2x epochs)")
    assert row.cells[ONE].mean == 90 and row.host == "ce (2x epochs)"
