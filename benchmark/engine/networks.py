"""The K networks of one run: their weights, the forward pass in training and in evaluation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lnlbench.benchmark.engine.capture import settled
from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.hook_draws import Step
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.methods.base import Params


class Networks:
    """K networks of one architecture, each from its own initial weights."""

    def __init__(
        self, model: str, networks: int, classes: int, shape: tuple[int, int, int], replicate: object, how: Compute
    ) -> None:
        self.how, self.replicate, self.input_dims = how, replicate, 1 + len(shape)
        self.recipe = model, classes, shape
        self.models = [self.drawn(k) for k in range(networks)]
        self.params: Params = [dict(model.named_parameters()) for model in self.models]
        self.flat = [p for network in self.params for p in network.values()]
        self.start = [p.detach().clone() for p in self.flat]
        self.averaged = self.params  # what is evaluated
        self.random: bool | None = None  # whether a pass draws numbers (dropout of any kind): the first one tells

    def drawn(self, *names: int) -> nn.Module:
        """Return network k as it begins, seeded by k; or as drawn for an epoch, seeded by k and the epoch."""
        return self.how.place(build(*self.recipe, seed("init", self.replicate, *names)))

    def train(self) -> None:
        """Switch to training mode."""
        for model in self.models:
            model.train()

    def forward(self, params: Params, inputs: Tensor, masks: tuple[int, Step], commit: bool) -> Tensor:
        """Return logits [K, B, C] in training mode.

        Args:
            params: the networks' own, or others in their place.
            inputs: [B, ...], or [K, B, ...] where the networks see different inputs.
            masks: epoch and step; every pass with the same two has the same dropout masks.
            commit: whether the BatchNorm statistics move.
        """
        outputs = []
        with self._dropout_masks(masks), self.how.autocast():
            for k, model in enumerate(self.models):
                images = self.how.layout(inputs[k] if inputs.ndim > self.input_dims else inputs)
                if commit and params is self.params:
                    outputs.append(model(images))
                else:
                    buffers = {} if commit else {name: b.clone() for name, b in model.named_buffers()}
                    outputs.append(functional_call(model, {**params[k], **buffers}, (images,)))
        return together(outputs).to(self.how.dtype)

    @torch.no_grad()
    def guess(self, params: Params, inputs: Tensor) -> Tensor:
        """Return the logits [K, B, C] in evaluation mode; as in `forward`."""
        for model in self.models:
            model.eval()
        with self.how.autocast():
            several = inputs.ndim > self.input_dims
            images = [self.how.layout(inputs[k] if several else inputs) for k in range(len(self.models))]
            outputs = [self._evaluated(k, params)(part) for k, part in enumerate(images)]
        self.train()
        return together(outputs).to(self.how.dtype)

    @exact_float32()
    @torch.no_grad()
    def predict(self, parts: Iterable[Tensor]) -> Tensor:
        """Return logits [K, T, C] of batches of images in evaluation mode, at the weights that are evaluated."""
        for model in self.models:
            model.eval()
        networks = [self._evaluated(k, self.averaged) for k in range(len(self.models))]
        found = []
        with self.how.autocast():  # around all parts, so that each trained weight is rounded once
            for part in parts:
                images = self.how.layout(part)
                found.append(together([network(images) for network in networks]).to(self.how.dtype))
        return torch.cat(found, 1)

    @torch.no_grad()
    def average(self, update: Callable[[Params, Params], Params]) -> None:
        """Evaluate other weights than the trained ones from now on: `update(trained, averaged)`."""
        averaged = copies(self.params) if self.averaged is self.params else self.averaged
        self.averaged = settled(averaged, update(self.params, averaged))

    @torch.no_grad()
    def renew(self, names: Collection[str], epoch: int) -> None:
        """Reset parameters and buffers of these names, in each network, to those of a network drawn for this epoch."""
        for k, model in enumerate(self.models):
            fresh, own = self.drawn(k, epoch), {**self.params[k], **dict(model.named_buffers())}
            for name, value in [*fresh.named_parameters(), *fresh.named_buffers()]:
                if name in names:
                    own[name].copy_(value)
                    if self.averaged is not self.params and name in self.averaged[k]:
                        self.averaged[k][name] = value.detach()

    def norm(self) -> float:
        """Return the Euclidean norm of all weights together."""
        return _norm([p.detach() for p in self.flat])

    def distance(self) -> float:
        """Return the Euclidean distance of all weights from their start."""
        return _norm([p.detach() - q for p, q in zip(self.flat, self.start, strict=True)])

    def state(self) -> dict[str, Any]:
        """Return weights, buffers and averaged weights, as copies."""
        averaged = None if self.averaged is self.params else copies(self.averaged)
        return {"models": copy.deepcopy([model.state_dict() for model in self.models]), "averaged": averaged}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the weights from a state."""
        for model, weights in zip(self.models, state["models"], strict=True):
            model.load_state_dict(weights)
        averaged = state["averaged"]
        self.averaged = self.params if averaged is None else copies(averaged, self.how.device)

    def _evaluated(self, k: int, params: Params) -> Callable[[Tensor], Tensor]:
        if params is self.params:
            return self.models[k]
        return lambda images: functional_call(self.models[k], params[k], (images,))

    @contextmanager
    def _dropout_masks(self, masks: tuple[int, Step]) -> Iterator[None]:
        if self.random is False:
            yield
            return
        on_gpu = self.how.device.type == "cuda"
        with torch.random.fork_rng(devices=[self.how.device] if on_gpu else []):
            epoch, step = masks
            number = seed("dropout", self.replicate, epoch, int(step))
            torch.default_generator.manual_seed(number)  # `torch.manual_seed` would set those of all GPUs, too
            if on_gpu:
                with torch.cuda.device(self.how.device):
                    torch.cuda.manual_seed(number)  # of this one alone
            before = torch.cuda.get_rng_state(self.how.device) if on_gpu else torch.get_rng_state()
            yield
            if self.random is None:
                after = torch.cuda.get_rng_state(self.how.device) if on_gpu else torch.get_rng_state()
                self.random = not torch.equal(before, after)


def together(outputs: Sequence[Tensor]) -> Tensor:
    """Stack tensors; a single one, as most methods have, becomes a view."""
    return torch.stack(list(outputs)) if len(outputs) > 1 else outputs[0].unsqueeze(0)


def copies(params: Params, device: torch.device | None = None) -> Params:
    """Copy parameters, to another device where one is given."""
    return [{n: p.detach().to(device or p.device, copy=True) for n, p in network.items()} for network in params]


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.stack(torch._foreach_norm(tensors)).norm())
