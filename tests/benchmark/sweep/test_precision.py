"""Precisions in sweeps: part of the key, a function of device and setting alone."""

import shutil
from dataclasses import replace

import pytest

from lnlbench.benchmark import run
from lnlbench.benchmark.engine import bf16
from lnlbench.benchmark.engine.device import ExecutionError
from lnlbench.benchmark.protocol.settings import SettingError, setting
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.results.precision import key_in, precision_of
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store

NOISY = "digits/symmetric-0.4"


def same(one, other):
    """Whether two results are equal bit for bit, in all but time and place."""
    rows = [{n: row for n, row in r.curves.items() if "seconds" not in n} for r in (one, other)]
    places = [r.environment["precision"] for r in (one, other)]
    names = ("key", "predictions", "identity", "report", "method", "label")
    return rows[0] == rows[1] and places[0] == places[1] and all(getattr(one, n) == getattr(other, n) for n in names)


@pytest.mark.slow
def test_two_homes_give_the_same_results_whatever_bf16_gains_there(template, tmp_path, monkeypatch):
    homes = []
    for name, gains in (("one", {"dense": 9.7, "convolution": 9.7}), ("other", {"dense": 0.2, "convolution": 0.2})):
        home = tmp_path / name
        home.mkdir()
        shutil.copy(template, home / "mlflow.db")
        monkeypatch.setenv("LNLBENCH_HOME", str(home))
        monkeypatch.setattr(bf16, "measure", lambda gains=gains: gains)
        uri = f"sqlite:///{home / 'mlflow.db'}"
        homes.append(run(["digits"], "ce, gce, sam, dal + sam", "0-1", tracking_uri=uri, device="cpu", epochs=2))
    first, second = homes
    assert len(first) == len(second) == 16
    assert all(map(same, first, second))
    assert {result.environment["precision"] for result in first} == {"fp32"}


def test_the_precision_is_part_of_the_key_where_it_is_not_fp32(url):
    small, texts = setting(NOISY).override(epochs=1), ["gce", "gce + early_stopping"]
    runs = {name: plan([small], texts, [0], precision=name) for name in ("fp32", "bf16", "fp64")}
    plain = runs["fp32"]
    assert [r.key for r in plan([small], texts, [0])] == [r.key for r in plain], "auto on a CPU"
    for name, members in runs.items():
        assert [r.key for r in members] == [key_in(r.key, name) for r in plain]
        assert all(r.host is None or r.host.precision == name for r in members)
    options = Options(store=store_address(url), device="cpu")
    every = [r for members in runs.values() for r in members]
    assert sorted(sweep(every, options).done) == sorted(r.key for r in every)
    store = Store(url)
    for member in every:
        result = store.result(member.key)
        assert precision_of(result) == result.environment["precision"] == member.precision
        assert ("precision" in result.identity) is (member.precision != "fp32")
    assert len(sweep(every, options).stored) == len(every)


def test_runs_of_several_precisions_are_not_trained_together():
    (member,) = plan([setting(NOISY).override(epochs=1)], ["ce"], [0])
    both = [(member, None), (replace(member, precision="bf16"), None)]
    with pytest.raises(ExecutionError, match="of one precision, but got bf16, fp32"):
        next(train_runs(both, device="cpu"))


def test_the_recipe_says_what_auto_means():
    small = replace(setting(NOISY).override(epochs=1), precision="bf16")
    (member,) = plan([small], ["ce"], [0])
    (plain,) = plan([small], ["ce"], [0], precision="fp32")
    assert (member.precision, plain.precision) == ("bf16", "fp32")
    assert plain.key == plan([replace(small, precision="auto")], ["ce"], [0])[0].key, "the recipe itself is in no key"
    with pytest.raises(
        SettingError, match="precision is an option, not a field to change: --precision, in Python precision='bf16'"
    ):
        small.override(precision="bf16")
    with pytest.raises(SettingError, match="unknown precision 'fp16'"):
        replace(small, precision="fp16")
