"""A folder of the user's own, from the command line to the board: what needs true labels is off without them."""

import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from lnlbench.benchmark import run
from lnlbench.benchmark.cli import app as cli
from lnlbench.benchmark.protocol.settings import SettingError, find, is_path
from lnlbench.leaderboard.ranking.build import build

FAST = {"epochs": 2, "device": "cpu"}


@pytest.fixture
def folder(tmp_path):
    """Digits as an image folder, with labels in metadata files: every fifth training label is wrong."""
    digits, root = load_digits(), tmp_path / "my-digits"
    for split, rows in (("train", range(300)), ("test", range(300, 400))):
        lines = ["file_name,given_label,true_label"]
        (root / split).mkdir(parents=True)
        for i in rows:
            Image.fromarray((digits.images[i] * 15).astype(np.uint8)).save(root / split / f"{i}.png")
            true = int(digits.target[i])
            lines.append(f"{i}.png,{(true + (i % 5 == 0) * (split == 'train')) % 10},{true}")
        (root / split / "metadata.csv").write_text("\n".join(lines))
    return root


def test_diagnostics_need_true_labels_and_scores_do_not(folder, url):
    (known,) = run(str(folder), "ce", "0", tracking_uri=url, **FAST)
    for split in ("train", "test"):
        file = folder / split / "metadata.csv"
        file.write_text(file.read_text().replace("true_label", "comment"))
    (unknown,) = run(str(folder), "ce", "0", tracking_uri=url, **FAST)
    assert known.key != unknown.key, "the content is part of the key"
    assert known.curves["validation_accuracy"] == unknown.curves["validation_accuracy"], "and nothing of the training"
    assert known.curves["test_accuracy"] == unknown.curves["test_accuracy"]
    assert "memorised_online" in known.curves and "clean_validation_accuracy" in known.curves
    needing = ("memorised", "corrected", "auroc", "loss_wrong", "clean_validation")
    assert [name for name in unknown.curves if name.startswith(needing)] == []
    assert known.identity["noise"]["realised_rate"] == pytest.approx(0.2)
    assert unknown.identity["noise"]["realised_rate"] is None
    assert unknown.dataset.startswith("my-digits@") and unknown.identity["dataset"]["fingerprint"]
    assert build([unknown], "noisy_val").columns[0].realised_rate is None


def test_the_command_line_runs_and_ranks_a_folder(folder, url, monkeypatch, capfd):
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    monkeypatch.chdir(folder.parent)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lnlbench", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capfd.readouterr()

    how = ("--methods", "ce,gce", "--seeds", "0", "--epochs", "2", "--device", "cpu", "--jobs", "1")
    assert call("run", "./my-digits", *how)[0] == 0
    code, out, _ = call("leaderboard", "--format", "csv")
    assert code == 0 and "my-digits@" in out and "gce" in out
    code, out, err = call("run", "./my-digits#given=nothing", *how)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "unknown column 'nothing'" in err


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./x", True),
        ("/x/y", True),
        ("/clean", False),
        ("", False),
        ("~/x", True),
        ("mnist/clean", False),
        ("digits", False),
    ],
)
def test_what_is_a_path(name, path):
    assert is_path(name) == path


def test_a_mistyped_suite_is_no_path():
    with pytest.raises(SettingError, match="did you mean 'digits'"):
        find(["digit"])
