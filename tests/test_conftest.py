"""A run that has real data may not skip the tests on it: pytest in a process of its own, on small test files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MARKED = "@pytest.mark.realdata({})\ndef test_it():\n    pass"
FIXTURE = "def test_it(data_dir):\n    assert data_dir.is_dir()"
OWN_SKIP = "def test_it():\n    pytest.skip('LNLBENCH_DATA is needed')"
MODULE_SKIP = "pytest.skip('LNLBENCH_DATA is needed', allow_module_level=True)"
SKIPS_ANYWAY = "@pytest.mark.realdata\ndef test_it():\n    pytest.skip('not today')"
OTHER_SKIP = "def test_it():\n    pytest.skip('no GPU')"
NO_GPU = "@pytest.mark.skipif({}, reason='no GPU')\n"
PASSES = "def test_it():\n    pass\n\n\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "data", "code", "says"),
    [
        pytest.param(MARKED.format(""), None, 0, "1 skipped", id="a marked test is skipped without data"),
        pytest.param(FIXTURE, None, 0, "1 skipped", id="so is one that takes the folder"),
        pytest.param(MARKED.format("'mnist'"), "here", 0, "1 passed", id="with data it runs"),
        pytest.param(FIXTURE, "here", 0, "1 passed", id="and gets the folder"),
        pytest.param(MARKED.format("'mnist', 'cifar'"), "here", 1, "no folder", id="a folder that is missing fails it"),
        pytest.param(FIXTURE, "nowhere", 1, "no folder", id="so does a path that leads nowhere"),
        pytest.param(OWN_SKIP, None, 0, "1 skipped", id="a skip of the test's own is fine without data"),
        pytest.param(PASSES + OWN_SKIP.replace("it", "two"), "here", 1, "were skipped", id="with data it fails"),
        pytest.param(MODULE_SKIP, "here", 1, "were skipped", id="also where a whole file skips"),
        pytest.param(SKIPS_ANYWAY, "here", 1, "were skipped", id="also where the reason is another"),
        pytest.param(OTHER_SKIP, "here", 0, "1 skipped", id="skips that are not about data stay skips"),
        pytest.param(NO_GPU.format(True) + MARKED.format(""), "here", 0, "1 skipped", id="as does a skipif of its own"),
        pytest.param(NO_GPU.format(False) + SKIPS_ANYWAY, "here", 1, "were skipped", id="one without effect is none"),
    ],
)
def test_real_data_is_not_skipped_by_accident(tmp_path, test, data, code, says):
    (tmp_path / "here" / "mnist").mkdir(parents=True)
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(f"import pytest\n\n\n{test}\n")
    env = {name: value for name, value in os.environ.items() if name != "LNLBENCH_DATA"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of other packages are of no use here, and seconds to import
    if data is not None:
        env["LNLBENCH_DATA"] = str(tmp_path / data)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)]
    done = subprocess.run([*command, str(tmp_path)], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert says in done.stdout


def test_results_go_to_a_home_of_the_tests_own(tmp_path_factory):
    assert Path(os.environ["LNLBENCH_HOME"]).is_relative_to(tmp_path_factory.getbasetemp())
