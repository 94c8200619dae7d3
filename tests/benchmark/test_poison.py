"""No method sees a true label, and nothing but scoring sees a test label: by type, by behaviour and by search."""

import ast
import gc
import io
import types
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

import lnlbench.benchmark
from lnlbench.benchmark import Epoch, Job, Split, Truth, fit, prepare
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.protocol.splits import Prepared, prepare_blind, prepare_sealed
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.tuning.sealed import SEALED, Seal
from lnlbench.benchmark.tuning.trials import TUNING
from lnlbench.datasets.loading.images import Images, load
from lnlbench.leaderboard.results.result import unpack
from lnlbench.methods import Batch, Composition, History, Method, Record, Task, methods, parse
from lnlbench.methods.base import HOOKS, cross_entropy

NOISY = setting("digits/symmetric-0.4").override(epochs=3)
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def prepared(digits):
    found = prepare(NOISY, 0, digits)
    assert (found.split.given != found.truth.train).float().mean() > 0.3, "given and true labels must differ"
    return found


# By type.


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param(
            Split,
            {
                "images": "Tensor",
                "given": "Tensor",
                "validation_images": "Tensor",
                "validation_given": "Tensor",
                "classes": "int",
                "mean": "tuple[float, ...]",
                "std": "tuple[float, ...]",
                "probes": "Mapping[str, Tensor]",
            },
            id="what training sees",
        ),
        pytest.param(
            Job,
            {
                "setting": "Setting",
                "method": "Composition",
                "replicate": "object",
                "split": "Split",
                "told": "dict[str, Any]",
                "cancelled": "bool",
            },
            id="what is trained",
        ),
        pytest.param(
            Batch,
            {
                "inputs": "Tensor",
                "targets": "Tensor",
                "index": "Tensor",
                "memory": "Mapping[str, Tensor]",
                "carried": "Mapping[str, Tensor]",  # of the run as a whole, as the method itself makes it
                "told": "Mapping[str, Tensor]",
                "views": "tuple[Tensor, ...]",
                "strong": "tuple[Tensor, ...]",
            },
            id="what a step sees",
        ),
        pytest.param(
            Task,
            {"targets": "Tensor", "networks": "int", "told": "Mapping[str, Tensor]"},
            id="what a method starts with",
        ),
        pytest.param(
            History,
            {
                "epochs": "int",
                "validation": "Sequence[float]",
                "loss": "Sequence[float]",
                "changes": "Sequence[float]",
                "clean_validation": "Sequence[float]",  # empty unless declared: see below
            },
            id="what stops and reports",
        ),
        pytest.param(
            Record,
            {
                "loss": "Tensor",
                "prediction": "Tensor",
                "memory": "Mapping[str, Tensor]",
                "carried": "Mapping[str, Tensor]",
            },
            id="what is observed",
        ),
    ],
)
def test_no_type_has_a_place_for_what_must_not_be_seen(kind, names):
    # Not a search for suspicious names: whoever adds a field must say here what is in it.
    assert {f.name: f.type for f in fields(kind)} == names


def test_what_an_epoch_tells_methods_is_the_history():
    assert {f.name: f.type for f in fields(Epoch)}["history"] == "History"


READERS = {
    "prepare": ("protocol/splits.py", {"train_labels", "test_labels", "truth", "Truth"}),  # puts the truth aside
    "_corrupted": ("protocol/splits.py", {"train_labels"}),  # noise of a subset, of as many samples per class
    "flipped": ("runs/noise_examples.py", {"truth"}),  # a picture for MLflow, of runs that are scored
    "measure": ("runs/record.py", {"truth"}),  # the scores and curves of a result
    "__init__": ("runs/diagnostics.py", {"truth"}),  # beside training, of states that training gives
    "_info": ("sweep/worker.py", {"truth"}),  # a copy of the test labels, by which the store scores once more
    "facts": ("runs/facts.py", {"truth"}),  # the side information that a method declares
    "evaluated": ("tuning/scoring.py", {"test_labels"}),  # of a search that is closed
    "revealed": ("tuning/sealed.py", {"truth"}),  # likewise
    "accuracies": ("verification/recompute.py", {"test_labels"}),  # of stored predictions
}
"""The functions that read true labels, by name: file and what they name. All others may not."""

