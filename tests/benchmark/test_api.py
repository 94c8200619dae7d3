"""The main job from Python."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import lnlbench.benchmark
from lnlbench.benchmark import RunsFailed, compare, run
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import _registry as registry

NOISY = "digits/symmetric-0.4"


def test_results_come_in_the_order_of_the_grid_and_are_stored(url):
    how = {"tracking_uri": url, "device": "cpu", "epochs": 2}
    results = run(NOISY, "gce, early_stopping", [1, 0], **how)
    assert [(r.label, r.replicate) for r in results] == [
        (label, replicate) for replicate in (0, 1) for label in ("gce", "ce", "early_stopping")
    ]
    assert all(len(r.curves["test_accuracy"]) == 2 for r in results if r.host is None)
    store = Store(url)
    assert {r.key for r in store.results()} == {r.key for r in results}
    store.close()
    assert run([NOISY], ["gce"], range(1), **how) == [results[0]], "what is stored is not run again"


def test_a_store_is_made_at_home_where_none_is_named(tmp_path, template):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").write_bytes(template.read_bytes())
    (result,) = run(NOISY, "ce", "0", device="cpu", epochs=1)
    store = Store(f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}")
    assert store.result(result.key) == result
    store.close()


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(lambda **how: run(NOISY, "failing, ce", "0", **how), id="run"),
        pytest.param(lambda **how: compare("failing", "ce", NOISY, "0", **how), id="compare"),
    ],
)
def test_failures_are_told_when_all_else_is_done(failing, url, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))
    plugin = tmp_path / "failing.py"
    plugin.write_text(
        "from lnlbench.methods import Method, register\n\n\n"
        "@register('failing')\nclass Failing(Method):\n"
        "    def loss(self, logits, batch, clock):\n        raise RuntimeError('on purpose')\n"
    )
    with pytest.raises(RunsFailed, match=r"^1 of 2 runs failed: RuntimeError: on purpose \(.*\)$") as error:
        failing(tracking_uri=url, device="cpu", epochs=1, plugins=[plugin])
    assert [*error.value.reasons.values()] == [f"RuntimeError: on purpose ({plugin}:7)"]
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    store = Store(url)
    assert error.value.reasons.keys().isdisjoint(store.stored())
    assert [result.label for result in store.results()] == ["ce"]
    store.close()


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(lambda **how: run(NOISY, "ce", **how), id="run"),
        pytest.param(lambda **how: compare("gce", "ce", NOISY, **how), id="compare"),
    ],
)
def test_replicates_by_another_name_are_no_field_of_a_setting(job):
    with pytest.raises(SettingError, match=r"^seeds is an option, .*: --replicates, in Python replicates=\[0, 1\]$"):
        job(seeds=[0, 1])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"methods": []}, "methods are empty", id="no method"),
        pytest.param({"methods": " "}, "methods are empty", id="a blank"),
        pytest.param({"methods": ["ce", "nope"]}, "unknown method 'nope'", id="an unknown one among several"),
        pytest.param({"replicates": range(0)}, "replicates are empty", id="no replicate"),
        pytest.param({"replicates": 3}, "as in range\\(3\\), but got 3", id="a number"),
        pytest.param({"replicates": [0.5]}, "0.5", id="a fraction"),
        pytest.param({"targets": []}, "targets are empty", id="no target"),
        pytest.param({"targets": None}, "^targets are one or several, .*, but got None$", id="nothing for targets"),
        pytest.param({"targets": [NOISY, 3]}, rf"but got \['{NOISY}', 3\]$", id="a number among targets"),
        pytest.param({"told": None}, "^told are one or several, as in 'estimated' or .*, but got None$", id="untold"),
        pytest.param({"plugins": 3}, "^plugins are one or several, .*, but got 3$", id="a number for a file"),
        pytest.param({"plugins": ["x.py", None]}, r"but got \['x.py', None\]$", id="nothing among files"),
        pytest.param({"plugins": "/nowhere/x.py"}, "^no Python file at /nowhere/x.py$", id="no such file"),
    ],
)
def test_what_is_empty_or_something_else_is_refused(more, message, url):
    with pytest.raises(ValueError, match=message) as error:
        run(**{"targets": NOISY, "tracking_uri": url} | more)
    assert "\n" not in str(error.value)
    with Store(url) as store:
        assert not store.results()


@pytest.mark.parametrize("kind", [str, Path, lambda path: [str(path)]], ids=["text", "path", "several"])
def test_a_plugin_is_a_file_or_several(kind, url, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from lnlbench.methods import Method, register\n\n\n@register('mine_of_api')\nclass Mine(Method):\n    pass\n"
    )
    how = {"plugins": kind(plugin), "told": ["estimated"], "tracking_uri": url, "device": "cpu", "epochs": 1}
    (result,) = run(NOISY, "mine_of_api", [0], **how)
    assert result.label == "mine_of_api"


def test_the_example_of_one_job_runs(capsys):
    page = Path(__file__).parents[2] / "docs" / "api.md"
    if not page.exists():
        pytest.skip("needs the folder docs of a clone")
    exec(page.read_text().partition("```python\n")[2].partition("```")[0], {})
    *_, last = capsys.readouterr().out.splitlines()
    assert float(last.split()[1]) > 0.9


def test_all_that_is_public_is_there():
    assert sorted(lnlbench.benchmark.__all__) == lnlbench.benchmark.__all__
    for name in lnlbench.benchmark.__all__:
        assert getattr(lnlbench.benchmark, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lnlbench.benchmark.nothing


def test_the_package_is_loaded_without_what_it_does_not_need():
    script = "import sys, lnlbench.benchmark; print({'torch', 'timm', 'mlflow', 'typer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
