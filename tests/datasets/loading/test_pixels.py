"""Pictures: eight bits a channel, upright, grey where they are grey; anything else is refused by its name."""

import io
import struct
import zlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageOps

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.pixels import FRAMES, TRANSPARENT, decode_picture, refuse_constant, stacked

RAMP = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOURS = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)


def encoded(image, form="PNG", **options):
    image.save(content := io.BytesIO(), form, **options)
    return content.getvalue()


def decoded(content, **options):
    return decode_picture(content, "x", Counter(), **options)


def png(colour_type, channels):
    """A PNG of 16 bits a channel, which Pillow itself does not write in colour."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = np.random.default_rng(0).integers(0, 4096, (8, 8 * channels)).astype(">u2")
    header = struct.pack(">IIBBBBB", 8, 8, 16, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


WIDE = [
    pytest.param(encoded(Image.fromarray(RAMP.astype(np.uint16) * 257)), "I;16", id="grey of 16 bits, PNG"),
    pytest.param(encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "TIFF"), "I;16", id="grey of 16 bits, TIFF"),
    pytest.param(encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF"), "I", id="grey of 32 bits"),
    pytest.param(encoded(Image.fromarray(RAMP / np.float32(255)), "TIFF"), "F", id="float"),
    pytest.param(png(2, 3), "RGB;16B", id="colours of 16 bits"),
    pytest.param(png(4, 2), "LA;16B", id="grey and alpha of 16 bits"),
    pytest.param(png(6, 4), "RGBA;16B", id="colours and alpha of 16 bits"),
    pytest.param(b"P5 8 8 65535\n" + RAMP.astype(">u2").tobytes(), "I", id="PGM of 16 bits"),
]


@pytest.mark.parametrize(("content", "mode"), WIDE)
def test_wide_pixels_are_refused_by_their_mode(content, mode):
    with pytest.raises(DataError, match=rf"^x has pixels wider than 8 bits \(mode {mode}\)"):
        decoded(content)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "PPM", "WEBP"])
def test_grey_stays_grey_and_exact(form):
    options = {"lossless": True} if form == "WEBP" else {}
    picture = decoded(encoded(Image.fromarray(RAMP), form, **options))
    if form == "WEBP":  # which knows colours alone
        assert picture.mode == "RGB"
        picture = picture.getchannel(0)
    assert picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture), RAMP)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA"])
def test_grey_in_every_mode_is_grey(mode):
    image = Image.fromarray(RAMP).convert("LA" if mode == "PA" else "L").convert(mode)
    form = "TIFF" if mode == "PA" else "PNG"
    content = encoded(image, form) if mode != "PA" else encoded(Image.fromarray(RAMP).convert("P"))
    picture = decoded(content)
    assert picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(image.convert("L")))


def test_a_palette_of_greys_with_transparency_is_grey():
    remarks = Counter()
    content = encoded(Image.fromarray(RAMP).convert("P"), transparency=0)
    picture = decode_picture(content, "x", remarks)
    assert picture.mode == "L" and remarks[TRANSPARENT] == 1
    np.testing.assert_array_equal(np.asarray(picture), RAMP)


def test_a_palette_of_colours_has_colours():
    content = encoded(Image.fromarray(COLOURS).quantize(256))
    assert decoded(content).mode == "RGB"


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "PNG"), ("RGBA", "PNG"), ("RGBA", "TIFF"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("RGB", "BMP")],
)
def test_colours_in_every_mode(mode, form):
    image = Image.fromarray(COLOURS).convert(mode)
    picture = decoded(encoded(image, form))
    assert picture.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(image.convert("RGB")))


def test_transparent_pixels_are_counted_and_show_their_colour():
    image = Image.fromarray(np.dstack([COLOURS, RAMP]))
    remarks = Counter()
    picture = decode_picture(encoded(image), "x", remarks)
    np.testing.assert_array_equal(np.asarray(picture), COLOURS)
    assert remarks[TRANSPARENT] == 1
    decode_picture(encoded(Image.fromarray(COLOURS).convert("RGBA")), "x", remarks)
    assert remarks[TRANSPARENT] == 1, "an alpha channel that hides nothing is nothing to say"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_stand_as_hugging_face_turns_them(orientation):
    image = Image.fromarray(RAMP)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(image, exif=exif)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(np.asarray(decoded(content)), np.asarray(turned))
    assert (np.asarray(turned) == RAMP).all() == (orientation == 1)


def test_the_first_of_several_frames_is_taken_and_counted():
    frames = [Image.fromarray(RAMP), Image.fromarray(RAMP.T)]
    for form in ("GIF", "TIFF"):
        remarks = Counter()
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(np.asarray(decode_picture(content, "x", remarks)), RAMP)
        assert remarks[FRAMES] == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no image", id="text"),
        pytest.param(encoded(Image.fromarray(COLOURS))[:-40], id="cut short"),
        pytest.param(encoded(Image.fromarray(RAMP))[:40], id="a header alone"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", id="a program that draws"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 64, id="a broken chunk"),
    ],
)
def test_what_is_no_image_is_one_line(content):
    with pytest.raises(DataError, match=r"^x cannot be decoded: \S") as error:
        decoded(content)
    assert "\n" not in str(error.value) and "0x" not in str(error.value)


def test_images_are_not_unpacked_beyond_their_limit():
    with pytest.raises(DataError, match="is 3000 × 3000; images have 1024 pixels a side"):
        decoded(encoded(Image.new("1", (3000, 3000))), side=1024)
    bomb = png(0, 1).replace(struct.pack(">II", 8, 8), struct.pack(">II", 2**16, 2**16), 1)
    with pytest.raises(DataError, match=r"x (cannot be decoded|is 65536)"):
        decoded(bomb, side=1024)


def test_images_that_show_nothing_are_refused():
    shown = np.stack([RAMP, RAMP.T])[:, None]
    assert refuse_constant(shown, "x") is None
    blank = np.full_like(shown, 7)
    blank[1] = 9
    with pytest.raises(DataError, match="x: every image is of one colour"):
        refuse_constant(blank, "x")
    with pytest.raises(DataError, match="x: all 2 images are the same"):
        refuse_constant(shown[[0, 0]], "x")
    assert refuse_constant(np.concatenate([shown, blank]), "x") == "x: 2 of 4 images are of one colour"


def test_images_are_grey_only_where_all_are():
    grey, coloured = Image.fromarray(RAMP), Image.fromarray(COLOURS)
    assert stacked([grey, grey]).shape == (2, 1, 8, 8)
    mixed = stacked([grey, coloured])
    assert mixed.shape == (2, 3, 8, 8)
    np.testing.assert_array_equal(mixed[1], COLOURS.transpose(2, 0, 1))
