"""The step on a GPU, where there is one."""

import pytest
import torch

from lnlbench.benchmark import Job, Split, fit
from lnlbench.benchmark.settings import setting
from lnlbench.methods import methods, parse

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


def job(text, model, **changes):
    source = torch.Generator().manual_seed(0)
    images = torch.randint(256, (300, 3, 32, 32), dtype=torch.uint8, generator=source)
    given = torch.randint(10, (300,), generator=source)
    split = Split(
        images[:256], given[:256], images[256:], given[256:], 10, (0.5,) * 3, (0.25,) * 3, {"test": images[256:]}
    )
    return Job(setting("cifar10-fast/symmetric-0.4").override(model=model, epochs=2, **changes), parse(text), 0, split)


@pytest.mark.parametrize("text", [*methods(), "dal + sam"])
def test_gpu_equals_cpu_in_float64(text):
    runs = [list(fit(job(text, "cnn4"), device=device, precision="fp64")) for device in ("cpu", "cuda")]
    for cpu, cuda in zip(*runs, strict=True):
        torch.testing.assert_close(cuda.online.loss, cpu.online.loss, rtol=1e-8, atol=1e-8)
        assert cuda.weight_norm == pytest.approx(cpu.weight_norm, rel=1e-9)
        assert torch.equal(cuda.predictions["test"], cpu.predictions["test"])


def test_resnet18_trains_in_bf16_with_channels_last():
    last = list(fit(job("ce", "resnet18"), device="cuda", precision="bf16"))[-1]
    assert not last.diverged
