"""The learning rate by epoch: the texts of a setting's `schedule`, and what they mean."""

from __future__ import annotations

import math
import re

SCHEDULE = re.compile(r"(warmup-\d+-)?(cosine|constant|linear-\d+|steps-[1-9]\d*(-\d+)+)|one-cycle-[1-9]\d?")
EXAMPLES = (
    "cosine, constant, linear-80 (to 0 from epoch 80), steps-10-40-80 (divided by 10 at epochs 40 and 80), one of "
    "these after warmup-5- (five epochs of rise), or one-cycle-30 (30 % of the length up, then down)"
)
DOWN, END = 25.0, 1e4  # one cycle begins at a 25th of its peak, and ends at a ten-thousandth of where it began


def learning_rate(base: float, schedule: str, epoch: int, epochs: int, least: float = 0.0) -> float:
    """Return the learning rate of an epoch, counted from 0; it moves once per epoch.

    "cosine" goes from `base` towards `least`, "constant" stays, "linear-80" stays for 80 epochs and then goes in a line
    towards `least`, "steps-10-40-80" is divided by 10 after 40 and again after 80 epochs. After "warmup-5-" the rate
    rises in a line over five epochs, a cosine then fills the rest, and all other epochs count from the beginning.
    "one-cycle-30" rises for 30 % of the length from a 25th of `base`, then falls to almost nothing, both as cosines
    (Smith and Topin 2019; as torch's `OneCycleLR`).
    """
    least = min(least, base)
    rise = 0
    if schedule.startswith("warmup-"):
        _, first, schedule = schedule.split("-", 2)
        rise = min(int(first), epochs)
        if epoch < rise:
            return base * (epoch + 1) / rise
    kind, *numbers = schedule.split("-")
    if kind == "cosine":
        return least + (base - least) * (1 + math.cos(math.pi * (epoch - rise) / (epochs - rise))) / 2
    if kind == "linear":
        begin = min(int(numbers[0]), epochs)
        return base if epoch < begin else least + (base - least) * (epochs - epoch) / max(1, epochs - begin)
    if kind == "steps":
        factor, *ends = map(int, numbers)
        return base / float(factor ** sum(epoch >= end for end in ends))
    if kind == "one":
        return _one_cycle(base, int(numbers[1]) / 100, epoch, epochs)
    return base


def _one_cycle(base: float, share: float, epoch: int, epochs: int) -> float:
    begin, peak, end = 0.0, share * epochs - 1, epochs - 1.0
    first, last = base / DOWN, base / DOWN / END
    if epoch <= peak:
        return _between(first, base, (epoch - begin) / max(peak - begin, 1e-9))
    return _between(base, last, (epoch - max(peak, 0.0)) / max(end - max(peak, 0.0), 1e-9))


def _between(first: float, last: float, share: float) -> float:
    """Return a value that moves from one to another as half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
