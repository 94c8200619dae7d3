"""Methods from text, and back."""

import py_compile
import sys

import pytest

from lnlbench.methods import MethodError, method_class, methods, parse, register, split_methods
from lnlbench.methods import _registry as registry
from lnlbench.methods._registry import load_file
from lnlbench.methods._split import part_names
from lnlbench.methods.base import Method


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("ce", "ce", id="the default answers"),
        pytest.param(" gce ", "gce(q=0.7)", id="every value is written"),
        pytest.param("gce(q=1)", "gce(q=1.0)", id="an integer for a float"),
        pytest.param("sam(rho=1e-2)", "sam(adaptive=False, rho=0.01)", id="an exponent"),
        pytest.param("sam(rho=1e+0)", "sam(adaptive=False, rho=1.0)", id="a plus in a number joins nothing"),
        pytest.param("ce + gce", "gce(q=0.7)", id="cross-entropy adds nothing"),
        pytest.param("sam + gce", "gce(q=0.7) + sam(adaptive=False, rho=0.1)", id="order does not matter"),
        pytest.param("nce_mae(alpha=2)", "nce_mae(alpha=2.0, beta=1.0, revision=2)", id="the revision of a formula"),
        pytest.param("early_stopping", "early_stopping(patience=0.1)", id="a reading of cross-entropy"),
    ],
)
def test_text_becomes_a_method_with_one_text(text, canonical):
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gec", "unknown method 'gec'; did you mean 'gce' or 'ogc'\\? `lnlbench list methods` shows them all$"),
        ("dal_variant(bootstrap='a')", "bootstrap must be one of"),
        ("gce(p=0.5)", "gce has no hyper-parameter 'p'"),
        ("gce(0.5)", "hyper-parameters need their names"),
        ("gce(q=-1)", "q must be in"),
        ("gce(q='a')", "q must be a finite number"),
        ("gce(q=1e999)", "q must be a finite number"),
        ("gce(q=True)", "q must be a finite number"),
        (f"gce(q=1{'0' * 400})", "q must be a finite number"),
        ("sam(adaptive=1)", "adaptive must be True or False"),
        ("taylor_ce(order=2.5)", "order must be a whole number, but got 2.5"),
        ("taylor_ce(order=18.0)", "order must be a whole number, but got 18.0"),
        (f"taylor_ce(order=1{'0' * 400})", "order must be a finite number"),
        ("label_wave(window=2.5)", "window must be a whole number"),
        ("label_wave(window=True)", "window must be a whole number"),
        ("nlnl(complements=10.0)", "complements must be a whole number"),
        ("nlnl(complements=True)", "complements must be a whole number"),
        ("nlnl(complements=2)", r"complements must be one of \[1, 10, 110\]"),
        ("dividemix(lam_u=False)", "lam_u must be one of"),
        ("small_loss(exponent='a')", "exponent must be a finite number"),
        ("dal(q_e=0.5)", "q_e must be above q_s"),
        ("nce_mae(revision=1)", "has revision 2 of the formula, but got revision=1; CHANGELOG.md"),
        ("gce + dal", "'dal' and 'gce' both answer `loss`"),
        ("small_loss + co_teaching", "both answer `select`"),
        ("mixup(alpha=1) + mixup(alpha=0.3)", "^'mixup' is 2 times in one composition; name it once$"),
        ("gce - sam", "cannot read"),
        ("gce(q=", "cannot read"),
        ("", "cannot read"),
        ("__import__('os')", "hyper-parameters need their names"),
        ("gce(q=__import__('os'))", "is no number"),
        ("gce(**{'q': 1})", "hyper-parameters need their names"),
    ],
    ids=lambda value: value[:24],
)
def test_bad_text_is_one_clear_error(text, message):
    with pytest.raises(MethodError, match=message) as found:
        parse(text)
    assert "\n" not in str(found.value)


def test_defaults_may_depend_on_the_number_of_classes_alone():
    assert str(parse("elr", classes=100)) == "elr(beta=0.9, lam=7.0)"
    assert str(parse("elr(lam=2)", classes=100)) == "elr(beta=0.9, lam=2.0)"
    assert str(parse("elr", classes=10)) == "elr(beta=0.7, lam=3.0)"


def test_commas_outside_parentheses_separate_methods():
    found = split_methods("ce, small_loss(forget=0.2, ramp=0.1) + sam,gce,")
    assert found == ["ce", "small_loss(forget=0.2, ramp=0.1) + sam", "gce"]


def test_the_parts_of_a_full_text_have_names():
    assert part_names("gce(q=0.7) + sam(rho=1e+05, seen=True)") == ["gce", "sam"]


@pytest.mark.parametrize(
    ("text", "reading", "host"),
    [
        ("early_stopping", True, "ce"),
        ("dal + early_stopping", True, "dal(lambda_max=1.0, q_e=1.5, q_s=0.6)"),
        ("dal", False, "dal(lambda_max=1.0, q_e=1.5, q_s=0.6)"),
        ("ce", False, "ce"),
    ],
)
def test_a_part_that_only_stops_and_reports_is_a_reading_of_its_host(text, reading, host):
    method = parse(text)
    assert method.is_reading is reading
    assert str(method.host) == host


def test_a_name_is_registered_once():
    with pytest.raises(MethodError, match="two methods are called 'gce'"):
        register("gce")(type("Again", (Method,), {}))
    assert method_class("gce").__name__ == "GCE"


def test_a_file_of_the_users_registers_its_methods(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from lnlbench.methods import Method, register, tuned\n"
        "@register('mine_of_the_test')\n"
        "class Mine(Method):\n"
        '    """Nothing new. Source: none, 2026."""\n'
        "    a: float = tuned(0.5, 0.0, 1.0)\n"
    )
    assert load_file(file) == ["mine_of_the_test"]
    assert str(parse("mine_of_the_test(a=0.25)")) == "mine_of_the_test(a=0.25)"
    file.write_text(file.read_text().replace("tuned(0.5", "tuned(0.75"))
    assert load_file(file) == ["mine_of_the_test"]  # a second run in one notebook, after an edit
    assert str(parse("mine_of_the_test")) == "mine_of_the_test(a=0.75)"
    del registry._METHODS["mine_of_the_test"]
    assert "mine_of_the_test" not in methods()


def test_a_file_is_read_from_its_text_alone_and_leaves_nothing_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(methods()))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file, text = (
        tmp_path / "mine.py",
        "from lnlbench.methods import Method, register\n@register('{}')\nclass M(Method): pass\n",
    )
    file.write_text(text.format("shown"))
    assert load_file(file) == ["shown"]
    assert [*tmp_path.iterdir()] == [file]
    file.write_text(text.format("other"))
    py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)  # Python trusts it
    file.write_text(text.format("third"))
    assert load_file(file) == ["third"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no Python file at", id="missing"),
        pytest.param("import nothing_of_this_name", "does not import: ModuleNotFoundError", id="broken"),
        pytest.param("x = 1", "registers no method", id="empty"),
    ],
)
def test_a_bad_file_is_one_clear_error(content, message, tmp_path):
    file = tmp_path / "bad.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MethodError, match=message):
        load_file(file)
