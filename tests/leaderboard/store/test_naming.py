"""Names are whole, so that MLflow's search finds what a user types."""

import pytest

from lnlbench.leaderboard.store.naming import CHARTS, cell_name, run_name, study_name


@pytest.mark.parametrize(
    ("label", "replicate", "name"),
    [
        ("gce", 1, "gce s1"),
        ("gce(q=0.5, trunc=0.25)", 3, "gce(q=0.5,trunc=0.25) s3"),
        ("gce + sam + early_stopping", 12, "gce+sam+early_stopping s12"),
    ],
)
def test_run_names(label, replicate, name):
    assert run_name(label, replicate) == name


@pytest.mark.parametrize(
    ("label", "noise", "name"),
    [
        ("gce", "symmetric-0.5", "gce sym-0.5"),
        ("gce", "symmetric-inclusive-0.5", "gce sym-inclusive-0.5"),
        ("ce", "clean", "ce clean"),
        ("co_teaching", "asymmetric-0.4", "co_teaching asym-0.4"),
        ("ce", "human:worst", "ce hum-worst"),
    ],
)
def test_cell_names(label, noise, name):
    assert cell_name(label, noise) == name


def test_a_search_has_its_noise_in_its_name():
    assert study_name("co_teaching", "symmetric-0.4") == "co_teaching tune sym-0.4"


def test_charts_are_in_sections():
    assert 4 <= len(CHARTS) <= 8 and all(key.count("/") == 1 for key in CHARTS.values())
