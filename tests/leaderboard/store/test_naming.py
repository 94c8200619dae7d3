"""Names fit where MLflow shows them."""

import pytest

from lnlbench.leaderboard.store.naming import CHARTS, cell_name, run_name


@pytest.mark.parametrize(
    ("label", "replicate", "name"),
    [
        ("gce", 1, "gce s1"),
        ("gce(q=0.5)", 0, "gce(q=0.5) s0"),
        ("gce(q=0.5, trunc=0.25)", 3, "gce s3"),
        ("gce + sam + early_stopping", 12, "gce+sam+earl… s12"),
        ("early_stopping_extra_long(patience=0.1)", 100, "early_stopp… s100"),
    ],
)
def test_run_names(label, replicate, name):
    assert run_name(label, replicate) == name
    assert len(name) < 18


@pytest.mark.parametrize(
    ("label", "noise", "name"),
    [
        ("gce", "symmetric-0.5", "gce sym-0.5"),
        ("gce", "symmetric-inclusive-0.5", "gce sym-i-0.5"),
        ("ce", "clean", "ce clean"),
        ("co_teaching", "asymmetric-0.4", "co_teac… asym-0.4"),
        ("ce", "human:worst", "ce hum-worst"),
    ],
)
def test_cell_names(label, noise, name):
    assert cell_name(label, noise) == name


@pytest.mark.parametrize("label", ["x", "co_teaching(keep=0.5)", "a" * 60, "a + b(c=1, d=2) + e"])
@pytest.mark.parametrize("noise", ["clean", "instance-0.45", "symmetric-bernoulli-0.123456", "file:/a/b-c.npy#worse"])
def test_no_name_is_too_long(label, noise):
    assert len(cell_name(label, noise)) < 18
    assert all(len(run_name(label, i)) < 18 for i in (0, 10, 12345))


def test_charts_are_in_sections():
    assert 4 <= len(CHARTS) <= 8 and all(key.count("/") == 1 for key in CHARTS.values())
