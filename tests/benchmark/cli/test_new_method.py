"""A new method's file: whole, in order, and never over another."""

import subprocess
import sys

import pytest

from lnlbench.benchmark.cli.new_method import new_method
from lnlbench.methods import MethodError, load_file, parse
from lnlbench.methods import _registry as registry


@pytest.fixture
def written(tmp_path):
    yield new_method("my_loss", tmp_path)
    registry._METHODS.pop("my_loss", None)


def test_what_is_written_is_a_method(written):
    assert load_file(written) == ["my_loss"]
    assert str(parse("my_loss")) == "my_loss(q=0.7)"
    (method,) = parse("my_loss").parts
    assert method.space()["q"].origin == "ours", "no paper has its default"
    done = subprocess.run([sys.executable, "-m", "pyflakes", str(written)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "No module" in done.stderr, done.stdout
    assert "@" not in written.read_text().replace("@register", "")


def test_nothing_is_overwritten(written):
    written.write_text("mine")
    with pytest.raises(MethodError, match="is there already, and is not overwritten"):
        new_method("my_loss", written.parent)
    assert written.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("my-loss", "lower-case letters", id="a dash"),
        pytest.param("MyLoss", "lower-case letters", id="a capital"),
        pytest.param("1st", "begins with a lower-case letter, as in my_loss, but got '1st'", id="a digit first"),
        pytest.param("lambda", "'lambda' is a keyword of Python", id="a word of Python"),
        pytest.param("../x", "lower-case letters", id="a path"),
        pytest.param("_private", "begins with a lower-case letter", id="an underscore first"),
        pytest.param("", "lower-case letters", id="nothing"),
        pytest.param("gce", "there is a method called 'gce' already", id="taken"),
    ],
)
def test_a_name_that_cannot_be(name, words, tmp_path):
    with pytest.raises(MethodError, match=words):
        new_method(name, tmp_path)
    assert list(tmp_path.glob("*.py")) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MethodError, match="cannot be written: No such file"):
        new_method("my_loss", tmp_path / "none")
