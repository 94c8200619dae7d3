"""Files kept of a run on request: its weights, to be loaded again, and its predictions on the training samples."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import Compute, choose_compute
from lnlbench.benchmark.engine.epoch_numbers import EVALUATION_BATCH
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Prepared
from lnlbench.benchmark.runs.kept_samples import SAMPLES, KeptError

MODEL = "model.safetensors"
"""The file of a run's weights, beside its record."""


@dataclass(frozen=True)
class Keep:
    """The files to keep of a run beside its record."""

    model: bool = False
    samples: bool = False

    @property
    def anything(self) -> bool:
        """Whether there is something to keep."""
        return self.model or self.samples


NOTHING = Keep()


class Trained:
    """The networks of a finished run, at the weights that are evaluated.

    Attributes:
        identity: the run that made them: "key", "method", "replicate", "setting", and how to build them: "model",
            "networks", "classes", "shape" (channels, height, width), "mean" and "std" of the pixels in units of [0, 1].
        networks: K modules in evaluation mode.
    """

    def __init__(self, identity: dict[str, Any], how: Compute) -> None:
        self.identity, self.how = identity, how
        shape = tuple(identity["shape"])
        self._networks = Networks(identity["model"], identity["networks"], identity["classes"], shape, "kept", how)
        self.networks = self._networks.models

    @classmethod
    def of(
        cls, setting: Setting, about: dict[str, Any], prepared: Prepared, weights: dict[str, Any], how: Compute
    ) -> Trained:
        """Return the networks of a run, to compute as the run itself did.

        Args:
            setting: of the run.
            about: "key", "method" and "replicate" of its identity.
            prepared: its data.
            weights: the result of `Epoch.weights()`.
            how: where and in what precision it was trained.
        """
        split = prepared.split
        identity = {
            **about,
            "setting": setting.identity(),
            "model": setting.model,
            "networks": len(weights["models"]),
            "classes": split.classes,
            "shape": list(split.shape),
            "mean": list(split.mean),
            "std": list(split.std),
        }
        made = cls(identity, how)
        for k, model in enumerate(made.networks):
            averaged = {} if weights["averaged"] is None else weights["averaged"][k]
            model.load_state_dict({**weights["models"][k], **averaged})
        return made

    def predict(self, images: Tensor) -> Tensor:
        """Return logits [K, M, C] of uint8 images [M, C, H, W]."""
        kind = (self.identity["mean"], self.identity["std"], self.how.device, self.how.dtype)
        return self._networks.predict(DeviceImages(images, *kind).chunks(EVALUATION_BATCH[self.how.device.type]))


def files_of(keep: Keep, trained: Trained, prepared: Prepared) -> dict[str, bytes]:
    """Return the files of a run, by name."""
    files = {}
    if keep.model:
        files[MODEL] = _packed(trained)
    if keep.samples:
        logits = trained.predict(prepared.split.images).cpu()
        files[SAMPLES] = pack_samples(logits, prepared.split.given, prepared.index)
    return files


def load_model(path: Path | str, device: str = "auto") -> Trained:
    """Return the networks that `run --save-model` kept, ready to predict.

    Args:
        path: `model.safetensors` of a run.
        device: as in `fit`.

    Raises:
        KeptError: there is no such file, or `run` did not write it.
        ModelError: its network cannot be built here.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            identity = json.loads((file.metadata() or {}).get("lnlbench", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- it is no dict
    except (OSError, SafetensorError, ValueError) as error:
        raise KeptError(f"{path} is no model that can be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(identity, dict):
        raise KeptError(f"{path} holds tensors, but does not say of which run; expected a {MODEL} of `--save-model`")
    made = Trained(identity, choose_compute(device, "fp32"))
    for k, model in enumerate(made.networks):
        mine = f"{k}."
        model.load_state_dict({n.removeprefix(mine): t for n, t in tensors.items() if n.startswith(mine)})
        model.eval()
    return made


def pack_samples(logits: Tensor, given: Tensor, index: Tensor) -> bytes:
    """Pack per-sample numbers into a small file: float16 loss and two bytes of classes for each, compressed.

    Args:
        logits: [K, N, C] in evaluation mode.
        given: int64 [N] labels that training saw.
        index: int64 [N] places in the training set.
    """
    loss = -logits.double().log_softmax(-1).gather(-1, given.expand(len(logits), -1).unsqueeze(-1)).squeeze(-1)
    predicted = logits.double().softmax(-1).mean(0).argmax(-1)
    out = io.BytesIO()
    np.savez_compressed(
        out,
        index=index.numpy().astype(np.int32),
        given=given.numpy().astype(np.uint8),
        predicted=predicted.cpu().numpy().astype(np.uint8),
        loss=loss.mean(0).clamp(max=60000).cpu().numpy().astype(np.float16),
    )
    return out.getvalue()


def _packed(trained: Trained) -> bytes:
    from safetensors.torch import save

    tensors = {
        f"{k}.{name}": tensor.detach().to("cpu").contiguous().clone()
        for k, model in enumerate(trained.networks)
        for name, tensor in model.state_dict().items()
    }
    return save(tensors, {"lnlbench": json.dumps(trained.identity)})
