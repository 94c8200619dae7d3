"""Settings and suites: what the file holds, how they are found, and what is refused."""

from dataclasses import fields, replace

import pytest
import torch

from lnlbench.benchmark.engine.models import OWN
from lnlbench.benchmark.protocol.schedules import learning_rate
from lnlbench.benchmark.protocol.settings import (
    Setting,
    SettingError,
    default_methods,
    default_replicates,
    find,
    setting,
    suites,
    tasks,
)
from lnlbench.benchmark.sweep.grid import numbers, plan
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.methods import parse, split_methods


@pytest.mark.parametrize("name", suites())
def test_every_suite_can_be_run(name):
    members = suites()[name]
    for task in {member.task for member in members}:
        noises = [member.noise for member in members if member.task == task]
        assert "clean" in noises, "the price of robustness"
    lengths = {member.length for member in members}
    assert len(lengths) == 1, "fast and full lengths share no ranking"
    for member in members:
        noise = parse_noise(member.noise)
        noise.check(card(member.dataset))
        assert str(noise) == member.noise, "a suite's noise is written canonically"
        assert setting(member.name) == member
    assert find([name]) == members


@pytest.mark.parametrize("name", [name for name in tasks() if setting(f"{name}/clean").track == "default"])
def test_every_task_follows_the_protocol(name):
    found = setting(f"{name}/clean")
    about = card(found.dataset)
    assert found.validation == 0.1
    assert found.length == "fast" or not name.endswith("-fast")
    assert not found.augment or about.augment, "an augmentation that changes labels"
    if found.samples or (about.channels == 3 and found.model in OWN):  # for machines without a GPU
        assert found.length == "fast" and found.model in OWN
    elif found.dataset.startswith("cifar"):
        recipe = (found.model, found.optimizer, found.momentum, found.lr, found.weight_decay, found.batch_size)
        assert recipe == ("resnet18", "sgd", 0.9, 0.02, 5e-4, 128)
        assert found.augment and found.schedule == "cosine"
        assert found.epochs == (30 if found.length == "fast" else 150)
        assert found.length == ("fast" if name.endswith("-fast") else "full")
    if found.dataset == "mnist":
        assert found.epochs <= 20 if found.length == "fast" else found.epochs == 50
        assert found.model in OWN and not found.augment


def test_the_defaults_can_be_read():
    assert all(parse(text) for text in split_methods(default_methods()))
    assert numbers(default_replicates()) == [0, 1, 2]


