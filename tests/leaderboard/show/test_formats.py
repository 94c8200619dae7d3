"""Boards in every format say the same: terminal, Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json
from dataclasses import fields, replace

import pytest
from rich.console import Console

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.results.text import CONTROL
from lnlbench.leaderboard.show.formats import OVERALL, pairs_to_csv, to_csv, to_json, to_markdown
from lnlbench.leaderboard.show.html_table import to_html
from lnlbench.leaderboard.show.latex import to_latex
from lnlbench.leaderboard.show.page import page
from lnlbench.leaderboard.show.terminal_board import LEGEND, TerminalBoard
from lnlbench.leaderboard.show.words import interval, percent, short_noise


def printed(what, width, **how):
    console = Console(width=width, file=io.StringIO(), **how)
    console.print(what)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def board(methods_on_mnist):
    """Thirty-eight methods in three settings."""
    (found,) = boards(methods_on_mnist, ["final"])
    return found


@pytest.fixture(scope="module")
def shipped_boards(package):
    """The boards of the results in the package, by suite."""
    return {board.suite: board for board in boards(package)}


@pytest.fixture(scope="module")
def small(make):
    """Three methods in one setting, one incomplete, one trained longer, one that diverged."""
    runs = [
        make(label=label, replicate=i, test=[0.5, level + 0.01 * ((i + k) % 3)], noise=noise)
        for k, (label, level) in enumerate((("ce", 0.6), ("gce", 0.9), ("sam", 0.7), ("mae", 0.8)))
        for noise in ("symmetric-0.4", "clean")
        for i in range(3)
        if not (label == "sam" and noise == "clean")
    ]
    runs = [replace(run, diverged=run.label == "mae" and run.replicate < 2) for run in runs]
    runs += [make(replicate=i, test=[0.5, 0.65], setting="digits,epochs=2x/clean", noise="clean") for i in range(2)]
    (found,) = boards(runs, ["final"])
    return found


def test_eighty_columns_hold_three_settings_as_a_table_of_one_line_a_method(board):
    lines = printed(TerminalBoard(board), 80).splitlines()
    assert max(map(len, lines)) <= 80
    shown = {line[2:].split()[0]: line for line in lines[4:42]}
    assert list(shown) == [row.name for row in board.rows]
    elr, ce, lost = shown["elr"], shown["ce"], shown["negative_label_smoothing"]
    assert elr.split() == ["●", "elr", "97.36", "±", "0.21", "1–5", "+", "│", "●96.72+", "●97.04+", "●98.32·"]
    assert ce.split() == ["ce", "89.67", "±", "0.32", "32–35", "│", "88.13", "82.67", "98.21"]
    assert "!6" in lost and "●" not in lost
    assert lines[2].split() == ["method", "mean", "of", "3", "rank", "ce", "│", "sym", "0.5", "asym", "0.4", "clean"]


def test_the_legend_has_three_lines(board):
    assert len(LEGEND) == 3 and max(map(len, LEGEND)) <= 80
    assert LEGEND[0] in printed(TerminalBoard(board), 80)
    compact = printed(TerminalBoard(board, legend=False), 80)
    assert LEGEND[0] not in compact and board.sentences[0][:20] not in compact


def test_signs_have_colours_where_there_are_some(board):
    coloured = printed(TerminalBoard(board), 80, force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[1;36m●\x1b[0m" in coloured and "\x1b[32m+\x1b[0m" in coloured and "\x1b[31m−\x1b[0m" in coloured


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("suite", ["mnist-fast", "mnist-mlp"])
def test_nothing_is_lost_and_nothing_is_wider_than_the_terminal(width, wide, suite, shipped_boards):
    found = shipped_boards[suite]
    out = printed(TerminalBoard(found, wide), width)
    assert max(map(len, out.splitlines())) <= width
    words = [row.name for row in found.rows] + [short_noise(column.noise) for column in found.columns]
    cells = [cell for row in found.rows for cell in row.cells.values()]
    words += [interval(cell) if wide else percent(cell.mean) for cell in cells]
    assert [word for word in words if word not in out] == []


def test_names_shorter_than_their_heading_leave_it_above_them(shipped_boards):
    board = shipped_boards["mnist-mlp"]
    short = replace(board, rows=tuple(row for row in board.rows if row.name in ("ce", "dal")), below=())
    for width in (70, 80):
        lines = printed(TerminalBoard(short, legend=False), width).splitlines()
        assert max(map(len, lines)) <= width
        at = lines.index(next(line for line in lines if line.startswith("─")))
        assert len(lines[at - 1]) == len(lines[at])
        assert len({line.index("│") for line in (lines[at - 1], *lines[at + 1 : at + 3])}) == 1


def test_a_long_name_goes_on_below(make):
    name = 'dal_variant(schedule_of_q="exponential") + sam(rho=0.05)'
    (found,) = boards([make(label=name), make()])
    out = printed(TerminalBoard(found), 60)
    assert max(map(len, out.splitlines())) <= 60 and "sam(rho=0.05)" in out


def test_names_are_no_markup(make):
    (found,) = boards([make(label="a|b [bold]x[/]")])
    assert "a\\|b" in to_markdown(found)
    assert "[bold]x[/]" in printed(TerminalBoard(found), 200)


def test_what_is_not_compared_stands_below(small):
    assert [row.name for row in small.rows] == ["gce", "ce", "mae"]
    text = printed(TerminalBoard(small), 80)
    below = text[text.index("not compared") :].splitlines()
    assert "1 of 2" in next(line for line in below if line.split()[0] == "sam")
    markdown = to_markdown(small)
    assert "| sam | — | incomplete: 1 of 2 |" in markdown and "trained longer" in markdown
    assert "!4" in markdown, "diverged runs of mae"


def test_one_setting_has_names_on_the_left_and_counts_one_method(make):
    (found,) = boards([make(label=label, replicate=r) for label in ("ce", "gce") for r in (0, 1)])
    header, rule = to_markdown(found).splitlines()[2:4]
    assert header.startswith("|  | method | rank | vs ce | ") and rule == "|---|---|---|---:|---:|"
    assert "Bonferroni over the other 1 method)" in to_latex(found)


def test_markdown_has_intervals_marks_and_sentences(board):
    text = to_markdown(board)
    assert "| ● | elr | 97.36 ± 0.21 | 1–5 | + |" in text
    assert "| ● 98.51 ± 0.06 + |" in next(line for line in text.splitlines() if "| label_smoothing |" in line)
    assert "mnist-mlp/asymmetric-0.4<br>19.79 % wrong<br>resolution" in text and "n = 3" in text
    assert "- elr is first (97.36 ± 0.21); it could also be forward, truncated_gce, pes or gmm_split;" in text
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ")}
    assert len(widths) == 1


def test_a_mean_of_fewer_replicates_than_its_settings_says_so(make):
    noises = ("symmetric-0.4", "clean")
    have = [(label, noise, i) for label in ("ce", "gce", "sam", "mae") for noise in noises for i in range(3)]
    have.remove(("sam", "clean", 2))
    runs = [make(label=label, noise=noise, replicate=i, test=[0.5, 0.6 + 0.1 * i]) for label, noise, i in have]
    (found,) = boards(runs, ["final"])
    (line,) = (line for line in to_markdown(found).splitlines() if "| sam |" in line)
    _, _, _, mean, _, _, *settings = line.split("|")
    assert mean.endswith(" n = 2 ")
    assert sorted("n = 2" in cell for cell in settings[:2]) == [False, True]
    assert "Means over the replicates that all settings have, fewer than some settings show: sam 2." in found.notes


def test_latex_is_a_booktabs_table_where_bold_could_be_best(board, make):
    text = to_latex(board)
    assert r"\toprule" in text and r"\bottomrule" in text
    assert r"\textbf{elr} & $\mathbf{97.36 \pm 0.21}^{+}$ & 1--5 &" in text
    assert r"rule final, track default, length fast, protocol 1" in text and r"(Holm over 34)" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {5}
    assert "moderated Welch t" in text
    below = next(line for line in text.splitlines() if "footnotesize" in line)
    assert board.notes and "Told beyond the labels: " in below
    runs = [make(label=m, replicate=i, test=[0.5 + 0.1 * i + 0.01 * k]) for k, m in enumerate("ab") for i in range(3)]
    (two,) = boards(runs, ["final"])
    assert "(Welch t," in to_latex(two), "nothing is borrowed of two methods"
    (odd,) = boards([make(label="50%_{a} & \\b ~^", test=[0.2])])
    assert r"50\%\_\{a\} \& \textbackslash{}b \textasciitilde{}\textasciicircum{}" in to_latex(odd)


@pytest.fixture(scope="module")
def unlike(make):
    """Two methods whose two replicates are far apart, in two settings, and a third that is sure."""
    levels = {"ce": (0.59, 0.84), "gce": (0.82, 0.99), "sam": (0.901, 0.903)}
    runs = [
        make(label=label, replicate=i, noise=noise, test=[value])
        for noise in ("symmetric-0.4", "clean")
        for label, row in levels.items()
        for i, value in enumerate(row)
    ]
    (found,) = boards(runs, ["final"])
    return found


@pytest.mark.parametrize("form", [to_markdown, to_latex, to_html, lambda board: printed(TerminalBoard(board), 80)])
def test_no_interval_leaves_what_an_accuracy_can_be(form, unlike):
    text = form(unlike)
    gap = r"\ " if form is to_latex else " "
    assert f"71.50{gap}[0, 100]" in text and f"90.50{gap}[" in text, text
    assert "90.20 ± 1." in text.replace(r"\pm", "±"), "what fits stands as it did"


def test_machines_get_the_half_as_it_is(unlike):
    (ce,) = [row for row in json.loads(to_json(unlike))["rows"] if row["name"] == "ce"]
    assert ce["score"]["half"] > 100
    lines = csv.DictReader(io.StringIO(to_csv(unlike)))
    (line,) = [line for line in lines if (line["method"], line["setting"]) == ("ce", OVERALL)]
    assert float(line["half_width"]) > 100 and (line["low"], line["high"]) == ("0", "100")


def test_csv_has_a_line_per_cell_and_per_mean(board):
    lines = list(csv.DictReader(io.StringIO(to_csv(board))))
    assert len(lines) == 38 * 4
    first = lines[0]
    assert (first["method"], first["setting"], first["rank_best"], first["rank_worst"]) == ("elr", OVERALL, "1", "5")
    assert float(first["mean"]) == pytest.approx(board.rows[0].score.mean, rel=1e-5)
    assert (first["could_be_best"], first["against_reference"], first["family"]) == ("1", "better", "34")
    assert float(first["p_holm"]) < 1e-6


def test_csv_of_pairs_has_the_higher_first(board):
    lines = list(csv.DictReader(io.StringIO(pairs_to_csv(board))))
    assert len(lines) == 703 * 4
    decided = {}
    for line in lines:
        decided[line["setting"]] = decided.get(line["setting"], 0) + int(line["decided"])
        assert float(line["difference"]) >= 0
    assert decided == {OVERALL: 452, "mnist-mlp/asymmetric-0.4": 367, "mnist-mlp/clean": 392,
                       "mnist-mlp/symmetric-0.5": 519}  # fmt: skip


@pytest.mark.parametrize("form", [to_markdown, to_latex, to_html, to_csv, pairs_to_csv, to_json, page])
def test_no_name_commands_a_terminal(form, make):
    name = "a\x1b]0;title\x07\x9b2J\u202e"
    runs = [
        make(label=label, replicate=i, test=[0.5, level + i / 100])
        for label, level in ((name, 0.6), ("ce", 0.7))
        for i in range(2)
    ]
    text = form(runs if form is page else boards(runs)[0])
    assert CONTROL.search(text.replace("\n", "")) is None
    assert "x1b]0;title" in text or "u001b]0;title" in text or "textbackslash{}x1b" in text


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta", "\ra"])
def test_no_cell_of_csv_begins_a_formula(name, make):
    runs = [
        make(label=label, replicate=i, test=[0.5, level + i / 100])
        for label, level in ((name, 0.6), ("ce", 0.7))
        for i in range(2)
    ]
    (found,) = boards(runs)
    for text in (to_csv(found), pairs_to_csv(found)):
        for line in csv.reader(io.StringIO(text)):
            for value in line:
                assert value[:1] not in ("=", "+", "@", "\t", "\r") and (value[:1] != "-" or float(value)), value


def test_json_holds_everything(board):
    data = json.loads(to_json(board))
    assert data["rows"][0]["score"]["mean"] == board.rows[0].score.mean
    assert (
        data["rows"][0]["cells"]["mnist-mlp/clean"]["scores"]["0"] == board.rows[0].cells["mnist-mlp/clean"].scores[0]
    )
    names, pairs = data["tests"]["pair_fields"], data["tests"]["pairs"]
    assert len(pairs) == 703 and dict(zip(names, pairs[0], strict=True))["a"] == "elr"
    assert {field.name for field in fields(board.tests)} <= data["tests"].keys()
    assert data["sentences"] == list(board.sentences) and data["columns"][1]["tests"]["names"][0] == "elr"


def test_where_nothing_is_known_of_a_spread_nothing_breaks(make):
    runs = [make(label=label, replicate=i, test=[0.5, v]) for label, v in (("ce", 0.6), ("gce", 0.7)) for i in range(3)]
    (found,) = boards(runs)
    for text in (to_csv(found), to_markdown(found), to_latex(found), printed(TerminalBoard(found), 80)):
        assert "inf" not in text and "nan" not in text
    assert json.loads(to_json(found))["tests"]["pairs"][0][3] is None


@pytest.mark.parametrize(
    ("noise", "short"),
    [
        ("asymmetric-0.4", "asym 0.4"),
        ("symmetric-inclusive-0.5", "sym incl 0.5"),
        ("clean", "clean"),
        ("human-worst", "human worst"),
        ("given", "given"),
    ],
)
def test_noise_in_narrow_columns(noise, short):
    assert short_noise(noise) == short