NO_BENCHMARK = ("conformance", "studies")  # the first poisons the truth, the second trains on problems of its own


def test_only_the_listed_functions_touch_the_truth():
    secret = {"train_labels", "test_labels", "truth", "Truth"}
    root = Path(lnlbench.benchmark.__file__).parent
    readers = {}
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if place.parts[0] in NO_BENCHMARK:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                names = {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)}
                names |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
                if names & secret:
                    readers[function.name] = (place.as_posix(), names & secret)
    assert readers == READERS


# By behaviour: other true labels, the same training.


def other_truth(prepared):
    source = torch.Generator().manual_seed(0)

    def mixed(labels):
        return labels[torch.randperm(len(labels), generator=source)]

    return replace(prepared, truth=Truth(*(mixed(getattr(prepared.truth, f.name)) for f in fields(Truth))))


FROM_TRAINING = (
    "objective",
    "validation_accuracy",
    "learning_rate",
    "weight_norm",
    "distance",
    "forward_passes",
    "backward_passes",
)


BLIND = [text for text in (*methods(), "gce + sam + early_stopping") if "clean_validation" not in parse(text).told]


@pytest.mark.parametrize("text", BLIND)
def test_training_does_not_depend_on_the_truth(text, prepared, train_run):
    run = Run(NOISY, parse(text), text, 0, "f")
    honest, poisoned = (train_run(run, data) for data in (prepared, other_truth(prepared)))
    for name in FROM_TRAINING:
        assert honest.curves[name] == poisoned.curves[name], name
    assert np.array_equal(unpack(honest.predictions), unpack(poisoned.predictions))
    assert honest.report == poisoned.report
    # That the labels were others shows in all that is scored against them.
    for name in ("test_accuracy", "corrected_online", "loss_wrong_online", "auroc_exact"):
        assert honest.curves[name] != poisoned.curves[name], name


def test_a_declared_truth_stops_training_and_changes_nothing_before(prepared, train_run):
    run = Run(NOISY, parse("clean_early_stopping"), "clean_early_stopping", 0, "f")
    honest, poisoned = (train_run(run, data) for data in (prepared, other_truth(prepared)))
    shared = min(honest.trained, poisoned.trained)
    for name in FROM_TRAINING:
        assert honest.curves[name][:shared] == poisoned.curves[name][:shared], name
    assert honest.curves["clean_validation_accuracy"][0] != poisoned.curves["clean_validation_accuracy"][0]


def test_the_clean_validation_is_in_the_history_of_those_alone_that_declare_it(prepared):
    for text, length in (("ce", 0), ("early_stopping", 0), ("clean_early_stopping", 1)):
        told = {"clean_validation": prepared.truth.validation}
        assert (
            len(next(fit(Job(NOISY, parse(text), 0, prepared.split, told), **CPU)).history.clean_validation) == length
        )


def test_the_state_of_training_does_not_depend_on_the_test_images(prepared):
    blank = {name: torch.zeros_like(images) for name, images in prepared.split.probes.items()}
    splits = (prepared.split, replace(prepared.split, probes=blank), replace(prepared.split, probes={}))
    weights = []
    for split in splits:
        *_, last = fit(Job(NOISY, parse("elr + sam"), 0, split), **CPU)
        weights.append(last.state()["networks"]["models"][0])
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]) and torch.equal(tensor, weights[2][name])


# By search: a method that looks into everything that it is handed.


