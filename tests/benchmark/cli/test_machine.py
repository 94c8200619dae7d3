"""`list`, `cite` and `doctor`: what is here, as a table and as JSON."""

import json
import re
from importlib.metadata import version

import pytest

from lnlbench.benchmark.protocol import settings
from lnlbench.methods import FAMILIES, methods


@pytest.mark.parametrize(
    ("what", "column", "expected"),
    [
        pytest.param(["suites"], "suite", set(settings.suites()), id="suites"),
        pytest.param(
            ["settings"],
            "setting",
            {member.name for members in settings.suites().values() for member in members},
            id="settings",
        ),
        pytest.param(["datasets"], "dataset", {"cifar10", "cifar100", "digits", "mnist"}, id="data sets"),
        pytest.param(["models"], "model", {"mlp", "cnn4", "any timm name"}, id="networks"),
    ],
)
def test_lists(lnlbench, what, column, expected):
    code, out, err = lnlbench("list", *what, "--json")
    assert (code, err) == (0, "")
    assert expected <= {row[column] for row in json.loads(out)}
    code, out, err = lnlbench("list", *what)
    assert (code, err) == (0, "")
    assert [name for name in expected if name not in out] == []
    assert column in out.splitlines()[0]


@pytest.mark.parametrize("what", [[], ["methods"]], ids=["methods", "methods by name"])
def test_methods_are_listed_with_their_papers(lnlbench, what):
    code, out, err = lnlbench("list", *what, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert {row["method"] for row in rows} >= {str(method()) for method in methods().values()}
    assert {row["family"] for row in rows} == set(FAMILIES)
    (gce,) = (row for row in rows if row["name"] == "gce")
    assert (gce["paper"], gce["year"], gce["origins"]) == ("Zhang and Sabuncu, NeurIPS", 2018, {"q": "paper"})
    code, out, err = lnlbench("list", *what)
    assert (code, err) == (0, "")
    assert [name for name in methods() if f" {name} " not in out] == []


def test_methods_of_a_family_fit_into_eighty_columns(lnlbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = lnlbench("list", "methods", "--family", "loss")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    names = {name for name, method in methods().items() if method.family == "loss"}
    assert [name for name in methods() if (f" {name} " in out) != (name in names)] == []
    cells = [line.split("│") for line in out.splitlines() if "│" in line]
    first = next(i for i, row in enumerate(cells) if row[0].strip() == "gce")
    idea = " ".join(row[1].strip() for row in cells[first : first + 5])
    assert idea.startswith("Generalised cross-entropy: between cross-entropy (q → 0) and the mean absolute error")
    assert (cells[first][2].strip(), cells[first][3].strip()) == ("Zhang and Sabuncu, NeurIPS", "2018")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["methods", "--family", "losses"], "did you mean 'loss'?", id="no such family"),
        pytest.param(["suites", "--family", "loss"], "suites have no family", id="no families"),
    ],
)
def test_a_family_that_is_none(lnlbench, arguments, words):
    code, out, err = lnlbench("list", *arguments)
    assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1


def test_citations_name_each_paper_once(lnlbench):
    code, out, err = lnlbench("cite", "gce(q=0.5) + sam", "truncated_gce,mnist", "ce")
    assert (code, err) == (0, "")
    keys = re.findall(r"^@(\w+)\{(\w+),$", out, re.MULTILINE)
    assert keys == [
        ("inproceedings", "zhang2018generalized"),
        ("inproceedings", "foret2021sharpness"),
        ("article", "lecun1998gradient"),
        ("article", "good1952rational"),
    ]
    assert out.count("{") == out.count("}")
    assert "  author = {Zhilu Zhang and Mert R. Sabuncu}," in out.splitlines()


def test_lnlbench_is_cited_with_its_version(lnlbench):
    code, out, err = lnlbench("cite", "lnlbench", "gce")
    assert (code, err) == (0, "")
    assert re.findall(r"^@(\w+)\{(\w+),$", out, re.MULTILINE) == [
        ("misc", "lnlbench"),
        ("inproceedings", "zhang2018generalized"),
    ]
    assert f"howpublished = {{Version {version('lnlbench')}}}," in out and out.count("{") == out.count("}")


def test_a_name_that_cannot_be_cited_is_one_line(lnlbench):
    code, out, err = lnlbench("cite", "gcee")
    assert (code, out) == (2, "")
    assert "unknown method or data set 'gcee'; did you mean 'gce'" in err and len(err.splitlines()) == 1


def test_data_sets_say_where_they_come_from(lnlbench):
    rows = {row["dataset"]: row for row in json.loads(lnlbench("list", "datasets", "--json")[1])}
    assert (rows["digits"]["from"], rows["mnist"]["from"]) == ("embedded", None)
    assert rows["cifar100"]["classes"] == 100


def test_doctor(lnlbench, stored):
    code, out, err = lnlbench("doctor", "--json")
    assert (code, err) == (0, "")
    rows = {row["what"]: row for row in json.loads(out)}
    assert {"python", "torch", "mlflow", "device", "digits", "mnist", "store"} <= rows.keys()
    assert rows["digits"]["state"] == rows["store"]["state"] == "ok" and rows["mnist"]["state"] == "missing"
    assert rows["store"]["detail"].endswith("mlflow.db ($MLFLOW_TRACKING_URI), 0 runs")
    assert "torch" in lnlbench("doctor")[1]


def test_doctor_makes_no_store(lnlbench, tmp_path):
    file = tmp_path / "none.db"
    code, out, _ = lnlbench("doctor", "--json", "--tracking-uri", f"sqlite:///{file}")
    assert code == 0 and not file.exists()
    assert [row["state"] for row in json.loads(out) if row["what"] == "store"] == ["missing"]


def test_doctor_finds_a_broken_store(lnlbench, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"These are my notes. " * 1000)
    code, out, err = lnlbench("doctor", "--json", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (code, err) == (1, "")
    (row,) = [row for row in json.loads(out) if row["state"] == "broken"]
    assert row["what"] == "store" and "is not an SQLite database" in row["detail"]
