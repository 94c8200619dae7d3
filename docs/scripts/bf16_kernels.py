"""Print what a training step takes in fp32 and in bf16, of PyTorch's kernels and of ours for processors without bf16.

    $ python docs/scripts/bf16_kernels.py

Medians of interleaved steps on one thread, in milliseconds: the table of docs/performance.md, "bf16 on any processor".
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F

from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.engine.rounding import InFP32
from lnlbench.benchmark.engine.threads import threads

NETWORKS = {"mlp": ((1, 28, 28), 128), "cnn_folded_small": ((3, 32, 32), 64), "cnn_folded": ((3, 32, 32), 64)}
KINDS = ("fp32", "fp32, channels last", "bf16, PyTorch's kernels", "bf16, fp32 kernels")
ROUNDS = 15


def stepper(name: str, kind: str) -> Callable[[], Tensor]:
    """Return a function that computes a network's gradients on one batch, and returns them as one vector."""
    shape, batch = NETWORKS[name]
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *shape, generator=generator)
    labels = torch.randint(10, (batch,), generator=generator)
    model = build(name, 10, shape, 0)
    if kind != "fp32":
        model, images = (x.to(memory_format=torch.channels_last) for x in (model, images))

    def step() -> Tensor:
        autocast = torch.autocast("cpu", torch.bfloat16) if "bf16" in kind else nullcontext()
        with autocast, InFP32() if kind == KINDS[3] else nullcontext():
            logits = model(images)
        grads = torch.autograd.grad(F.cross_entropy(logits.float(), labels), list(model.parameters()))
        return torch.cat([grad.flatten() for grad in grads])

    return step


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"| network | {' | '.join(KINDS)} | gradients: ours and PyTorch's | fp32's |\n")
    sys.stdout.write("|---|" + "---:|" * (len(KINDS) + 2) + "\n")
    for name in NETWORKS:
        steps = {kind: stepper(name, kind) for kind in KINDS}
        grads = {kind: step() for kind, step in steps.items()}
        seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(ROUNDS):
            for kind, step in steps.items():
                begin = time.perf_counter()
                step()
                seconds[kind].append(time.perf_counter() - begin)
        native = grads[KINDS[2]]
        apart = [float((grads[kind] - native).norm() / native.norm()) for kind in (KINDS[3], KINDS[0])]
        cells = [f"{1000 * statistics.median(times):.3g}" for times in seconds.values()]
        row = " | ".join([f"`{name}`", *cells, *(f"{share:.2%}" for share in apart)])
        sys.stdout.write(f"| {row} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with threads():
        main()
