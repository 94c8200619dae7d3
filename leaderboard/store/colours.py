"""Colours of the cells of methods in MLflow, which takes one of a few by the id of a run, and does so for groups."""

import colorsys
from collections.abc import Iterable

RUN_COLOUR = "mlflow.runColor"
"""The tag that MLflow's UI reads the colour of a run from, and writes where the user picks one."""

GOLDEN = 0.618034
TONES = ((0.42, 0.75), (0.58, 0.60), (0.30, 0.70))
"""Lightness and saturation, in turn: they tell methods apart whose hues are near."""


def colours(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour `#rrggbb` for each method, all different; the hue steps by the golden ratio of the circle."""
    found = {}
    for place, label in enumerate(sorted(set(labels))):
        lightness, saturation = TONES[place % len(TONES)]
        parts = colorsys.hls_to_rgb(place * GOLDEN % 1, lightness, saturation)
        found[label] = "#" + "".join(f"{round(255 * part):02x}" for part in parts)
    return found
