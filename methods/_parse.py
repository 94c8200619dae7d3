"""Parse methods from text, such as `gce(q=0.5) + sam + early_stopping(patience=0.1)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from lnlbench.methods._compose import Composition
from lnlbench.methods._errors import MethodError
from lnlbench.methods._registry import method_class
from lnlbench.methods._unknown import did_you_mean
from lnlbench.methods.base import Method, is_number

MANY_CLASSES = 100
EXAMPLE = "gce(q=0.5) + sam"
LONGEST = 1_000  # characters of a text
REVISION = re.compile(r"\(revision=\d+\)|, revision=\d+")


def parse(text: str, classes: int = 10) -> Composition:
    """Return the method that a text describes.

    Args:
        text: names joined by `+`, each with hyper-parameters in parentheses where they differ from the defaults.
        classes: number of classes of the data set, the only thing that defaults may depend on.

    Raises:
        MethodError: the text is not such an expression, a name or hyper-parameter is unknown, a value is invalid,
            or parts cannot be combined.
    """
    if len(text) > LONGEST:
        raise MethodError(f"a method has at most {LONGEST} characters, but got {len(text)}: {text[:60]!r}…")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # the last two: brackets without end
        raise MethodError(f"cannot read the method {text!r}; write it like {EXAMPLE!r}") from None
    parts = [part for part in (_part(node, text, classes) for node in _terms(tree)) if part.name != "ce"]
    # Only `perturb` depends on the order: the rest is sorted, so that one method has one text.
    chain = [part for part in parts if part.answers("perturb")]
    others = sorted((part for part in parts if not part.answers("perturb")), key=lambda part: part.name)
    return Composition((*others, *chain))


def without_revision(text: str) -> str:
    """Return the text of a method without the revisions of its formulas, so that all revisions compare equal."""
    return REVISION.sub("", text)


def written(text: str) -> set[tuple[str, str]]:
    """Return part and name of every hyper-parameter that the text sets: the user's choice, which is not searched."""
    calls = [node for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Call)]
    return {
        (call.func.id, str(word.arg)) for call in calls if isinstance(call.func, ast.Name) for word in call.keywords
    }


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _part(node: ast.expr, text: str, classes: int) -> Method:
    if isinstance(node, ast.Name):
        return _build(node.id, {}, classes)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.args or any(keyword.arg is None for keyword in node.keywords):
            raise MethodError(f"hyper-parameters need their names, as in {EXAMPLE!r}, but got {text!r}")
        names = [str(keyword.arg) for keyword in node.keywords]
        for name in names:
            if names.count(name) > 1:
                raise MethodError(f"{name!r} is given {names.count(name)} times in the method {text!r}")
        values = {str(keyword.arg): _literal(keyword.value, text) for keyword in node.keywords}
        return _build(node.func.id, values, classes)
    raise MethodError(f"cannot read {ast.unparse(node)!r} in the method {text!r}; write it like {EXAMPLE!r}")


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise MethodError(f"{ast.unparse(node)!r} in the method {text!r} is no number, text or truth value") from None


def _build(name: str, values: dict[str, Any], classes: int) -> Method:
    method = method_class(name)
    known = {f.name: f for f in fields(method)}
    if (revision := values.pop("revision", method.revision)) != method.revision:
        raise MethodError(
            f"{name}: this version has revision {method.revision} of the formula, but got revision={revision!r}; "
            "CHANGELOG.md says what changed"
        )
    for given in values:
        if given not in known:
            hint = did_you_mean(given, known)
            raise MethodError(f"{name} has no hyper-parameter {given!r}; {hint}known: {', '.join(known) or 'none'}")
    if classes >= MANY_CLASSES:
        values = {n: span.many for n, span in method.space().items() if span.many is not None} | values
    for key, value in values.items():
        if known[key].type in (float, "float") and is_number(value):
            values[key] = float(value)
    return method(**values)
