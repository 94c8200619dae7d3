"""A picture of label noise: some wrongly labelled training images with their true and given classes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.splits import Prepared
from lnlbench.datasets.loading.registry import card

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS, ROWS = 8, 3
SIDE = 64  # pixels of a shown image, at least
LETTERS = 12  # of a class's name that are shown
LINE = 14  # pixels of a line of text


def flipped(prepared: Prepared, dataset: str) -> dict[str, bytes]:
    """Return `examples.png`: up to 24 wrongly labelled images, their true classes spread evenly.

    Args:
        prepared: one replicate's data.
        dataset: its name.

    Returns:
        name and content of the file; nothing where no label is wrong.
    """
    given, true = prepared.split.given.numpy(), prepared.truth.train.numpy()
    wrong = np.flatnonzero(given != true)
    if not len(wrong):
        return {}
    by_class = wrong[np.argsort(true[wrong], kind="stable")]
    shown = by_class[np.linspace(0, len(by_class) - 1, min(COLUMNS * ROWS, len(by_class))).round().astype(int)]
    images = prepared.split.images[shown].numpy()
    class_names = card(dataset).class_names
    texts = [(class_names[true[i]][:LETTERS], class_names[given[i]][:LETTERS]) for i in shown]
    out = io.BytesIO()
    _page(images, texts).save(out, "PNG", optimize=True)
    return {"examples.png": out.getvalue()}


def _page(images: np.ndarray, texts: Sequence[tuple[str, str]]) -> Image:
    """Draw images uint8 [M, C, H, W] in a grid, each under its true and its given class."""
    from PIL import Image, ImageDraw

    scale = max(1, -(-SIDE // images.shape[-1]))
    side = images.shape[-1] * scale
    width, height = side + 24, side + 2 * LINE + 10
    page = Image.new("RGB", (width * min(COLUMNS, len(images)), height * -(-len(images) // COLUMNS)), "white")
    draw = ImageDraw.Draw(page)
    for i, (pixels, (true, given)) in enumerate(zip(images, texts, strict=True)):
        x, y = width * (i % COLUMNS) + 12, height * (i // COLUMNS) + 4
        colours = np.broadcast_to(pixels.transpose(1, 2, 0), (*pixels.shape[1:], 3))
        picture = Image.fromarray(np.ascontiguousarray(colours))
        draw.text((x, y), true, fill="#444444")
        draw.text((x, y + LINE), f"as {given}", fill="#c0392b")
        page.paste(picture.resize((side, side), Image.Resampling.NEAREST), (x, y + 2 * LINE + 2))
    return page
