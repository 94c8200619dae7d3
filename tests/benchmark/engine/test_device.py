"""Devices and precisions: what is chosen, what is refused, and what each precision is."""

import pytest
import torch
from torch import nn

from lnlbench.benchmark.engine.device import ExecutionError, choose_compute, choose_precision, default_jobs

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
    assert default_jobs() >= 1


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
