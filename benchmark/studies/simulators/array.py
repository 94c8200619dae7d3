"""The type of the arrays that simulations and studies pass around."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
