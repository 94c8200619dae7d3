"""Files of methods in every command: named like any method, refused in one line."""

import json

import pytest

NOISY = "digits/symmetric-0.4"
FAST = ("--epochs", "2", "--device", "cpu", "--jobs", "1")
RUN = ("run", NOISY, "-m", "ce", "-s", "0", *FAST)


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


MINE = "from lnlbench.methods import Method, register\n\n\n@register('mine_here')\nclass Mine(Method):\n    pass\n"


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
