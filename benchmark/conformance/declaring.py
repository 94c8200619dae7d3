"""Checks of what a method says of itself: hook names, ranges, defaults, what it is told, its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, replace

from lnlbench.benchmark.conformance.subject import TOLD, Finding, Subject
from lnlbench.methods._errors import MethodError
from lnlbench.methods._paper import FAMILIES, ORIGINS
from lnlbench.methods._parse import parse
from lnlbench.methods._unknown import close_to
from lnlbench.methods.base import HOOKS, Method


def declares(subject: Subject) -> Iterator[Finding]:
    """Hooks that the loop calls, ranges that hold their defaults, values that are all written out."""
    for part in subject.method.parts:
        own = {name for name, value in vars(type(part)).items() if inspect.isfunction(value) and name[0] != "_"}
        for name in sorted(own - set(HOOKS)):
            for hook in close_to(name, HOOKS, cutoff=0.8)[:1]:
                yield Finding(f"the loop never calls `{name}`; is it `{hook}`?", subject.lines([f"def {name}"]))
        for name in sorted(own & set(HOOKS)):
            asked, taken = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (Method, type(part)))
            if len(asked) != len(taken):
                yield Finding(
                    f"the loop calls `{name}` with ({', '.join(asked[1:])}), but it takes ({', '.join(taken[1:])})",
                    subject.lines([f"def {name}"]),
                )
        for fact in sorted(set(part.told) - TOLD.keys()):
            yield Finding(f"it asks to be told {fact!r}, of which these checks have no example", fault=False)
        yield from _ranges(part)
        yield from _text(part)
        yield from _provenance(part)
        if not re.search(r"Source:.*\b(19|20)\d\d\b", inspect.getdoc(type(part)) or "", re.DOTALL):
            yield Finding("its docstring has no 'Source: ...' with a year", fault=False)


def _provenance(part: Method) -> Iterator[Finding]:
    """Ask for paper, family and origins: a fault in the project's own methods, advice for those of others."""
    ours = not part.source
    if part.paper is None:
        yield Finding("it names no paper: `paper = Paper(title, authors, venue, year)`", fault=ours)
    if part.family not in FAMILIES and (part.family or ours):
        yield Finding(f"its family must be one of {', '.join(FAMILIES)}, but is {part.family!r}")
    elif not part.family:
        yield Finding(f"it names no family: `family = ...`, one of {', '.join(FAMILIES)}", fault=False)
    for name, span in part.space().items():
        if span.origin not in ORIGINS:
            text = f"{name}: `origin=` says where its default is from: {', '.join(ORIGINS)}"
            yield Finding(f"{text}; not {span.origin!r}" if span.origin else text, fault=ours or bool(span.origin))


def _ranges(part: Method) -> Iterator[Finding]:
    for name, span in part.space().items():
        value = getattr(part, name)
        if span.choices is None and span.low is None and span.high is None:
            continue  # it has valid values, and is not searched
        if span.choices is None:
            if span.low is None or span.high is None or not span.valid[0] <= span.low < span.high <= span.valid[1]:
                yield Finding(f"{name}: the search range {[span.low, span.high]} is not within {list(span.valid)}")
                continue
            if not span.low <= value <= span.high:
                yield Finding(f"{name}: the default {value!r} is outside its search range {[span.low, span.high]}")
            if span.log and span.low <= 0:
                yield Finding(f"{name}: a logarithmic range starts above 0, not at {span.low}")
        for bound in span.choices or (span.low, span.high):
            try:
                replace(part, **{name: bound})
            except MethodError as error:
                yield Finding(f"{name}: the end {bound!r} of its range is refused: {error}")


def _text(part: Method) -> Iterator[Finding]:
    text = str(part)
    if missing := [f.name for f in fields(part) if f.name not in text] or str(parse(text)) != str(parse(part.name)):
        yield Finding(f"its text {text!r} does not read back as the same method ({missing})")
