"""SGD on wrong labels with the gradients of both segments along the way, of any network, centred or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.epoch_numbers import EVALUATION_BATCH
from lnlbench.benchmark.protocol.seeds import generator
from lnlbench.benchmark.runs import segments
from lnlbench.benchmark.studies.simulators.array import Array


@dataclass(frozen=True)
class Data:
    """Inputs as the network sees them, and labels."""

    x: Tensor  # [N, ...]
    given: Tensor  # int64 [N]
    true: Tensor  # int64 [N]
    test_x: Tensor  # [T, ...]
    test: Tensor  # int64 [T] true labels

    def to(self, device: torch.device) -> Data:
        """Return the same on a device."""
        return Data(*(x.to(device) for x in (self.x, self.given, self.true, self.test_x, self.test)))


@dataclass(frozen=True)
class Descent:
    """How to train, and when to measure gradients."""

    epochs: int
    batch_size: int  # that of the data or more: gradient descent
    lr: float
    momentum: float = 0.0
    centred: bool = True  # what the network says at its start is subtracted
    measured: int = 0  # training samples whose gradients are measured, evenly spread; 0: all
    dense: int = 20  # epochs after which gradients are measured every `every` epochs only
    every: int = 5
    until: float = 0.0  # stop when the training error is below this
    precision: str = "fp32"  # or "bf16", of steps and errors; gradients of segments are sums that cancel, always fp32


@dataclass(frozen=True)
class Trace:
    """What was measured before the first step and after each epoch."""

    values: dict[str, Array]  # [T + 1] each: errors, losses and residuals of the segments, test_error
    at: Array  # [G] epochs at which gradients were measured
    clean: Array  # [G, C] norms of the segments' gradients
    noisy: Array  # [G, C]
    cosine: Array  # [G, C] of the two
    true_cosine: Array  # [G] of the gradients with given and with true labels
    expected: Array  # [C] the ratio at the start that the counts alone predict

    @property
    def best(self) -> int:
        """The epoch t* of the least test error; of the first."""
        return int(self.values["test_error"].argmin())

    @property
    def ratio(self) -> Array:
        """The pooled ratio Σ_c |g_clean| / Σ_c |g_noisy| [G]."""
        return np.asarray(np.nansum(self.clean, 1) / np.nansum(self.noisy, 1))

    def near(self, epoch: int) -> int:
        """Return the place in `at` that is nearest to an epoch."""
        return int(np.abs(self.at - epoch).argmin())


def flipped(true: Tensor, rate: float, classes: int, *names: object) -> Tensor:
    """Labels of which exactly round(rate × N) are wrong, each uniform over the other classes."""
    source = generator("flips", *names)
    index = torch.randperm(len(true), generator=source)[: round(rate * len(true))]
    shift = torch.randint(1, classes, (len(index),), generator=source) if classes > 2 else 1
    given = true.clone()
    given[index] = (given[index] + shift) % classes
    return given


@exact_float32()
def descend(network: nn.Module, data: Data, how: Descent, *names: object) -> Trace:
    """Train a network from where it stands; the order of the samples is drawn from `names`."""
    run = _Run(network, data, how)
    order, rows, found = generator("order", *names), [run.evaluate()], [run.gradients()]
    at = [0]
    optimiser = torch.optim.SGD(network.parameters(), how.lr, how.momentum)
    for epoch in range(1, how.epochs + 1):
        network.train()
        for part in torch.split(torch.randperm(len(data.x), generator=order), how.batch_size):
            index = part.to(data.x.device)
            loss = segments.losses(run.logits(data.x[index], index), data.given[index]).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        rows.append(run.evaluate())
        over = rows[-1]["train_error"] < how.until
        if epoch <= how.dense or epoch % how.every == 0 or epoch == how.epochs or over:
            at.append(epoch)
            found.append(run.gradients())
        if over:
            break
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    clean, noisy, cosine = (np.array([getattr(s, x).numpy() for s, _ in found]) for x in ("clean", "noisy", "cosine"))
    expected = found[0][0].expected.numpy()
    return Trace(values, np.array(at), clean, noisy, cosine, np.array([c for _, c in found]), expected)


class _Run:
    """A network and data, with what the network says at its start."""

    def __init__(self, network: nn.Module, data: Data, how: Descent) -> None:
        self.network, self.data = network, data
        self.wrong = data.given != data.true
        self.at_once = EVALUATION_BATCH[data.x.device.type]
        self.compute = Compute(data.x.device, "fp32")
        self.start, self.test_start = (self._outputs(x) for x in (data.x, data.test_x))
        self.compute = Compute(data.x.device, how.precision)
        if not how.centred:
            self.start, self.test_start = torch.zeros_like(self.start), torch.zeros_like(self.test_start)
        count = min(how.measured or len(data.x), len(data.x))
        self.measured = torch.linspace(0, len(data.x) - 1, count, device=data.x.device).round().long()

    def logits(self, x: Tensor, index: Tensor) -> Tensor:
        """Of training samples [B]."""
        with self.compute.autocast():
            found: Tensor = self.network(x)
        return found.to(x.dtype) - self.start[index]

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Errors, losses and residuals in evaluation mode."""
        data = self.data
        logits = self._outputs(data.x) - self.start
        test = segments.predicted(self._outputs(data.test_x) - self.test_start)
        wrong_prediction = (segments.predicted(logits) != data.given).float()
        loss, residual = segments.losses(logits, data.given), segments.residuals(logits, data.given).abs()
        places = torch.zeros_like(data.true) if logits.shape[1] == 1 else data.true  # the true class's own logit
        residual = residual.gather(1, places[:, None]).squeeze(1)
        found = {"test_error": float((test != data.test).float().mean()), "train_error": float(wrong_prediction.mean())}
        for name, mask in (("clean", ~self.wrong), ("noisy", self.wrong)):
            found[f"{name}_error"] = float(wrong_prediction[mask].mean())
            found[f"{name}_loss"] = float(loss[mask].mean())
            found[f"{name}_residual"] = float(residual[mask].mean())
        corrected = segments.predicted(logits)[self.wrong] == data.true[self.wrong]
        return found | {"corrected": float(corrected.float().mean())}

    def gradients(self) -> tuple[segments.Segments, float]:
        """Of the segments, and the cosine of the gradients with given and with true labels."""
        self.network.eval()
        data, index = self.data, self.measured
        weights = {name: weight.detach() for name, weight in self.network.named_parameters()}
        x, start = data.x[index], self.start[index]

        def forward(leaves: segments.Weights, chosen: Tensor) -> Tensor:
            logits: Tensor = functional_call(self.network, dict(leaves), (x[chosen],))
            return logits - start[chosen]

        def batches(chosen: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
            for places in torch.split(torch.arange(len(chosen), device=chosen.device), self.at_once):
                yield places, chosen[places]

        given, true = data.given[index], data.true[index]
        found = segments.segments(forward, weights, batches, given, true)
        every = torch.arange(len(index), device=index.device)
        both = [segments.gradient(forward, weights, batches, every, labels) for labels in (given, true)]
        return found, segments.cosine_of(*both)

    @torch.no_grad()
    def _outputs(self, x: Tensor) -> Tensor:
        self.network.eval()
        with self.compute.autocast():
            return torch.cat([self.network(part).to(x.dtype) for part in torch.split(x, self.at_once)])