BASE = setting("digits/clean")
NAMES = {name: [member.name for member in members] for name, members in suites().items()}
CLEAN = list(dict.fromkeys(name for members in NAMES.values() for name in members if name.endswith("/clean")))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["digits"], NAMES["digits"], id="a suite"),
        pytest.param(["mnist/symmetric-0.35"], ["mnist/symmetric-0.35"], id="a setting that no suite lists"),
        pytest.param(["mnist-cnn/clean"], ["mnist-cnn/clean"], id="a task without a suite"),
        pytest.param(["mnist/sym*"], ["mnist/symmetric-0.2", "mnist/symmetric-0.5"], id="a pattern"),
        pytest.param(["*/clean"], CLEAN, id="a pattern over suites"),
        pytest.param(["digits/clea?"], ["digits/clean"], id="a question mark"),
        pytest.param(["digits", "digits/clean"], NAMES["digits"], id="each once"),
        pytest.param(["digits/clean", "digits"], ["digits/clean", "digits/symmetric-0.4"], id="in the order asked"),
        pytest.param(["digits/file:a*b.npy"], None, id="a pattern that fits nothing"),
        pytest.param(["digits,epochs=2/clean"], ["digits,epochs=2/clean"], id="a changed setting"),
        pytest.param(["digits,epochs=2x"], [f"digits,epochs=2x{n[6:]}" for n in NAMES["digits"]], id="a changed suite"),
        pytest.param(["digits,lr=0.5,epochs=2/cl*"], ["digits,epochs=2,lr=0.5/clean"], id="a changed pattern"),
        pytest.param(["digits,epochs=40/clean"], ["digits/clean"], id="the same value is no change"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_settings_are_found(names, expected):
    if expected is None:
        with pytest.raises(SettingError, match="no setting fits"):
            find(names)
    else:
        assert [found.name for found in find(names)] == expected


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        pytest.param(
            "digitz", ["unknown suite 'digitz'", "did you mean 'digits'?", "`lnlbench list suites`"], id="suite"
        ),
        pytest.param(
            "mnst/clean", ["unknown task 'mnst'", "did you mean 'mnist'", "`lnlbench list settings`"], id="task"
        ),
        pytest.param(
            "xyzzy/clean", ["unknown task 'xyzzy'; `lnlbench list settings` shows them all"], id="nothing close"
        ),
        pytest.param("digits/", ["a setting is a task and a noise", "'digits/'"], id="no noise"),
        pytest.param("/clean", ["unknown task ''"], id="no task"),
        pytest.param("nothing*", ["no setting fits 'nothing*'", "lnlbench list settings"], id="pattern"),
        pytest.param("", ["unknown suite ''"], id="empty"),
        pytest.param("digitz,epochs=2", ["unknown suite 'digitz'; did you mean 'digits'?"], id="a changed suite"),
        pytest.param("digits,epoch=2", ["unknown field 'epoch'; did you mean 'epochs'?"], id="a field"),
        pytest.param("digits,mnist", ["'digits,mnist' is several names: write digits mnist"], id="two suites"),
        pytest.param(
            "mnist/symmetric-0.5, mnist/clean",
            ["is several names: write mnist/symmetric-0.5 mnist/clean, and repeat an option such as --suite for each"],
            id="two settings",
        ),
        pytest.param("digits,mnst", ["unknown suite 'digits,mnst'"], id="one of them is none"),
    ],
)
def test_what_is_not_there_is_named(name, messages):
    with pytest.raises(SettingError) as error:
        find([name])
    for message in messages:
        assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({}, "digits/clean", id="nothing"),
        pytest.param({"epochs": 5}, "digits,epochs=5/clean", id="one field"),
        pytest.param({"lr": 0.1, "epochs": 5}, "digits,epochs=5,lr=0.1/clean", id="sorted"),
        pytest.param({"epochs": BASE.epochs, "lr": BASE.lr}, "digits/clean", id="the same values are no change"),
        pytest.param({"model": "cnn4"}, "digits,model=cnn4/clean", id="model"),
        pytest.param({"augment": True}, "digits,augment=True/clean", id="truth value"),
        pytest.param({"lr": 1}, "digits,lr=1.0/clean", id="an integer for a float"),
    ],
)
def test_changes_become_part_of_the_name(changes, name):
    changed = setting("digits/clean").override(**changes)
    assert changed.name == name
    for field, value in changes.items():
        assert getattr(changed, field) == value
    assert replace(changed, task="digits", **{f: getattr(setting("digits/clean"), f) for f in changes}) == setting(
        "digits/clean"
    )


def test_a_multiple_of_the_length_is_named_as_one():
    changed = setting("digits/clean").override(epochs="2x", lr=0.1)
    assert (changed.epochs, changed.name) == (80, "digits,epochs=2x,lr=0.1/clean")
    assert setting("digits/clean").override(epochs="1x").name == "digits/clean"


