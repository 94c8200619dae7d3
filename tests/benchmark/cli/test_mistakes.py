"""Every mistake is one line, exit code 2, and nothing half-written."""

import pytest
import torch

NOISY = "digits/symmetric-0.4"
FAST = ("--epochs", "2", "--device", "cpu", "--jobs", "1")
RUN = ("run", NOISY, "-m", "ce", "-s", "0", *FAST)


NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


GRAPH = ("--device", "cpu", "--execution", "graph")


MISTAKES = [
    pytest.param(["run", "digitz"], "unknown suite 'digitz'; did you mean 'digits'?", id="suite"),
    pytest.param(["run", "mnst/clean"], "unknown task 'mnst'; did you mean 'mnist'", id="task"),
    pytest.param(["run", "mnist/none*"], "no setting fits 'mnist/none*'", id="pattern"),
    pytest.param(["run", NOISY, "-m", "gec"], "unknown method 'gec'; did you mean 'gce'", id="method"),
    pytest.param(["run", NOISY, "-m", "gce(p=1)"], "gce has no hyper-parameter 'p'", id="hyper-parameter"),
    pytest.param(["run", NOISY, "-m", "gce(q=9)"], "gce: q must be in", id="value"),
    pytest.param(["run", NOISY, "-m", "gce + elr"], "'gce' both answer `loss`", id="methods that do not combine"),
    pytest.param(["run", NOISY, "-m", "gce("], "cannot read the method 'gce('", id="method that is no expression"),
    pytest.param([*RUN, "--model", "resnet81"], "unknown model 'resnet81'; did you mean", id="network"),
    pytest.param([*RUN, "--set", "dataset=mnits"], "unknown data set 'mnits'; did you mean 'mnist'?", id="data set"),
    pytest.param(["run", "digits/symetric-0.4"], "unknown noise 'symetric'; did you mean 'symmetric'?", id="noise"),
    pytest.param(["run", "digits/symmetric"], "has no rate", id="noise without a rate"),
    pytest.param(["run", "digits/symmetric-0.95"], "leaves no diagonal dominance", id="symmetric-0.95"),
    pytest.param(["run", "digits/asymmetric-0.6"], "leaves no diagonal dominance", id="asymmetric-0.6"),
    pytest.param(["run", "digits/symmetric-1.5"], "must be at least 0 and below 1", id="symmetric-1.5"),
    pytest.param(["run", "digits/human-worst"], "there is no set of human labels for digits", id="no human labels"),
    pytest.param(["run", NOISY, *GRAPH], "'graph' replays CUDA graphs, but the device is 'cpu'", id="graph"),
    pytest.param(["tune", NOISY, *GRAPH], "it has: auto, loop, stack", id="graph for tuning"),
    pytest.param(["run", NOISY, "-s", "a"], "replicates are written '0,1,2' or '0-4', but got 'a'", id="seeds"),
    pytest.param(["run", NOISY, "--set", "seeds=3"], "seeds is an option, not a field", id="seeds as a field"),
    pytest.param(["run", NOISY, "-s", "4-2"], "replicates are written", id="seeds backwards"),
    pytest.param([*RUN, "--set", "lr"], "written name=value, as in lr=0.1, but got 'lr'", id="set without a value"),
    pytest.param([*RUN, "--set", "=5"], "written name=value", id="set without a name"),
    pytest.param([*RUN, "--set", "lrr=1"], "unknown field 'lrr'; did you mean 'lr'?", id="set of nothing"),
    pytest.param([*RUN, "--set", "lr=fast"], "lr must be in 0.0 to 100.0, but got 'fast'", id="set to nonsense"),
    pytest.param([*RUN, "--set", "schedule=1"], "schedule must be cosine, constant, ", id="set to a number"),
    pytest.param(["run", "digits,lr={[]:1}/clean"], "lr must be in 0.0 to 100.0, but got '{[]:1}'", id="no literal"),
    pytest.param(
        ["run", NOISY, "--set", "epochs=1.5"], "epochs must be an integer, but got 1.5", id="set to half an epoch"
    ),
    pytest.param([*RUN[:-6], "--epochs", "0"], "epochs must be in 1 to 10000, but got 0", id="no epochs"),
    pytest.param([*RUN[:-6], "--epochs", "many"], "epochs must be in 1 to 10000, but got 'many'", id="epochs in words"),
    pytest.param([*RUN[:-4], "--device", "cuda"], "'cuda' was asked for, but torch sees 0", id="no GPU", marks=NO_GPU),
    pytest.param([*RUN[:-4], "--device", "gpu"], "unknown device 'gpu'; known: auto, cpu, cuda", id="device"),
    pytest.param([*RUN, "--precision", "fp16"], "unknown precision 'fp16'; known: auto, fp32, bf16", id="precision"),
    pytest.param([*RUN[:-2], "--jobs", "-1"], "'--jobs'", id="jobs"),
    pytest.param([*RUN, "--plugin", "nowhere.py"], "nowhere.py", id="no plug-in"),
    pytest.param([*RUN, "--data-dir", "nowhere"], "'nowhere' is not a directory", id="no data directory"),
    pytest.param([*RUN, "--tracking-uri", "mlruns"], "a store is sqlite:///file", id="no store"),
    pytest.param(["run", "mnist/clean"], "hf download ylecun/mnist", id="data set that is not here"),
    pytest.param(["run"], "SUITE-OR-SETTING", id="nothing to run"),
    pytest.param([*RUN, "--executor", "nope"], "unknown executor 'nope'; known: local, ray", id="executor"),
    pytest.param([*RUN, "--until-decided"], "a decision needs two methods or more, got ce", id="no contest"),
    pytest.param(
        ["run", NOISY, "digits,epochs=2/clean", "-m", "ce,gce", "--until-decided"],
        "decides on one board",
        id="two boards",
    ),
    pytest.param(
        ["run", NOISY, "-m", "ce,forward", "--told", "true", "--until-decided"],
        "is for methods told by an estimate, not for 'forward [true]'",
        id="a contest of methods that are told the truth",
    ),
    pytest.param([*RUN, "--sedes", "1"], "No such option", id="option"),
    pytest.param(["ruin"], "No such command", id="command"),
    pytest.param(["list", "method"], "cannot list 'method'; did you mean 'methods'?", id="list"),
    pytest.param(["leaderboard", "--rule", "noisy"], "unknown rule 'noisy'; did you mean 'noisy_val'?", id="rule"),
    pytest.param(["leaderboard", "--rule", ""], "unknown rule ''", id="no rule"),
    pytest.param(["leaderboard", "-f", "html"], "unknown format 'html'; known: terminal", id="format"),
    pytest.param(["leaderboard", "digitz"], "unknown suite 'digitz'; did you mean 'digits'?", id="board of no suite"),
    pytest.param(["leaderboard"], "`lnlbench leaderboard --from shipped` shows", id="empty board"),
    pytest.param(["show"], "Missing argument 'RUN'", id="nothing to show"),
    pytest.param(["show", "ce", "digits/clean", "0"], "nothing is stored yet", id="show of an empty store"),
    pytest.param(["show", "ce", "./none", "0"], "there is no folder none; ", id="show of no folder"),
    pytest.param(["reproduce", "ce", "~/none,epochs=3/given", "0"], "there is no folder ", id="reproduce of no folder"),
    pytest.param(["show", "ce", "/none", "0"], "unknown task ''", id="show of no task"),
    pytest.param(["show", "ce", "digitz", "0"], "unknown suite 'digitz'; did you mean", id="show of no suite"),
    pytest.param(
        ["show", "ce", "digits", "0"],
        "digits is several settings: name digits/symmetric-0.4 or digits/clean",
        id="show of a suite",
    ),
    pytest.param(["verify", "ce", "digits/clean", "0"], "nothing is stored yet", id="verify of an empty store"),
    pytest.param(["ui", "--port", "99999"], "'--port'", id="port"),
    pytest.param(["ui", "--tracking-uri", "mlruns"], "a store is sqlite:///file", id="ui of no store"),
    pytest.param(["check"], "Missing argument 'method'", id="nothing to check"),
    pytest.param(["check", ""], "cannot read the method ''", id="check of an empty text"),
    pytest.param(["check", "gec"], "unknown method 'gec'; did you mean 'gce'", id="check of no method"),
    pytest.param(["check", "nothing.py"], "no Python file at", id="check of no file"),
    pytest.param(["new-method", "My-Loss"], "lower-case letters, digits and '_'", id="name of a new method"),
    pytest.param(["new-method", "gce"], "there is a method called 'gce' already", id="name of an old method"),
    pytest.param(["new-method", "my_loss", "--folder", "none"], "'none' is not a directory", id="no folder"),
    pytest.param(["compare", "gce", "--rule", "best"], "unknown rule 'best'; known: ", id="compare under no rule"),
    pytest.param(["compare", "gce", "--against", "gec"], "did you mean 'gce'", id="compare with no method"),
    pytest.param(["compare", "gce", "-a", "gce"], "needs a method and other ones", id="compare with itself"),
    pytest.param(["compare", "gce", "--suite", "mnst"], "did you mean 'mnist'", id="compare on no suite"),
    pytest.param(["compare", "gce", "-s", "x", "--suite", "digits"], "replicates are written", id="compare no seeds"),
    pytest.param(
        ["compare", "gce", "-a", "ce", "--suite", "digits/clean", "-s", "0-1", "--rule", "detection_auroc"],
        "the rule detection_auroc finds nothing to measure in digits/clean: no label is known to be wrong",
        id="compare detectors on clean labels",
    ),
    pytest.param(
        ["compare", "gce", "--set", "epochs"], "written name=value", id="compare with a field without a value"
    ),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(one_line, lnlbench, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    one_line(lnlbench(*arguments), message)
    assert list(tmp_path.rglob("*.db*")) == [] and not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(("arguments", "message"), [case for case in MISTAKES if case.values[0][0] == "run"])
def test_a_plan_refuses_what_the_run_refuses(one_line, lnlbench, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    one_line(lnlbench(*arguments, "--dry-run"), message)


def test_a_store_that_is_something_else(one_line, lnlbench, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"These are my notes. " * 1000)
    for command in (RUN, ("leaderboard",)):
        answer = lnlbench(*command, "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
        one_line(answer, "is not an SQLite database")
    assert (tmp_path / "mlflow.db").read_bytes() == b"These are my notes. " * 1000
