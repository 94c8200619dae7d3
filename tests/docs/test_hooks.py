"""The page of the hooks names every hook, and each of its examples is a method that trains."""

import re
from pathlib import Path

import pytest

from lnlbench.benchmark.conformance.kit import check
from lnlbench.benchmark.conformance.subject import Subject
from lnlbench.methods import Method, load_file
from lnlbench.methods import _registry as registry
from lnlbench.methods.base import HOOKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
TEMPLATE = (ROOT / "benchmark" / "cli" / "new_method.template").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = {re.search(r'@register\("(\w+)"\)', block)[1]: block for block in BLOCKS}
ASKED = (*HOOKS, "due")


@pytest.fixture
def example(request, tmp_path):
    name = request.param
    (tmp_path / f"{name}.py").write_text(EXAMPLES[name])
    assert load_file(tmp_path / f"{name}.py") == [name]
    yield Subject(name)
    registry._METHODS.pop(name, None)


def test_the_table_names_every_hook_once():
    named = re.findall(r"^\| \[`(\w+)`\]\(#", PAGE, re.MULTILINE)
    assert sorted(named) == sorted((*ASKED, "told", "views", "strong", "ensemble", "stackable"))


def test_every_link_of_the_tables_has_its_heading():
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= headings


@pytest.mark.parametrize("hook", ASKED)
def test_every_hook_has_an_example(hook):
    assert any(f"    def {hook}(self" in block for block in BLOCKS)


@pytest.mark.parametrize(
    "name", [*ASKED, "told", "networks", "ensemble", "views", "strong", "stackable", "family", "paper"]
)
def test_the_template_shows_everything(name):
    assert hasattr(Method, name)
    assert re.search(rf"^ +(# )?def {name}\(self|^ +(# )?{name} +=|`{name} = ", TEMPLATE, re.MULTILINE)


@pytest.mark.parametrize("hook", ASKED)
def test_the_template_has_the_arguments_of_each_hook(hook):
    arguments = getattr(Method, hook).__code__.co_varnames[: getattr(Method, hook).__code__.co_argcount]
    (shown,) = re.findall(rf"def {hook}\((.*)\) ->", TEMPLATE)
    assert tuple(re.findall(r"(\w+)(?:: (?:Callable\[\[Params\], Params\]|\w+))?(?:, |$)", shown)) == arguments


@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
def test_an_example_holds_and_trains(example):
    for name in ("declaration", "stackable", "finite", "samples in place"):
        assert [found for found in check(name, example) if found.fault] == []
    epochs = example.train(example.job(epochs=4))
    assert epochs[-1].epoch == len(epochs) - 1 and len(epochs) in range(3, 5)
    assert all(epoch.loss == epoch.loss for epoch in epochs), "a loss that is no number"
