"""Keys of runs that were stored once: no change of the code may change them, or all that is stored is run again."""

from dataclasses import replace

from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.runs.run import with_data
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options

KEYS = {
    ("ce", 0): "b8b22df5a2ba1fb5dd2ac1d2c34bd41c",
    ("ce", 1): "02ab23a9bd3805202228c248702334e9",
    ("gce", 0): "e9881338eabadc3ed39f685cbd4f05fc",
    ("gce", 1): "15d3b48bc2b122e050a481889623ed83",
    ("dal + sam", 0): "0c836af6be47187a3c6979c4e0dc3e74",
    ("dal + sam", 1): "880e8c87456da1d18004364caeb2e6ba",
    ("early_stopping", 0): "b890453e80ae852b9be047fea5f9efbf",
    ("early_stopping", 1): "5a11cdfef983b71a24c466362a2a6d9c",
}
"""Made by the version before benchmark/ had rooms, on digits/symmetric-0.4."""


def test_stored_keys_stay():
    runs = grid(["digits/symmetric-0.4"], "ce, gce, dal + sam, early_stopping", "0-1", {}, Options(device="cpu"))
    assert {(run.label, run.replicate): run.key for run in runs} == KEYS


def test_data_are_drawn_once_for_runs_that_share_them():
    runs = grid(["digits/symmetric-0.4"], "ce, gce", "0-1", {"epochs": 1}, Options(device="cpu"))
    runs += [replace(run, setting=replace(run.setting, lr=0.5, samples=500)) for run in runs[:1]]
    asked = []
    members = with_data(runs, lambda name, blind: asked.append(name) or images_of(name, None, blind))
    assert [run for run, _ in members] == runs and len(asked) == 3
    drawn = {(run.label, run.replicate, run.setting.samples): id(data) for run, data in members}
    assert drawn["ce", 0, 0] == drawn["gce", 0, 0] != drawn["ce", 1, 0] and len(set(drawn.values())) == 3
    assert all(data.manifest == data.identity["noise"] for _, data in members)


def test_a_setting_knows_what_its_task_lists():
    listed = setting("digits/symmetric-0.4")
    assert listed.override(lr=0.5, epochs="2x").listed == listed == listed.listed
    own = replace(listed, task="of my own")
    assert own.listed is own
