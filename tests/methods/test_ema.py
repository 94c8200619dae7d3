"""The moving average against a loop, and what is evaluated in training."""

import torch

from lnlbench.benchmark import Job, Split, fit
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.methods import parse


def test_equals_the_recursion(at_work, clock_at):
    method = at_work("ema(decay=0.5)")
    averaged = expected = torch.randn(4, dtype=torch.float64)
    for step in range(30):
        weights = torch.randn(4, dtype=torch.float64)
        averaged = method.average([{"w": weights}], [{"w": averaged}], clock_at(step=step))[0]["w"]
        share = min(0.5, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * weights
    torch.testing.assert_close(averaged, expected)


def test_composes_and_is_what_is_evaluated():
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 1, 8, 8), generator=source).to(torch.uint8)
    given = torch.randint(10, (120,), generator=source)
    split = Split(images[:80], given[:80], images[80:], given[80:], 10, (0.3,), (0.4,), {"test": images})
    recipe = setting("digits/clean").override(epochs=1, batch_size=4, lr=0.03)

    def final(text):
        (epoch,) = fit(Job(recipe, parse(text), 0, split), device="cpu", precision="fp64")
        return epoch

    plain, still, moving = final("gce"), final("gce + ema(decay=0)"), final("gce + ema(decay=0.9999)")
    assert torch.equal(plain.predictions["test"], still.predictions["test"]), "decay 0 is the trained network"
    assert not torch.equal(plain.predictions["test"], moving.predictions["test"])
    assert plain.loss == moving.loss, "averaging must not change the training"