def test_a_change_of_a_change_is_named_once():
    changed = setting("digits/clean").override(epochs=5).override(lr=0.1)
    assert changed.name == "digits,epochs=5,lr=0.1/clean"
    assert changed.override(batch_size=32).name == "digits,batch_size=32,epochs=5,lr=0.1/clean"
    assert changed.override(epochs=3).name == "digits,epochs=3,lr=0.1/clean"
    assert changed.override(epochs="2x").name == "digits,epochs=10,lr=0.1/clean", "it is not twice the task's"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"epoch": 5}, "unknown field 'epoch'; did you mean 'epochs'? known: augment,", id="unknown"),
        pytest.param({"noise": "clean"}, "unknown field 'noise'", id="the noise is no recipe"),
        pytest.param({"task": "x"}, "unknown field 'task'", id="nor is the name"),
        pytest.param({"epochs": 0}, "epochs must be in 1 to 10000, but got 0", id="no epochs"),
        pytest.param({"epochs": "five"}, "epochs must be in 1 to 10000, but got 'five'", id="text"),
        pytest.param({"epochs": 2.5}, "epochs must be an integer, but got 2.5", id="half an epoch"),
        pytest.param({"batch_size": 16.5}, "batch_size must be an integer, but got 16.5", id="half a sample"),
        pytest.param({"batch_size": 1}, "batch_size must be in 2 to 65536, but got 1", id="BatchNorm needs two"),
        pytest.param({"lr": -0.1}, "lr must be in 0.0 to 100.0, but got -0.1", id="negative"),
        pytest.param({"lr": float("nan")}, "lr must be in 0.0 to 100.0, but got nan", id="not a number"),
        pytest.param({"lr": True}, "lr must be in 0.0 to 100.0, but got True", id="truth value"),
        pytest.param({"momentum": 1.0}, "momentum must be in 0.0 to 0.9999, but got 1.0", id="momentum"),
        pytest.param({"validation": 0}, "validation must be in 0.01 to 0.5, but got 0", id="no validation"),
        pytest.param({"weight_decay": 2}, "weight_decay must be in 0.0 to 1.0, but got 2", id="weight decay"),
        pytest.param(
            {"optimizer": "sdg"},
            "unknown optimizer 'sdg'; did you mean 'sgd'? known: adam, adamw, nesterov, sgd, timm:NAME",
            id="typo",
        ),
        pytest.param({"schedule": "step"}, "schedule must be cosine, constant, linear-80", id="schedule"),
        pytest.param({"length": 5}, "unknown length '5'; known: fast, full", id="a number for a name"),
        pytest.param({"augment": "yes"}, "augment must be True or False, but got 'yes'", id="augment"),
        pytest.param({"augment": 1}, "augment must be True or False, but got 1", id="one is not True"),
        pytest.param({"samples": -1}, "samples must be in 0 to 100000000, but got -1", id="fewer than none"),
        pytest.param({"model": 3}, "model must be a name, but got 3", id="model"),
        pytest.param({"dataset": 3}, "dataset must be a name, but got 3", id="dataset"),
        pytest.param({"model": ""}, "model must be a name, but got ''", id="no model"),
    ],
)
def test_senseless_values_are_refused(changes, message):
    with pytest.raises(SettingError) as error:
        setting("digits/clean").override(**changes)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_identity_has_every_field_and_the_size_of_a_subset():
    every = {f.name for f in fields(Setting)} - {"precision"}  # which has a place of its own in the key
    assert (
        set(setting("digits/clean").override(samples=500, track="open", grad_clip=5, lr_min=1e-3).identity()) == every
    )
    usual = set(setting("digits/clean").identity())
    assert usual == every - {"samples", "track", "grad_clip", "lr_min"}, "keys of usual runs do not know them"


def test_human_labels_stand_beside_their_twins():
    for name in ("human", "human-fast"):
        noises = {(member.dataset, member.noise) for member in suites()[name]}
        assert {("cifar10", f"human-{kind}") for kind in card("cifar10").human} <= noises
        assert {("cifar100", "human-fine"), ("cifar100_coarse", "human-coarse")} <= noises
        assert {("cifar10", "twin-worst"), ("cifar100", "twin-fine")} <= noises


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0", [0], id="one"),
        pytest.param("0-4", [0, 1, 2, 3, 4], id="range"),
        pytest.param("2,0", [0, 2], id="sorted"),
        pytest.param(" 1 , 3-4 ", [1, 3, 4], id="both, with blanks"),
        pytest.param("1,1,0-1", [0, 1], id="each once"),
        pytest.param("3-3", [3], id="a range of one"),
    ],
)
def test_replicates(text, expected):
    assert numbers(text) == expected


@pytest.mark.parametrize("text", ["a", "1.5", "-1", "4-2", "1-", "1,,2", "0-4-6", "²", "1;2", "0x1"])
def test_other_replicates_are_refused(text):
    with pytest.raises(SettingError, match=r"replicates are written '0,1,2' or '0-4', but got"):
        numbers(text)


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        pytest.param("constant", 99, 1.0, id="constant"),
        pytest.param("cosine", 50, 0.5, id="cosine, halfway"),
        pytest.param("linear-80", 79, 1.0, id="linear, before"),
        pytest.param("linear-80", 90, 0.5, id="linear, halfway down"),
        pytest.param("linear-80", 99, 0.05, id="linear, the last epoch"),
        pytest.param("steps-100-40-80", 39, 1.0, id="steps, before"),
        pytest.param("steps-100-40-80", 40, 0.01, id="steps, the first"),
        pytest.param("steps-100-40-80", 80, 0.0001, id="steps, the second"),
    ],
)
def test_schedules(schedule, epoch, expected):
    assert learning_rate(1.0, schedule, epoch, 100) == pytest.approx(expected)


