"""How a mean or a difference is written with its 95 % interval, cut to what it can be: in percent, and points."""

import math


def mean_text(mean: float, half: float | None) -> str:
    """Return a share in percent with half of its interval, `97.36 ± 0.21`.

    Where that leaves 0 to 100 the ends that are possible take its place, `53.41 [6, 100]`: whole where half is a point
    or more, which needs no more room than the half does.
    """
    if half is None:
        return f"{mean:.2f}"
    low, high = mean - half, mean + half
    if low >= 0 and high <= 100:
        return f"{mean:.2f} ± {half:.2f}"
    return f"{mean:.2f} [{_end(max(0.0, low), half)}, {_end(min(100.0, high), half)}]"


def difference_text(difference: float, half: float | None) -> str:
    """Return a difference of two shares with half of its interval, `+1.20 ± 0.35`; `+32.55 [-100, +100]` where cut.

    Its ends keep two decimals, since on which side of 0 they lie is the verdict.
    """
    if half is None:
        return f"{difference:+.2f}"
    low, high = difference - half, difference + half
    if low >= -100 and high <= 100:
        return f"{difference:+.2f} ± {half:.2f}"
    return f"{difference:+.2f} [{'-100' if low < -100 else f'{low:+.2f}'}, {'+100' if high > 100 else f'{high:+.2f}'}]"


def _end(value: float, half: float) -> str:
    if half >= 1 or value in (0, 100):
        return str(math.floor(value + 0.5))  # as the page's script rounds
    return f"{value:.2f}"
