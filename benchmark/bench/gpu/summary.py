"""The summary of all calls, in Markdown: the machine, what was found, how each part ended, what was not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lnlbench.leaderboard.results.markdown import table


def text(events: Sequence[Mapping[str, Any]], left: Mapping[str, str]) -> str:
    """Return the summary.

    Args:
        events: of all calls, in their order.
        left: parts that the last call did not ask, and why.
    """
    calls = [event for event in events if event["event"] == "call"]
    ends = {e["part"]: e for e in events if e["event"] in ("done", "failed", "cut")}  # the last of each
    found = [e for e in events if e["event"] == "finding"]
    lines = ["# What was found", "", *(f"- {_call(call)}" for call in calls), ""]
    rows = [[e["part"], e["what"], _value(e), e["target"], e["said"]] for e in found]
    lines += [table(["part", "question", "answer", "target", ""], rows, "llrll"), ""]
    lines += [
        f"{group}: {_number(value)} {unit} in all, of {count} parts" for group, value, unit, count in totals(found)
    ]
    taken = [[p, e["event"], f"{e['cost']:g}", f"{e['seconds']:.1f}", _why(e)] for p, e in ends.items()]
    lines += ["", "# How the parts ended", "", table(["part", "", "stated, s", "taken, s", ""], taken, "llrrl"), ""]
    open_ = {part: why for part, why in left.items() if ends.get(part, {"event": ""})["event"] != "done"}
    lines += ["Not asked in the last call:", "", *(f"- {part}: {why}" for part, why in open_.items())] if open_ else []
    return "\n".join(lines).rstrip() + "\n"


def totals(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, str, int]]:
    """Return what the findings of a group add up to, where they say so: group, sum, unit and count."""
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for event in found:
        if event["total"]:
            sums.setdefault((event["part"].partition("/")[0], event["unit"]), {})[event["what"]] = event["value"]
    return [(group, sum(values.values()), unit, len(values)) for (group, unit), values in sums.items()]


def _call(call: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in call.items() if name != "event")


def _value(event: Mapping[str, Any]) -> str:
    return "" if event["value"] is None else f"{_number(event['value'])} {event['unit']}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def _why(event: Mapping[str, Any]) -> str:
    return str((event.get("lines") or [""])[-1])
