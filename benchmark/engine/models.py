"""Networks by name, ours and timm's, with the stem that small images need; and timm's optimisers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.benchmark.engine.own_networks import OWN_NETWORKS
from lnlbench.benchmark.engine.paper_networks import PAPER_NETWORKS
from lnlbench.methods._unknown import did_you_mean

OWN: dict[str, Callable[..., nn.Module]] = {make.__name__: make for make in (*OWN_NETWORKS, *PAPER_NETWORKS)}
"""The networks that do without timm, by name."""
SMALL = 64  # side in pixels up to which a network for 224-pixel images must not shrink the image before it looks


class ModelError(ValueError):
    """A network that does not exist, or that cannot take the images."""


def check_timm_optimiser(name: str) -> None:
    """Refuse an optimiser `timm:NAME` that timm does not have.

    Raises:
        ModelError: with the closest match.
    """
    own = name.removeprefix("timm:")
    if own == name:
        return
    from lnlbench.benchmark.engine import timm_models

    known = timm_models.optimisers()
    if own not in known:
        hint = did_you_mean(own, known)
        raise ModelError(f"unknown optimiser {name!r}; {hint}known to timm {timm_models.VERSION}: {', '.join(known)}")


def timm_optimiser(
    name: str, params: list[Tensor], lr: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Make an optimiser `timm:NAME` as timm makes it; `momentum` goes to those that take one.

    Raises:
        ModelError: timm does not have it, or it wants a package that is not installed.
    """
    from lnlbench.benchmark.engine.timm_models import make_optimiser

    check_timm_optimiser(name)
    recipe = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
    try:
        return make_optimiser(name.removeprefix("timm:"), params, **recipe)
    except (AssertionError, ImportError, TypeError, ValueError) as error:
        raise ModelError(f"timm cannot make the optimiser {name!r} here: {error}") from error


def check_model(name: str) -> None:
    """Refuse a name that is no network.

    Raises:
        ModelError: with the closest match.
    """
    if name in OWN:
        return
    from lnlbench.benchmark.engine import timm_models

    if not timm_models.is_model(name):
        hint = did_you_mean(name, [*OWN, *timm_models.list_models()])
        raise ModelError(f"unknown model {name!r}; {hint}any timm name works, and {', '.join(OWN)}")


@lru_cache(maxsize=64)
def check_fit(name: str, classes: int, shape: tuple[int, int, int]) -> None:
    """Refuse a network that cannot take images of this size, by building it once.

    Raises:
        ModelError: unknown, or it cannot.
    """
    build(name, classes, shape, 0)


def build(name: str, classes: int, shape: tuple[int, int, int], seed: int) -> nn.Module:
    """Build a network whose weights are drawn on the CPU from a seed.

    A timm ResNet that gets images of 64 pixels or less has its stem changed as the field does for CIFAR: a 3×3
    convolution with stride 1 and no pooling.

    Args:
        name: of ours or of timm's.
        classes: number of outputs.
        shape: channels, height, width of an image.
        seed: of the weights; the caller's random state is left as it was.

    Raises:
        ModelError: unknown, or it cannot take images of this size.
    """
    check_model(name)
    channels, side = shape[0], shape[1]
    sizes: list[dict[str, Any]] = [{"img_size": side}] if name in OWN else [{"img_size": side}, {}]
    make = _maker(name)
    with torch.random.fork_rng(devices=[]):
        for size in sizes:
            torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would set those of all GPUs, too
            try:
                model = make(num_classes=classes, in_chans=channels, **size)
            except TypeError:  # most convolutional networks take any size and know no `img_size`
                continue
            except (AssertionError, ValueError, RuntimeError) as error:
                raise ModelError(f"model {name!r} cannot take images of {channels}×{side}×{side}: {error}") from error
            if side <= SMALL:
                _shrink_stem(model)
            _check_size(name, model, shape)
            return model
    raise ModelError(f"model {name!r} cannot be built for images of {channels}×{side}×{side}")


def _maker(name: str) -> Callable[..., nn.Module]:
    if name in OWN:
        return OWN[name]
    from lnlbench.benchmark.engine.timm_models import make_model

    return partial(make_model, name)


def _check_size(name: str, model: nn.Module, shape: tuple[int, int, int]) -> None:
    """Refuse a network that was built, but fails on the first image: one smaller than its patches, for example."""
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *shape))
    except Exception as error:  # whatever a network of another library raises
        raise ModelError(f"model {name!r} cannot take images of {'×'.join(map(str, shape))}: {error}") from error
    model.train()


def _shrink_stem(model: nn.Module) -> None:
    stem, pool = getattr(model, "conv1", None), getattr(model, "maxpool", None)
    if isinstance(stem, nn.Conv2d) and stem.kernel_size == (7, 7) and pool is not None:
        small = nn.Conv2d(stem.in_channels, stem.out_channels, 3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(small.weight, mode="fan_out", nonlinearity="relu")
        model.conv1, model.maxpool = small, nn.Identity()
