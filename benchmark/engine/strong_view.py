"""A strong view of a batch of images: RandAugment and cutout on uint8 tensors, without waiting for the host.

Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", NeurIPS 2020, with
torchvision's fourteen operations, its defaults and its pixels; DeVries and Taylor, "Improved Regularization of
Convolutional Neural Networks with Cutout", 2017, with a square of half the side.

Every image of a batch has operations of its own. All that depends on the operation alone is tabulated beforehand, by
torchvision itself: the source of each pixel, and the image of each of the 256 values. The rest is computed for all
images, and is zero, or the identity, where it was not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

OPERATIONS, MAGNITUDE, BINS = 2, 9, 31  # torchvision's defaults
NAMES = (
    "shear x", "shear y", "translate x", "translate y", "rotate", "brightness", "posterize", "solarize", "colour",
    "contrast", "sharpness", "autocontrast", "equalize", "identity",
)  # fmt: skip
CHOICES = 2 * len(NAMES)
"""An operation and a sign: choice // 2 is the place of the name, an odd choice has the sign minus, if any."""
LUMINANCE = (0.2989, 0.587, 0.114)

Change = Callable[[Tensor, int], Tensor]
"""Images and a sign to images."""


def draw(steps: int, size: int, side: tuple[int, int], source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw the choices [S, B, n] and the centres [S, B, 2] of the cut-out squares, for images of a height and width."""
    operations = torch.randint(CHOICES, (steps, size, OPERATIONS), generator=source)
    centre = [torch.randint(length, (steps, size), generator=source) for length in side]
    return operations, torch.stack(centre, -1)


class StrongView:
    """Operations and cutout for images of one shape.

    Args:
        shape: channels, height and width.
        fill: value of the cut-out square, by channel: the mean, which is zero once normalised.
        device: where the images are.
        magnitude: of all operations, from 0 to 30.
    """

    def __init__(
        self, shape: tuple[int, int, int], fill: tuple[int, ...], device: torch.device, magnitude: int = MAGNITUDE
    ) -> None:
        channels, height, width = shape
        moves, tones = torchvision_operations(height, width, magnitude)
        pixels = height * width
        places = torch.arange(1, pixels + 1, dtype=torch.float32).view(1, height, width)  # 0 is outside
        values = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
        enhance = float(torch.linspace(0, 0.9, BINS)[magnitude])
        sources, mapped, mixing = [], [], []
        for choice in range(CHOICES):
            name, sign = NAMES[choice // 2], 1 - 2 * (choice % 2)
            moved = moves[name](places, sign) if name in moves else places
            sources.append((moved.long().flatten() - 1) % (pixels + 1))  # the last one is black
            mapped.append((tones[name](values, sign) if name in tones else values).flatten())
            other = name in ("contrast", "sharpness") or (name == "colour" and channels == 3)
            ratio = 1 + sign * enhance if other else 1.0
            mixing.append((1.0 if name == "sharpness" else ratio, 1 - ratio))
        self.sources = torch.stack(sources).to(device)  # [28, H W]
        self.tones = torch.stack(mapped).to(device)  # [28, 256]
        self.mixing = torch.tensor(mixing, dtype=torch.float32, device=device)  # [28, 2]: of the image, of the other
        self.luminance = torch.tensor(LUMINANCE, device=device).view(3, 1, 1)
        self.values = torch.arange(256, dtype=torch.float32, device=device)
        self.rows, self.columns = (torch.arange(length, device=device) for length in (height, width))
        self.fill = torch.tensor(fill, dtype=torch.uint8, device=device).view(-1, 1, 1)
        self.reach = min(height, width) // 4

    def __call__(self, images: Tensor, operations: Tensor, centre: Tensor) -> Tensor:
        """Return the strong view of images [B, C, H, W], for choices [B, n] and centres [B, 2]."""
        for choice in operations.unbind(1):
            images = self.changed(images, choice)
        return self.cut(images, centre)

    def changed(self, images: Tensor, choice: Tensor) -> Tensor:
        """Return each image after the operation of its choice [B]."""
        name = (choice // 2).view(-1, 1, 1)
        flat = images.flatten(2)
        source = self.sources[choice].unsqueeze(1).expand(flat.shape)
        moved = functional.pad(flat, (0, 1)).gather(2, source)
        tones = self.tones[choice].unsqueeze(1)  # [B, 1, 256]
        tones = torch.where(name == NAMES.index("autocontrast"), self.stretched(moved), tones)
        tones = torch.where(name == NAMES.index("equalize"), equalized(moved), tones)
        mapped = tones.gather(2, moved.long()).view(images.shape)
        return self.mixed(mapped, choice)

    def stretched(self, flat: Tensor) -> Tensor:
        """Return the images [B, C, 256] of all values where darkest and brightest of [B, C, H W] become 0 and 255."""
        low, high = (end.float() for end in flat.aminmax(dim=-1, keepdim=True))
        scale = (high - low) * (1 / 255)
        values = ((self.values - low) / torch.where(high > low, scale, 1.0)).clamp(0, 255)
        return torch.where(high > low, values, self.values).to(torch.uint8)

    def mixed(self, images: Tensor, choice: Tensor) -> Tensor:
        """Return images away from, or towards, their grey, their mean or their blur."""
        of_image, of_other = self.mixing[choice].view(-1, 2, 1, 1, 1).unbind(1)
        name, x = (choice // 2).view(-1, 1, 1, 1), images.float()
        grey = (x * self.luminance).sum(1, keepdim=True).floor() if x.shape[1] == 3 else x
        other = torch.where(name == NAMES.index("contrast"), grey.mean((1, 2, 3), keepdim=True), grey)
        other = torch.where(name == NAMES.index("sharpness"), blurred(x) - x, other)
        # Rounded once, as torchvision's fused operation is: an ulp below a whole number is another pixel.
        return ((x * of_image).double() + other.double() * of_other.double()).float().clamp(0, 255).to(torch.uint8)

    def cut(self, images: Tensor, centre: Tensor) -> Tensor:
        """Return images without a square around their centres [B, 2], which may reach beyond the border."""
        inside = [
            (line >= middle - self.reach) & (line < middle + self.reach)
            for line, middle in zip((self.rows, self.columns), centre.unsqueeze(-1).unbind(1), strict=True)
        ]
        hole = inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)  # [B, H, W]
        return torch.where(hole.unsqueeze(1), self.fill, images)


def equalized(flat: Tensor) -> Tensor:
    """Return the images [B, C, 256] of all values that even out the histograms of [B, C, H W]."""
    pixels = flat.long()
    counts = pixels.new_zeros(*flat.shape[:2], 256).scatter_add(2, pixels, torch.ones_like(pixels))
    brightest = counts.gather(2, pixels.amax(-1, keepdim=True))
    step = (flat.shape[-1] - brightest) // 255
    below = counts.cumsum(-1) - counts
    values = ((below + step // 2) // step.clamp(min=1)).clamp(max=255)
    same = torch.arange(256, device=flat.device)
    return torch.where(step > 0, values, same).to(torch.uint8)


def blurred(x: Tensor) -> Tensor:
    """Return images [B, C, H, W] of whole numbers with each inner pixel the mean of nine, itself counted five times."""
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    nine = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    found = x.clone()
    found[..., 1:-1, 1:-1] = ((nine + 4 * x[..., 1:-1, 1:-1]) / 13).round()
    return found


def torchvision_operations(height: int, width: int, magnitude: int) -> tuple[dict[str, Change], dict[str, Change]]:
    """Return torchvision's operations that move pixels, and those that are functions of one value, by name."""
    from torchvision.transforms.v2 import functional as vision  # only where a strong view is asked for

    def up_to(most: float) -> float:
        return float(torch.linspace(0, most, BINS)[magnitude])

    slope, angle, enhance = math.degrees(math.atan(up_to(0.3))), up_to(30.0), up_to(0.9)
    right, down = (int(up_to(150 / 331 * length)) for length in (width, height))
    threshold = 255 * float(torch.linspace(1, 0, BINS)[magnitude])
    bits = int((8 - torch.arange(BINS) / ((BINS - 1) / 4)).round()[magnitude])

    def affine(x: Tensor, shear: tuple[float, float], shift: tuple[int, int], centre: list[float] | None) -> Tensor:
        found: Tensor = vision.affine(x, 0.0, list(shift), 1.0, list(shear), center=centre)
        return found

    moves: dict[str, Change] = {
        "shear x": lambda x, sign: affine(x, (sign * slope, 0.0), (0, 0), [0.0, 0.0]),
        "shear y": lambda x, sign: affine(x, (0.0, sign * slope), (0, 0), [0.0, 0.0]),
        "translate x": lambda x, sign: affine(x, (0.0, 0.0), (sign * right, 0), None),
        "translate y": lambda x, sign: affine(x, (0.0, 0.0), (0, sign * down), None),
        "rotate": lambda x, sign: vision.rotate(x, sign * angle),
    }
    tones: dict[str, Change] = {
        "brightness": lambda x, sign: vision.adjust_brightness(x, 1 + sign * enhance),
        "posterize": lambda x, sign: vision.posterize(x, bits),
        "solarize": lambda x, sign: vision.solarize(x, threshold),
    }
    return moves, tones
