"""Devices and precisions: what is chosen, what is refused, and what each precision is."""

import os
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from lnlbench.benchmark import fit, train
from lnlbench.benchmark.engine.device import (
    ExecutionError,
    choose_compute,
    choose_precision,
    default_jobs,
    exact_float32,
)
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.methods.base import Method, cross_entropy

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        pytest.param("cpu", "fp23", "unknown precision 'fp23'; known: auto, fp32, bf16, fp64", id="precision"),
        pytest.param("gpu", "auto", "unknown device 'gpu'; known: auto, cpu, cuda, cuda:N", id="device"),
        pytest.param("mps", "auto", "unknown device 'mps'", id="another kind"),
        pytest.param("", "auto", "unknown device ''", id="empty"),
        pytest.param("cuda:99", "auto", "device 'cuda:99' was asked for, but torch sees", id="too many"),
        pytest.param("cuda", "auto", "'cuda' was asked for, but torch sees 0 GPUs", marks=NO_GPU, id="no GPU"),
    ],
)
def test_what_is_not_to_be_had_is_refused(device, precision, message):
    with pytest.raises(ExecutionError) as error:
        choose_compute(device, precision)
    assert message in str(error.value) and "\n" not in str(error.value)


@NO_GPU
def test_a_cpu_is_chosen_where_there_is_no_gpu():
    how = choose_compute()
    assert how.device == torch.device("cpu") and how.precision == "fp32"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are assigned on Linux alone")
def test_cores_that_a_process_may_not_use_do_not_count():
    allowed = os.sched_getaffinity(0)
    assert default_jobs("cpu") == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert default_jobs("cpu") == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("device", "precision", "recipe", "chosen"),
    [
        pytest.param("cpu", "auto", "auto", "fp32", id="a CPU"),
        pytest.param("cuda", "auto", "auto", "bf16", id="a GPU"),
        pytest.param("cpu", "auto", "bf16", "bf16", id="a recipe in bf16"),
        pytest.param("cuda", "auto", "fp32", "fp32", id="a recipe in fp32"),
        pytest.param("cuda", "fp32", "bf16", "fp32", id="asked for"),
        pytest.param("cpu", "fp64", "bf16", "fp64", id="fp64"),
    ],
)
def test_auto_is_a_function_of_device_and_recipe(device, precision, recipe, chosen):
    assert choose_precision(torch.device(device), precision, recipe) == chosen


@pytest.mark.parametrize(
    ("precision", "weights", "product"),
    [
        pytest.param("fp32", torch.float32, torch.float32, id="fp32"),
        pytest.param("bf16", torch.float32, torch.bfloat16, id="bf16: weights stay fp32"),
        pytest.param("fp64", torch.float64, torch.float64, id="fp64"),
    ],
)
def test_precision(precision, weights, product):
    how = choose_compute("cpu", precision)
    model = how.place(nn.Conv2d(3, 4, 3))
    assert model.weight.dtype == how.dtype == weights
    images = how.layout(torch.zeros(2, 3, 8, 8, dtype=how.dtype))
    assert images.is_contiguous(memory_format=torch.channels_last) is how.channels_last is (precision == "bf16")
    with how.autocast():
        assert model(images).dtype == product


def test_the_hardware_has_a_name():
    assert choose_compute("cpu").describe().strip()


# Products of float32.

PLACES = {
    "all": torch.backends,
    "cuDNN": torch.backends.cudnn,
    "products on a GPU": torch.backends.cuda.matmul,
    "convolutions on a GPU": torch.backends.cudnn.conv,
    "products on a CPU": torch.backends.mkldnn.matmul,
    "convolutions on a CPU": torch.backends.mkldnn.conv,
}


def rounding():
    return {name: place.fp32_precision for name, place in PLACES.items()}


@pytest.fixture
def asked():
    """Give a setter of what the caller lets torch round; all is as before afterwards."""
    before = [(place, place.fp32_precision) for place in PLACES.values()]
    matmul = torch.get_float32_matmul_precision()

    def ask(name, precision):
        if name == "torch":
            torch.set_float32_matmul_precision(precision)
        elif name is not None:
            PLACES[name].fp32_precision = precision

    yield ask
    torch.set_float32_matmul_precision(matmul)
    for place, precision in before:
        place.fp32_precision = precision


CALLER = [
    pytest.param(None, "", id="torch's defaults"),
    pytest.param("torch", "medium", id="the caller's medium"),
    pytest.param("all", "bf16", id="the caller's bf16"),
    pytest.param("convolutions on a GPU", "ieee", id="the caller's exact convolutions"),
]


@dataclass(frozen=True)
class Watching(Method):
    """Cross-entropy that looks at what torch may round."""

    seen: ClassVar[list[dict[str, str]]] = []

    def loss(self, logits, batch, clock):
        self.seen.append(rounding())
        return cross_entropy(logits, batch.targets)


@pytest.mark.parametrize(("name", "precision"), CALLER)
@pytest.mark.parametrize("execution", ["loop", "stack"])
def test_a_step_rounds_no_product_and_leaves_the_callers_settings(job_of, asked, execution, name, precision):
    asked(name, precision)
    before, between = rounding(), []
    Watching.seen.clear()
    for _ in train([job_of(Watching())], device="cpu", precision="fp32", execution=execution):
        between.append(rounding())
    assert Watching.seen and all(set(found.values()) == {"ieee"} for found in Watching.seen)
    assert [*between, rounding()] == [before] * 4, "after each epoch, and in the end"


@pytest.mark.parametrize("model", ["mlp", "cnn4"])
def test_the_caller_changes_no_result_and_no_prediction(job_of, asked, model):
    def results():
        *_, last = fit(job_of(model=model), device="cpu", precision="fp32")
        networks = Networks(model, 1, 4, (1, 8, 8), 0, choose_compute("cpu", "fp32"))
        images = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        return [last.state()["networks"]["models"], networks.predict([images])]

    expected = results()
    asked("torch", "medium")  # products in bf16, where the processor has them
    torch.testing.assert_close(results(), expected, rtol=0, atol=0)


def test_the_callers_settings_are_left_to_follow_each_other():
    with exact_float32():
        pass
    places = PLACES["all"], PLACES["products on a CPU"]
    places[0].fp32_precision = "tf32"
    try:
        assert places[1].fp32_precision == "tf32"
    finally:
        places[0].fp32_precision = "none"
    assert places[1].fp32_precision == "none"
