"""A file to begin a method with: written once, never over another."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from lnlbench.benchmark.cli.catalogue import listing
from lnlbench.methods._errors import MethodError

TEMPLATE = Path(__file__).with_name("new_method.template")


def new_method(name: str, folder: Path) -> Path:
    """Write `<name>.py`: a whole method, with what can be changed in comments.

    Args:
        name: of the method, in lower case, as in "my_loss".
        folder: where to write it.

    Returns:
        the path of the file.

    Raises:
        MethodError: a name that no method can have, or that is taken; a file of that name; a folder that is not there.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise MethodError(f"a method's name is lower-case letters, digits and '_', as in my_loss, but got {name!r}")
    if not "a" <= name[0] <= "z":
        raise MethodError(f"a method's name begins with a lower-case letter, as in my_loss, but got {name!r}")
    if keyword.iskeyword(name):
        raise MethodError(f"{name!r} is a keyword of Python, and no method can be called so; as in my_{name}")
    if name in registered():
        raise MethodError(f"there is a method called {name!r} already; choose another name")
    path = folder / f"{name}.py"
    title = name.replace("_", " ").capitalize()
    words = {"@NAME@": name, "@TITLE@": title, "@CLASS@": "".join(part.capitalize() for part in name.split("_"))}
    text = TEMPLATE.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise MethodError(f"{path} is there already, and is not overwritten") from None
    except OSError as error:
        raise MethodError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def registered() -> set[str]:
    """Return the names of all methods, from the kept list where there is one: the methods themselves need torch."""
    return {row["method"].partition("(")[0] for row in listing("methods", None, ())}
