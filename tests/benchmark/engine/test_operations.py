"""Operations are counted as torch counts them, without what that imports."""

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.engine.operations import Counter


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("mlp", (1, 28, 28)),
        ("cnn4", (3, 32, 32)),
        ("cnn8", (3, 32, 32)),
        ("cnn_folded_small", (3, 32, 32)),
        ("resnet18", (3, 32, 32)),
        ("mobilenetv3_small_050", (3, 64, 64)),
    ],
)
def test_a_pass_has_the_operations_that_torch_counts(model, shape):
    network, images = build(model, 10, shape, 0).eval(), torch.zeros(1, *shape)
    with torch.no_grad():
        with FlopCounterMode(display=False) as reference:
            network(images)
        with Counter() as counter:
            network(images)
    assert counter.operations == reference.get_total_flops() > 0


def test_products_and_attention_count_too():
    with Counter() as counter:
        torch.zeros(6, 2, 3) @ torch.zeros(6, 3, 5)
    assert counter.operations == 6 * 2 * 5 * 3 * 2
    shapes = (1, 2, 5, 4), (1, 2, 7, 4), (1, 2, 7, 3)  # queries, keys, values
    with Counter() as counter:
        torch.nn.functional.scaled_dot_product_attention(*map(torch.zeros, shapes))
    assert counter.operations == 2 * (2 * 5 * 7) * (4 + 3)


def test_counting_imports_no_compiler():
    program = (
        "import sys, torch; from lnlbench.benchmark.engine.operations import Counter\n"
        "with Counter() as c: torch.nn.Linear(3, 4)(torch.zeros(2, 3))\n"
        "assert c.operations == 48; print('torch._dynamo' in sys.modules, 'triton' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