def reachable(*roots):
    """Everything that can be reached from objects: attributes, containers, closures, owners of views.

    Not by way of modules, classes and the globals of functions, which are the same for all and lead everywhere.
    """
    seen, queue = {}, list(roots)
    while queue:
        one = queue.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType | types.CodeType | str | bytes | int | float):
            continue
        seen[id(one)] = one
        if isinstance(one, types.FunctionType):
            queue += [one.__closure__, one.__defaults__, one.__kwdefaults__, one.__dict__]
            continue
        queue += gc.get_referents(one)
        queue += [getattr(one, name, None) for name in ("__dict__", "__self__")]
        if isinstance(one, torch.Tensor):
            queue += [one._base, one.grad if one.is_leaf else None]
    return list(seen.values())


def contents(one):
    """The bytes behind a tensor or an array, those that it does not show included."""
    if isinstance(one, torch.Tensor):
        return torch.empty(0, dtype=torch.uint8).set_(one.cpu().untyped_storage()).numpy().tobytes()
    return (one if one.base is None else np.asarray(one.base)).tobytes()


def finds(roots, secrets):
    """The names of those secrets that lie, as numbers of any type or one-hot, in what can be reached."""
    found = set()
    for one in reachable(*roots):
        if not isinstance(one, torch.Tensor | np.ndarray) or (isinstance(one, np.ndarray) and one.dtype == object):
            continue
        held = contents(one)
        votes = torch.as_tensor(one).detach()
        hot = votes.argmax(-1).flatten() if votes.ndim > 1 and votes.shape[-1] == 10 else None
        for name, secret in secrets.items():
            forms = (secret.numpy().astype(kind).tobytes() for kind in ("i8", "i4", "i2", "u1", "f4", "f8"))
            if any(form in held for form in forms) or (hot is not None and torch.equal(hot, secret)):
                found.add(name)
    return found


def secrets_of(prepared, images):
    return {
        "true labels of training": prepared.truth.train,
        "true labels of training and validation": torch.tensor(images.train_labels),
        "which labels are wrong": (prepared.truth.train != prepared.split.given).long(),
        "test labels": prepared.truth.test,
    }


@dataclass(frozen=True)
class Spy(Method):
    """Looks into everything that every hook hands over, the first time it is asked."""

    secrets: ClassVar[dict] = {}
    found: ClassVar[dict] = {}

    def look(self, hook, *handed):
        if hook not in self.found:
            self.found[hook] = finds([self, *handed], self.secrets)

    def start(self, task):
        self.look("start", task)
        return {"seen": torch.zeros(task.networks, len(task.targets), 10)}

    def perturb(self, batch, clock):
        self.look("perturb", batch, clock)
        return batch

    def guess(self, predict, batch, clock):
        self.look("guess", predict, batch, clock)  # closes over the training loop too
        return batch

    def remember(self, logits, batch, clock):
        self.look("remember", logits, batch, clock)
        return {"seen": logits}

    def loss(self, logits, batch, clock):
        self.look("loss", logits, batch, clock)
        return cross_entropy(logits, batch.targets)

    def select(self, losses, logits, batch, clock):
        self.look("select", losses, logits, batch, clock)
        return torch.ones_like(losses)

    def carry(self, task):
        self.look("carry", task)
        return {"kept": torch.zeros(task.networks)}

    def gradient(self, grads_at, params, batch, clock):
        self.look("gradient", grads_at, params, batch, clock)  # closes over the training loop itself
        return grads_at(params)

    def average(self, params, averaged, clock):
        self.look("average", params, averaged, clock)
        return params

    def renew(self, depth, clock):
        self.look("renew", depth, clock)
        return super().renew(depth, clock)

    def freeze(self, depth, clock):
        self.look("freeze", depth, clock)
        return super().freeze(depth, clock)

    def observe(self, record, clock):
        self.look("observe", record, clock)
        return {}

    def stop(self, history):
        self.look("stop", history)
        return False

    def report(self, history):
        self.look("report", history)
        return 0


def spied(prepared, images, train_run):
    """What the spy finds at each hook while a run is made."""
    Spy.secrets.clear()
    Spy.found.clear()
    Spy.secrets.update(secrets_of(prepared, images))
    run = Run(replace(NOISY, epochs=2), Composition((Spy(),)), "spy", 0, "f")
    train_run(run, prepared)
    return dict(Spy.found)