def torchs(make, epochs, base=0.3):
    """Return the learning rates of a schedule of torch's that moves once per epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    schedule, found = make(optimizer), []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(found) < epochs else None
    return found


@pytest.mark.parametrize("epochs", [10, 50, 120])
def test_one_cycle_and_a_least_rate_are_those_of_torch(epochs):
    ours = [learning_rate(0.3, "one-cycle-30", epoch, epochs) for epoch in range(epochs)]
    theirs = torchs(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=epochs), epochs)
    assert ours == pytest.approx(theirs, rel=1e-9)
    ours = [learning_rate(0.3, "cosine", epoch, epochs, 1e-3) for epoch in range(epochs)]
    theirs = torchs(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, epochs, 1e-3), epochs)
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("warmup-2-constant", [0.5, 1, 1, 1]),
        ("warmup-2-cosine", [0.5, 1, 1, 0.5]),
        ("warmup-1-steps-10-2-3", [1, 1, 0.1, 0.01]),
        ("warmup-9-cosine", [1 / 4, 2 / 4, 3 / 4, 1]),
        ("linear-2", [1, 1, 1, 0.6]),
    ],
)
def test_a_warm_up_rises_in_a_line_and_a_rate_has_its_least(schedule, rates):
    least = 0.2 if schedule.startswith("linear") else 0.0
    assert [learning_rate(1.0, schedule, epoch, 4, least) for epoch in range(4)] == pytest.approx(rates)
    assert learning_rate(0.1, schedule, 3, 4, 0.2) <= 0.1, "a least rate above the rate lifts nothing"


def test_new_fields_leave_keys_as_they_were():
    plain = setting("paper-dal/clean").identity()
    assert {"grad_clip", "lr_min", "nesterov", "precision"}.isdisjoint(plain)
    changed = setting("digits/clean").override(grad_clip=5, lr_min=1e-3, optimizer="nesterov")
    assert (changed.identity()["grad_clip"], changed.identity()["lr_min"]) == (5.0, 1e-3)
    assert changed.task == "digits,grad_clip=5.0,lr_min=0.001,optimizer=nesterov"


@pytest.mark.parametrize("optimizer", ["sgdd", "timm", "timm:", "timm:a b", "", 3])
def test_what_is_no_optimiser_is_refused(optimizer):
    with pytest.raises(SettingError, match=r"unknown optimizer .*known: adam, adamw, nesterov, sgd, timm:NAME"):
        setting("digits/clean").override(optimizer=optimizer)


@pytest.mark.parametrize(
    "schedule",
    ["step-10-40", "steps-10", "steps-0-40", "linear", "linear-x", "cosine-2", "warmup-cosine", "one-cycle", ""],
)
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(SettingError, match="schedule must be cosine"):
        setting("digits/clean").override(schedule=schedule)


def test_the_paper_track():
    paper = {name: members for name, members in suites().items() if name.startswith("paper-")}
    assert paper.keys() == {
        "paper-dal", "paper-apl", "paper-apl-mnist", "paper-alf-mnist", "paper-elr", "paper-co-teaching",
    }  # fmt: skip
    assert {member.track for members in paper.values() for member in members} == {"paper"}
    others = {m.track for name, members in suites().items() if name not in paper for m in members}
    assert others == {"default"}
    elr = setting("paper-elr/clean")
    assert (elr.model, elr.epochs, elr.lr, elr.weight_decay, elr.validation) == ("resnet34", 120, 0.02, 1e-3, 0.1)
    assert "track" not in setting("cifar10/clean").identity() and elr.identity()["track"] == "paper"


def test_runs_of_a_paper_recipe_are_of_that_track():
    (run,) = plan([setting("digits/clean").override(track="paper")], ["ce"], [0])
    (other,) = plan([setting("digits/clean")], ["ce"], [0])
    assert (run.track, other.track, run.key == other.key) == ("paper", "default", False)
