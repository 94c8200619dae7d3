"""Independent seeds from names, so that no order of drawing matters."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def seed(*names: object) -> int:
    """Return a 63-bit seed that depends on the names alone: `seed("noise", 3)`, `seed("batches", 3, epoch)`."""
    text = "\x1f".join(map(str, names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator(*names: object) -> torch.Generator:
    """Return a generator on the CPU, seeded from names: the same numbers on every device."""
    import torch  # seeds themselves are asked for where nothing is trained

    return torch.Generator().manual_seed(seed(*names))
