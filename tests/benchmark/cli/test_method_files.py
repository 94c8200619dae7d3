"""Files of methods in every command: named like any method, refused in one line."""

import json

import pytest

from lnlbench.benchmark import load
from lnlbench.benchmark.tuning import pipeline

NOISY = "digits/symmetric-0.4"
FAST = ("--epochs", "2", "--device", "cpu", "--jobs", "1")
RUN = ("run", NOISY, "-m", "ce", "-s", "0", *FAST)


HALVED = "def loss(self, logits, batch, clock):\n        return super().loss(logits, batch, clock) / 2"
MINE = "from lnlbench.methods import Method, register\n\n\n@register('mine_here')\nclass Mine(Method):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("import nothing_of_this_name", "does not import: ModuleNotFoundError", id="missing import"),
        pytest.param("def broken(:", "does not import: SyntaxError", id="no Python"),
        pytest.param("x = 1", "registers no method", id="no method"),
        pytest.param(
            "from lnlbench.methods import Method, register\n@register('gce')\nclass Mine(Method):\n    pass\n",
            "two methods are called 'gce'",
            id="name that is taken",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used(one_line, lnlbench, plugin_of, tmp_path, text, message):
    one_line(lnlbench(*RUN, "--plugin", plugin_of(text)), message)
    assert list(tmp_path.rglob("*.db*")) == []


def test_two_files_of_one_name_are_both_named(one_line, lnlbench, plugin_of, tmp_path, monkeypatch):
    path = plugin_of(MINE)
    (tmp_path / "d2").mkdir()
    (tmp_path / "d2/plugin.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    answer = lnlbench("run", NOISY, "-m", f"{path.name}, d2/{path.name}", "-s", "0", *FAST)
    one_line(answer, "plugin.py and d2/plugin.py both register 'mine_here'; rename one in its @register(...)")
    plugin_of(MINE + MINE)
    one_line(lnlbench("check", path.name), "plugin.py registers 'mine_here' twice; rename one of them")


EVERYWHERE = [
    pytest.param("run", [NOISY, "-m", "{}"], id="run"),
    pytest.param("tune", [NOISY, "-m", "{}"], id="tune"),
    pytest.param("tune", [NOISY, "-m", "all", "--plugin", "{}"], id="tune all"),
    pytest.param("compare", ["{}", "--suite", NOISY], id="compare"),
    pytest.param("compare", ["gce", "-a", "{}", "--suite", NOISY], id="compare against"),
    pytest.param("check", ["{}"], id="check"),
    pytest.param("list", ["methods", "--plugin", "{}"], id="list"),
    pytest.param("leaderboard", ["-m", "{}"], id="leaderboard"),
    pytest.param("show", ["{}", NOISY, "0"], id="show"),
    pytest.param("verify", ["{}", NOISY, "0"], id="verify"),
    pytest.param("verify", ["all.jsonl.xz", "--plugin", "{}"], id="verify a file"),
    pytest.param("import", [__file__, "--plugin", "{}"], id="import"),
]


@pytest.mark.parametrize(("command", "arguments"), EVERYWHERE)
def test_a_plugin_that_ends_the_program_is_a_mistake_everywhere(
    one_line, lnlbench, plugin_of, command, arguments, filled
):
    path = plugin_of("import sys\nsys.exit(0)")
    more = [] if command in ("check", "list") else ["--tracking-uri", filled]
    answer = lnlbench(command, *(word.format(path) for word in arguments), *more)
    one_line(answer, f"{path} ends the program: it calls sys.exit(0) when it is imported")


@pytest.mark.slow
def test_a_file_is_a_method_in_every_command(lnlbench, plugin_of, stored):
    path = plugin_of(MINE)
    how = ("-m", path, *FAST, "--json")
    code, out, err = lnlbench("tune", NOISY, "--trials", "2", "--confirm", "0", "--dry-run", *how)
    assert (code, err) == (0, "") and [row["for"] for row in json.loads(out)] == [[f"digits,epochs=2/{NOISY[7:]}"]]
    assert len(json.loads(lnlbench("run", NOISY, "-s", "0-1", *how)[1])["made"]) == 2
    assert '"mine_here"' in lnlbench("leaderboard", "-m", path, "-f", "json")[1]
    run = (path, f"digits,epochs=2/{NOISY[7:]}", "0")
    code, out, err = lnlbench("show", *run, "--json")
    assert (code, err) == (0, "") and "mine_here" in out
    code, out, err = lnlbench("verify", *run)
    assert (code, err) == (0, "") and "1 of 1 verifies" in out
    with_set = ("--suite", NOISY, "-s", "0-1", "--set", "epochs=2", "--device", "cpu", "--jobs", "1", "--json")
    code, out, err = lnlbench("compare", path, "-a", "ce", *with_set)
    assert (code, err) == (0, "") and [verdict["method"] for verdict in json.loads(out)] == ["mine_here"]


def test_the_command_in_the_report_of_a_tuning_names_the_file_and_the_precision(
    lnlbench, plugin_of, stored, monkeypatch
):
    said = []
    monkeypatch.setattr(pipeline, "tune", lambda *given: said.append(given[5]) or pipeline.Done([], []))
    path = plugin_of(MINE)
    how = ("--plugin", path, "--precision", "bf16", "--device", "cpu", "--study", "my study")
    assert lnlbench("tune", NOISY, "-m", "mine_here", *how)[0] == 0
    assert said == [
        f"lnlbench tune {NOISY} --plugin {path} --precision bf16 --trials 20 --objective window "
        "--study 'my study' --methods \"mine_here\" --replicates 0-4"
    ]


def test_a_file_means_its_runs_as_it_is_now(one_line, lnlbench, plugin_of, stored, tmp_path):
    """An edited copy has runs of the same name; each file finds its own, and a third one none."""
    halved = MINE.replace("pass", HALVED)
    path, run = tmp_path / "plugin.py", (f"digits,epochs=2/{NOISY[7:]}", "0")
    keys = []
    for text in (MINE, halved):
        plugin_of(text)
        keys += json.loads(lnlbench("run", NOISY, "-m", path, "-s", "0", *FAST, "--json")[1])["made"]
    assert len(set(keys)) == 2
    for text, key in zip((MINE, halved), keys, strict=True):
        plugin_of(text)
        shown = json.loads(lnlbench("show", path, *run, "--json")[1])
        assert (shown["key"], shown["environment"]["plugins"]) == (key, ["plugin.py"])
        assert f"ok       key: {key}\n" in lnlbench("verify", path, *run)[1]
        (board,) = json.loads(lnlbench("leaderboard", "-m", path, "-f", "json")[1])
        scores = json.loads(lnlbench("show", key, "--json")[1])["scores"]
        assert [row["score"]["mean"] for row in board["rows"]] == [pytest.approx(100 * scores["noisy_val"])]
    plugin_of(MINE.replace("pass", "networks = 2"))
    message = f"{path} as it is now has no run; stored are {keys[0][:12]} and {keys[1][:12]} of other versions"
    for words in (["leaderboard", "-m", path], ["show", path, *run], ["verify", path, *run]):
        one_line(lnlbench(*words), message)


def test_a_row_of_a_board_is_of_one_version_of_a_file(lnlbench, plugin_of, stored, tmp_path):
    """Replicates 0 and 1 are of a file before an edit, 2 is of the file after it; boards are of the latter."""
    for text, replicates in ((MINE, "0-1"), (MINE.replace("pass", HALVED), "2")):
        path = plugin_of(text)
        assert lnlbench("run", NOISY, "-m", path, "-s", replicates, *FAST)[0] == 0
    left_out = "mine_here: 2 runs of an earlier version of plugin.py"
    file = tmp_path / "all.jsonl.xz"
    code, out, err = lnlbench("export", file, "--methods", "mine_here")
    assert (code, err, out.partition(" results")[0]) == (0, "", "3")
    assert out.endswith(f"\nAmong them, and left out by boards: {left_out}.\n")
    for more in ([], ["-m", "mine_here"], ["--among", "mine_here"], ["--from", file]):
        (board,) = json.loads(lnlbench("leaderboard", "-f", "json", *more)[1])
        (row,) = (*board["rows"], *board["below"])
        assert [cell["n"] for cell in row["cells"].values()] == [1] and f"{left_out} are left out." in board["notes"]
    (board,) = json.loads(lnlbench("leaderboard", "-f", "json", "-m", path)[1])
    assert not any("version" in text for text in board["notes"])
    assert [*load(str(stored)).frame().replicate] == [2]
    assert left_out not in lnlbench("export", file, "-m", path)[1] and lnlbench("verify", file)[0] == 0