def test_no_hook_can_reach_a_true_label(prepared, digits, train_run):
    assert spied(prepared, digits, train_run) == {hook: set() for hook in HOOKS}


def test_the_job_cannot_reach_a_true_label(prepared, digits):
    job = Job(NOISY, parse("ce"), 0, prepared.split)
    epoch = next(fit(job, **CPU))
    assert finds([job, epoch], secrets_of(prepared, digits)) == set()
    kinds = {type(one) for one in reachable(job, epoch)}
    assert Split in kinds and not kinds & {Truth, Prepared, Images}


def test_the_spy_would_find_them(prepared, digits, train_run):
    """The same search, with the given labels made the true ones: then it finds them wherever labels are handed over."""
    told = replace(prepared, split=replace(prepared.split, given=prepared.truth.train))
    found = spied(told, digits, train_run)
    assert {hook for hook, names in found.items() if "true labels of training" in names} == {
        "start",
        "carry",
        "guess",
        "gradient",
    }


def by_closure(labels):
    return lambda: labels


@dataclass
class Holder:
    """Holds something."""

    held: object

    def method(self):
        return self.held


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda labels: labels, id="as it is"),
        pytest.param(lambda labels: {"a": [({"b": labels},)]}, id="in containers"),
        pytest.param(by_closure, id="in a closure"),
        pytest.param(lambda labels: Holder(Holder(labels)), id="in attributes"),
        pytest.param(lambda labels: Holder(labels).method, id="behind a bound method"),
        pytest.param(lambda labels: (label for label in [labels]), id="in a generator"),
        pytest.param(lambda labels: labels[:1], id="beside a view"),
        pytest.param(lambda labels: labels.numpy()[:2], id="beside a view of an array"),
        pytest.param(lambda labels: labels.to(torch.uint8), id="as bytes"),
        pytest.param(lambda labels: labels.float().view(1, -1, 1), id="as fractions"),
        pytest.param(lambda labels: torch.nn.functional.one_hot(labels, 10) * 0.9, id="one-hot"),
        pytest.param(lambda labels: torch.cat([labels.flip(0), labels]), id="in a part of something"),
    ],
)
def test_the_search_finds_what_is_hidden(hide, prepared):
    secrets = {"labels": prepared.truth.train}
    assert finds([hide(prepared.truth.train)], secrets) == {"labels"}
    assert finds([hide(prepared.split.given)], secrets) == set()


# Tuning.


def test_what_is_sealed_are_predictions_without_a_label(digits):
    tuned = prepare_sealed(NOISY, TUNING, digits)
    epoch = next(fit(Job(NOISY, parse("co_teaching"), 0, tuned.split, {"noise_rate": 0.4}), **CPU))
    seal = Seal()
    seal.look(epoch)
    assert finds([tuned, epoch, seal], secrets_of(prepare(NOISY, TUNING, digits), digits)) == set()
    with np.load(io.BytesIO(seal.files()[SEALED])) as held:
        assert set(held) == {"test", "index 0", "prediction 0"} and held["test"].shape == (
            1,
            2,
            len(digits.test_labels),
        )


def test_without_the_test_set_nothing_of_it_is_there(digits):
    tuned = prepare_blind(NOISY, TUNING, digits)
    assert tuned.split.probes == {}
    first = digits.test_images[0].tobytes()
    rows = [
        contents(one) for one in reachable(tuned.split) if isinstance(one, torch.Tensor) and one.dtype == torch.uint8
    ]
    assert len(rows) == 2 and not any(first in held for held in rows)
    assert any(digits.train_images[0].tobytes() in held for held in rows), "the same search finds training images"
    epoch = next(fit(Job(NOISY, parse("co_teaching"), 0, tuned.split, {"noise_rate": 0.4}), **CPU))
    assert epoch.predictions == {} and epoch.ensemble == {}
