"""One door for methods: files stand for what they register, are executed once, and never end the program silently."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods, name_of_run
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.tuning import pipeline
from lnlbench.datasets.noise import base
from lnlbench.leaderboard.store.address import store_address
from lnlbench.methods import MethodError, methods, parse
from lnlbench.methods import _registry as registry

ROOT = Path(__file__).parents[3]
NOISY = "digits/symmetric-0.4"
HEAD = "import sys\nfrom lnlbench.methods import Method, register\n\n\n"
MINE = HEAD + "@register('mine_of_the_door')\nclass Mine(Method):\n    pass\n"
LEAVING = HEAD + (
    "@register('leaving')\nclass Leaving(Method):\n    def loss(self, logits, batch, clock):\n        sys.exit(0)\n"
)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plug-in; what it registers is forgotten after the test."""
    monkeypatch.setattr(registry, "_METHODS", dict(methods()))

    def write(text=MINE, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_files_among_methods_stand_for_what_they_register(plugin):
    path = plugin()
    chosen = choose_methods(f"ce,  {path}, gce( q=0.5 )")
    assert chosen.texts == ("ce", "mine_of_the_door", "gce( q=0.5 )") and chosen.plugins == (path,)
    assert choose_methods("", [path, path]).plugins == (path,)
    assert choose_methods().texts == () and choose_methods().text == ""
    assert chosen.own == {"mine_of_the_door": str(path)} and choose_methods().own == {}


def test_a_file_stands_for_its_method_in_a_composition_and_with_values(plugin):
    path = plugin(MINE.replace("Method, register", "Method, register, tuned").replace("pass", "q: float = tuned(0.5)"))
    chosen = choose_methods(f"{path} + sam,  early_stopping +  {path}(q=0.2), {path}( q=0.2 ), gce+sam")
    assert chosen.plugins == (path,)
    assert chosen.texts == (
        "mine_of_the_door + sam",
        "early_stopping + mine_of_the_door(q=0.2)",
        "mine_of_the_door( q=0.2 )",
        "gce+sam",
    )
    assert str(parse(chosen.texts[1])) == "early_stopping(patience=0.1) + mine_of_the_door(q=0.2)"


def test_a_file_of_several_methods_stands_for_none_of_them_in_a_composition(plugin):
    path = plugin(MINE + MINE.removeprefix(HEAD).replace("mine_of_the_door", "also_mine"))
    assert choose_methods(str(path)).texts == ("also_mine", "mine_of_the_door")
    with pytest.raises(MethodError, match="registers also_mine, mine_of_the_door; name the file by `--plugin`"):
        choose_methods(f"sam + {path}")
    with pytest.raises(MethodError, match="a file with values or in a composition stands for one method"):
        choose_methods(f"{path}(q=0.2)")


def test_a_path_with_a_plus_sign_is_one_path(plugin, tmp_path):
    (tmp_path / "a + b").mkdir()
    path = plugin(name="a + b/mine.py")
    assert choose_methods(f"{path}, ce").texts == ("mine_of_the_door", "ce")


def test_an_unchanged_file_is_executed_once_and_an_edited_one_again(plugin, tmp_path):
    counting = f"with open({str(tmp_path / 'count')!r}, 'a') as file:\n    file.write('x')\n"
    path = plugin(counting + MINE)
    choose_methods(str(path), [path])
    mine = methods()["mine_of_the_door"]
    choose_methods(plugins=[path])
    assert (tmp_path / "count").read_text() == "x" and methods()["mine_of_the_door"] is mine
    path.write_text(counting + MINE + "\n# edited\n")
    choose_methods(plugins=[path])
    assert (tmp_path / "count").read_text() == "xx" and methods()["mine_of_the_door"] is not mine


def test_a_file_stands_for_what_its_imports_register_however_often_it_is_loaded(plugin, tmp_path, monkeypatch):
    """Python executes an import once, so that a second load of an edited or of a mended file registers nothing new."""
    monkeypatch.syspath_prepend(tmp_path)
    plugin(name="library_of_the_door.py")
    path = plugin("import library_of_the_door\n1 / 0\n", "brings.py")
    with pytest.raises(MethodError, match="ZeroDivisionError"):
        choose_methods(str(path))
    for text in ("", "", "# edited\n"):
        plugin(f"import library_of_the_door\n{text}", "brings.py")
        assert choose_methods(str(path), [path]).texts == ("mine_of_the_door",)
    plugin("import library_of_the_door\n" + MINE.replace("mine_of_the_door", "also_mine"), "brings.py")
    assert choose_methods(str(path)).texts == ("also_mine", "mine_of_the_door")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param(["0123abcd"], "0123abcd", id="a key"),
        pytest.param(["ce", "digits/clean", "0"], "ce digits/clean 0", id="words"),
        pytest.param(["gce + sam digits/clean s1"], "gce + sam digits/clean s1", id="one word"),
        pytest.param(["mine.py", "digits/clean", "0"], "mine_of_the_door digits/clean 0", id="a file"),
    ],
)
def test_a_run_is_named_with_its_method_or_its_file(plugin, monkeypatch, tmp_path, words, name):
    plugin()
    monkeypatch.chdir(tmp_path)
    assert name_of_run(words) == (name, {name.split()[0]: "mine.py"} if "mine.py" in words else {})


