"""Decode one picture truthfully: eight bits a channel, upright, grey where it is grey."""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.datasets.loading.errors import DataError, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")  # none runs a program
ENDINGS = frozenset(
    ".png .jpg .jpeg .jpe .jfif .bmp .gif .webp .tif .tiff .pbm .pgm .ppm .pnm .avif .jp2 .j2k".split()  # noqa: SIM905
)
ORIENTATION = 0x0112  # the EXIF tag that says which side of a photograph is up
COLOUR = ("RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV")
TRANSPARENT, FRAMES = "transparent pixels", "several frames"


def decode_picture(content: bytes | Path, where: str, remarks: Counter[str], side: int | None = None) -> Image:
    """Return a picture in mode ``L`` or ``RGB``, turned as its EXIF orientation says (as Hugging Face turns it).

    Args:
        content: an encoded image, or the path of one.
        where: what messages call it.
        remarks: counts pictures with transparent pixels, whose colour underneath is taken, and pictures of several
            frames, of which the first is taken.
        side: the most pixels that width and height may have.

    Raises:
        DataError: it cannot be decoded, is larger than ``side``, or its pixels are wider than eight bits.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, on files that are odd and yet read
            with Image.open(content if isinstance(content, Path) else io.BytesIO(content), formats=FORMATS) as opened:
                if side is not None and max(opened.size) > side:
                    width, height = opened.size
                    raise DataError(f"{where} is {width} × {height}; images have {side} pixels a side at most")
                _refuse_wide(opened, where)
                remarks[FRAMES] += opened.format != "MPO" and getattr(opened, "n_frames", 1) > 1
                opened.load()
                turned = opened.getexif().get(ORIENTATION) is not None
                return _narrowed(ImageOps.exif_transpose(opened) if turned else opened, where, remarks)
    except DataError:
        raise
    except Exception as error:  # Pillow's errors differ by format: SyntaxError, struct.error, DecompressionBombError, …
        reason = "no known image format" if "cannot identify" in str(error) else one_line(error)
        raise DataError(f"{where} cannot be decoded: {reason}") from error


def stacked(pictures: Sequence[Image]) -> np.ndarray:
    """Return pictures of one size as uint8 ``[N, C, H, W]``: grey where all of them are, else of three colours."""
    grey = all(picture.mode == "L" for picture in pictures)
    images = np.stack([np.asarray(picture if grey else picture.convert("RGB")) for picture in pictures])
    return np.ascontiguousarray(images[:, None] if grey else images.transpose(0, 3, 1, 2))


def refuse_constant(images: np.ndarray, where: str) -> str | None:
    """Refuse images ``[N, C, H, W]`` that show nothing; return what to say where some of them do.

    Raises:
        DataError: every image is of one colour, or all are the same.
    """
    flat = images.reshape(*images.shape[:2], -1)
    blank = int((flat.min(2) == flat.max(2)).all(1).sum())
    if blank == len(images):
        raise DataError(f"{where}: every image is of one colour, so there is nothing to learn from")
    if len(images) > 1 and (images == images[:1]).all():
        raise DataError(f"{where}: all {len(images)} images are the same")
    return f"{where}: {blank} of {len(images)} images are of one colour" if blank else None


def _refuse_wide(opened: Image, where: str) -> None:
    # Pillow opens colours of 16 bits as if they had 8 (and drops half of each): only the name of the raw data tells.
    raw = re.search(r"\b(?!BGR)[A-Za-z]+;(?:12|16|24|32|64)\w*", str(getattr(opened, "tile", "")))
    if opened.mode.startswith(("I", "F")) or raw:
        mode = opened.mode if opened.mode.startswith(("I", "F")) or raw is None else raw[0]
        raise DataError(
            f"{where} has pixels wider than 8 bits (mode {mode}); convert the images to 8 bits a channel first"
        )


def _narrowed(image: Image, where: str, remarks: Counter[str]) -> Image:
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("P", "PA"):  # a palette of greys is grey
        palette = image.convert("RGBA")
        colours = np.asarray(palette)
        _remark_transparency(palette, remarks)
        return palette.getchannel(0) if (colours[..., :3] == colours[..., :1]).all() else palette.convert("RGB")
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        _remark_transparency(image, remarks)
        return image.getchannel("L")
    if image.mode in COLOUR:
        if image.mode == "RGBa":
            image = image.convert("RGBA")
        if image.mode == "RGBA":
            _remark_transparency(image, remarks)
        return image if image.mode == "RGB" else image.convert("RGB")
    raise DataError(f"{where} has pixels of mode {image.mode}; known: 1, L, LA, P, PA, {', '.join(COLOUR)}")


def _remark_transparency(image: Image, remarks: Counter[str]) -> None:
    remarks[TRANSPARENT] += bool((np.asarray(image.getchannel("A")) < 255).any())
