"""Take texts of methods apart, without heavy imports, so that commands which train nothing answer at once."""

import re


def split_methods(text: str) -> list[str]:
    """Return the methods of a comma-separated list; commas inside parentheses belong to a method."""
    items, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            items.append(text[start:position])
            start = position + 1
    return [item.strip() for item in (*items, text[start:]) if item.strip()]


def part_names(text: str) -> list[str]:
    """Return the names of the parts of a method's full text, of `gce(q=0.7) + sam(rho=0.1)` gce and sam."""
    return re.findall(r"(?:^| \+ )(\w+)", text)
