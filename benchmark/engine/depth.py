"""The stages of a network, for methods that treat its parameters by depth."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from lnlbench.benchmark.engine.hook_draws import Draws
from lnlbench.methods.base import Clock, Method


def depths(model: nn.Module) -> dict[str, float]:
    """Return the depth of each parameter and buffer by name: the number of its stage over that of the head, 1 there.

    The stages of a timm network are those that timm lists in `feature_info`, such as the four layers of a ResNet,
    however many blocks they have; all that follows the last is the head. In other networks a stage is a child, or a
    part of a child with numbered parts (`features.3`), in the order in which the network lists them; one without a
    matrix (a normalisation) belongs to the stage before it.
    """
    stage_of, stages = _stages(model), dict[Hashable, dict[str, Tensor]]()
    for prefix, module in model.named_modules():
        for own, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            path = *(prefix.split(".") if prefix else ()), own
            stages.setdefault(stage_of(path), {})[".".join(path)] = tensor
    place, found = 0, dict[str, int]()
    for tensors in stages.values():
        place += any(isinstance(x, nn.Parameter) and x.ndim > 1 for x in tensors.values())
        found |= dict.fromkeys(tensors, max(place, 1))
    return {name: number / max(place, 1) for name, number in found.items()}


def _stages(model: nn.Module) -> Callable[[tuple[str, ...]], Hashable]:
    """Return a function from the path of a parameter or buffer to its stage."""
    listed = getattr(model, "feature_info", None)
    if not listed:
        return lambda path: path[:2] if len(path) > 2 and path[1].isdigit() else path[:1]
    prefixes = [name for name, _ in model.named_modules()]
    modules = [str(entry["module"]) for entry in listed]
    ends = [max(i for i, prefix in enumerate(prefixes) if f"{prefix}.".startswith(f"{m}.")) for m in modules]
    return lambda path: sum(end < prefixes.index(".".join(path[:-1])) for end in ends)


class Schedule:
    """Which parameters begin anew, or stay, in an epoch: the answers of a method, by depth."""

    def __init__(self, model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.depths = depths(model)
        self.names = [name for name, _ in model.named_parameters()]
        self.depth = torch.tensor([self.depths[name] for name in self.names], device=device, dtype=dtype)  # [P]

    def renewed(self, method: Method, clock: Clock, replicate: object, epoch: int) -> list[str]:
        """Return the parameters that begin anew, and the buffers of their stages; none before the first epoch.

        Args:
            method: at work.
            clock: of the epoch; its random numbers are replaced.
            replicate: of the run.
            epoch: from 0.
        """
        if not epoch or not method.answers("renew"):
            return []
        chosen = self._asked("renew", method, clock, replicate, epoch)
        params = [name for name, yes in zip(self.names, chosen, strict=True) if yes]
        touched = {self.depths[name] for name in params}
        buffers = [name for name, depth in self.depths.items() if depth in touched and name not in self.names]
        return params + buffers

    def frozen(self, method: Method, clock: Clock, replicate: object, epoch: int) -> Sequence[bool]:
        """Return whether each parameter stays as it is, in their order; arguments as in `renewed`."""
        if not method.answers("freeze"):
            return [False] * len(self.names)
        return self._asked("freeze", method, clock, replicate, epoch)

    def _asked(self, hook: str, method: Method, clock: Clock, replicate: object, epoch: int) -> list[bool]:
        own = replace(clock, random=Draws(1, self.depth.device, hook, replicate, epoch))
        found: list[bool] = getattr(method, hook)(self.depth, own).tolist()
        return found