def test_all_methods_of_a_search_include_those_of_a_plugin(plugin):
    chosen = pipeline.choose("all", [plugin()])
    assert {"mine_of_the_door", "gce"} <= set(chosen.texts) and "early_stopping" not in chosen.texts
    assert pipeline.choose("gce", []).texts == ("gce",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("import sys\nsys.exit(0)", "ends the program: it calls sys.exit\\(0\\)", id="exit 0"),
        pytest.param("raise SystemExit", "ends the program: it calls sys.exit\\(None\\)", id="exit"),
        pytest.param(MINE + "sys.exit('done')", "it calls sys.exit\\('done'\\)", id="exit after a method"),
        pytest.param("1 / 0", "does not import: ZeroDivisionError", id="error"),
        pytest.param("x = 1", "registers no method", id="nothing"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_an_error(plugin, text, message):
    path = plugin(text)
    for _ in range(2):  # what it registered before it failed does not count later on either
        with pytest.raises(MethodError, match=message):
            choose_methods(str(path))


def test_a_noise_in_a_file_is_told_where_noises_live(plugin, monkeypatch):
    monkeypatch.setattr(base, "_KINDS", dict(base.kinds()))
    monkeypatch.setattr(base, "kinds", lambda: base._KINDS)
    path = plugin(
        "from lnlbench.datasets.noise.base import Noise, register\n"
        "@register('onlyzero')\nclass OnlyZero(Noise):\n    family = 'mine'\n"
    )
    with pytest.raises(MethodError, match="registers no method, but the noise 'onlyzero'; noises live in datasets/n"):
        choose_methods("", [path])


def test_an_installed_plugin_that_ends_the_program_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "lnl_leaving.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("leaving", "lnl_leaving:Leaving", "lnlbench.methods")
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    with pytest.raises(MethodError, match="the installed plug-in lnl_leaving:Leaving ends the program"):
        registry._discover.__wrapped__()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_ends_the_program_is_a_failed_run(plugin, url, jobs):
    path = plugin(LEAVING)
    chosen = choose_methods(str(path))
    options = Options(store=store_address(url), device="cpu", plugins=chosen.plugins, jobs=jobs)
    report = sweep(grid([NOISY], f"{chosen.text}, ce", "0", {"epochs": 1}, options), options)
    assert len(report.done) == 1 and [*report.failed.values()] == [f"SystemExit: 0 ({path}:{LEAVING.count(chr(10))})"]


def test_nothing_else_loads_a_plugin():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "benchmark").rglob("*.py")
        if "load_file" in path.read_text(encoding="utf-8")
    }
    assert users == {"benchmark/sweep/plugins.py"}
