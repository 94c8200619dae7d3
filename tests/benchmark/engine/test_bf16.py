"""Whether bf16 pays: measured once for each machine, and repeated from then on."""

import json

import pytest
import torch

from lnlbench.benchmark.engine import bf16
from lnlbench.benchmark.engine.device import choose_compute


@pytest.fixture
def measured(monkeypatch):
    """The gains that the next measurement finds, and how often one was made."""
    bf16._answer.cache_clear()
    found = {"gains": {"dense": 1.5, "convolution": 2.0}, "times": 0}

    def measure():
        found["times"] += 1
        return dict(found["gains"])

    monkeypatch.setattr(bf16, "measure", measure)
    yield found
    bf16._answer.cache_clear()


@pytest.mark.parametrize(
    ("dense", "convolution", "pays"),
    [
        pytest.param(1.5, 2.0, True, id="both gain"),
        pytest.param(0.4, 2.0, False, id="dense layers lose"),
        pytest.param(1.5, 0.9, False, id="convolutions lose"),
        pytest.param(1.02, 1.02, False, id="too little"),
    ],
)
def test_the_answer_is_kept(tmp_path, measured, dense, convolution, pays):
    measured["gains"] = {"dense": dense, "convolution": convolution}
    assert bf16.bf16_pays(tmp_path / "home", "some CPU") is pays
    (file,) = (tmp_path / "home").iterdir()
    assert json.loads(file.read_text())["gains"] == measured["gains"]
    bf16._answer.cache_clear()  # as in another process
    measured["gains"] = {"dense": 2.0 - dense, "convolution": 2.0 - convolution}
    assert bf16.bf16_pays(tmp_path / "home", "some CPU") is pays and measured["times"] == 1
    bf16.bf16_pays(tmp_path / "home", "another CPU")
    assert measured["times"] == 2


def test_the_first_of_two_processes_decides(tmp_path, measured):
    home = tmp_path / "home"

    def slower():
        measured["times"] += 1
        home.mkdir(exist_ok=True)
        bf16._answer.cache_clear()
        name = next(iter(names))
        (home / name).write_text(json.dumps({"pays": False}))
        return {"dense": 2.0, "convolution": 2.0}

    assert bf16.bf16_pays(tmp_path / "other", "some CPU")
    names = [file.name for file in (tmp_path / "other").iterdir()]
    bf16.measure = slower  # the fixture puts it back
    assert not bf16.bf16_pays(home, "some CPU")
    assert [file.name for file in home.iterdir()] == names


@pytest.mark.parametrize("content", ["", "{", "[]", '{"gains": {}}'])
def test_a_spoilt_answer_is_measured_again(tmp_path, measured, content):
    bf16.bf16_pays(tmp_path, "some CPU")
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    bf16._answer.cache_clear()
    assert bf16.bf16_pays(tmp_path, "some CPU") and measured["times"] == 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, measured):
    (tmp_path / "file").write_text("")
    assert bf16.bf16_pays(tmp_path / "file" / "home", "some CPU")


def test_a_real_measurement_leaves_torch_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    gains = bf16.measure()
    assert gains.keys() == {"dense", "convolution"} and min(gains.values()) > 0
    assert torch.equal(state, torch.get_rng_state()) and torch.get_num_threads() == threads


def test_auto_follows_the_probe(tmp_path, monkeypatch, measured):
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "yes"))
    assert choose_compute("cpu").precision == "bf16"
    measured["gains"]["dense"] = 0.5
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "no"))
    assert choose_compute("cpu").precision == "fp32"
