"""Trials as a table: read as they were written, by setting and method, and replayed by Optuna."""

import json
import lzma

import optuna
import pytest

from lnlbench.benchmark import Replay, table
from lnlbench.benchmark.tuning.budget import TuneError


def training(label="gce", configuration=0, validation=0.5, **changes):
    row = {
        "study": f"tune/digits/symmetric-0.4/{label}",
        "configuration": configuration,
        "stage": "search",
        "searched": False,
        "chosen": False,
        "setting": "digits/symmetric-0.4",
        "label": label,
        "method": label,
        "values": {"lr": 0.1 * (configuration + 1)},
        "place": configuration,
        "data": "tuning",
        "key": f"{label}{configuration}",
        "epochs": 2,
        "failed": "",
        "seconds": 1.0,
        "validation": validation,
        "test": None if validation is None else validation + 0.3,
        "rules": {},
        "curves": {"validation_accuracy": [0.25, validation], "test_accuracy": [0.5, None], "seconds_train": [1, 1]},
    }
    return row | changes


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "trials.jsonl.xz"
    rows = [training(configuration=i, validation=v) for i, v in enumerate((0.5, 0.6, 0.4))]
    rows += [training(configuration=3, failed="diverged", validation=None, test=None)]
    rows += [training(configuration=1, stage="confirm", validation=0.1, data="confirm 0"), training("ce")]
    path.write_bytes(lzma.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


def test_a_row_per_training_in_percent(file):
    frame = table(source=file)
    assert len(frame) == 6 and frame["validation"].tolist()[:3] == [50, 60, 40]
    assert frame["lr"].tolist()[:2] == [0.1, 0.2]
    assert frame["validation_accuracy"][1] == [25, 60] and frame["test_accuracy"][0] == [50, None]
    assert frame["memorised"][0] == [] and "seconds_train" not in frame


def test_settings_and_methods_are_chosen(file):
    assert len(table("digits/", methods=["ce"], source=file)) == 1
    assert set(table(methods="gce", source=file)["label"]) == {"gce"}, "a text is no set of letters"
    assert set(table(methods="ce, gce", source=file)["label"]) == {"ce", "gce"}
    with pytest.raises(TuneError, match=r"no trials of sam on 'digits'; there are ce on digits/symmetric-0.4, gce on"):
        table("digits", methods=["sam"], source=file)


@pytest.mark.parametrize("content", [b"\0\1", lzma.compress(b"[1]\n"), lzma.compress(b'{"key": 1}\n'), b""])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.jsonl.xz"
    path.write_bytes(content)
    with pytest.raises(TuneError, match="trials"):
        table(source=path)


def test_a_replay_finds_the_best_of_the_search_without_its_test_accuracy(file):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(Replay(table(methods=["gce"], source=file)), n_trials=30)
    assert study.best_params == {"configuration": 1} and study.best_value == 60
    assert study.best_trial.user_attrs["test"] == pytest.approx(90)
    assert {trial.params["configuration"] for trial in study.trials} == {0, 1, 2}  # 3 failed


def test_a_replay_is_of_one_search(file):
    with pytest.raises(ValueError, match="one search; got 2"):
        Replay(table(source=file))
