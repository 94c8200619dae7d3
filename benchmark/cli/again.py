"""What `reproduce` shows: the command, what made the run, and what came of making it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.cli.own_files import files_of
from lnlbench.leaderboard.results.command import that_made
from lnlbench.leaderboard.results.listing import some
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.show.terminal import Fitted

if TYPE_CHECKING:
    from lnlbench.benchmark.verification.likeness import Reproduction

MADE_BY = ("lnlbench", "commit", "python", "torch", "hardware", "device", "execution", "precision", "threads")


def before(result: Result, given: Iterable[str] = ()) -> Fitted:
    """Return what is known before a run is made again; `given` as of `files_of`."""
    made = result.environment
    facts = {
        "run": f"{result.label} on {result.setting}, replicate {result.replicate}",
        "method": result.method,
        "key": result.key,
        "command": that_made(result, files_of(result, given)) or "none: its values come from a search",
        "made by": ", ".join(f"{name} {made[name]}" for name in MADE_BY if made.get(name) is not None),
        "took": f"{result.cost.get('total_seconds', 0.0):.1f} s",
    }
    return Fitted([], [[*pair] for pair in facts.items()])


def after(found: Reproduction) -> str:
    """Return what came of it: what is not as it was here, scores beside each other, and the outcome."""
    lines = [f"not as it was: {'; '.join(found.elsewhere)}"] if found.elsewhere else []
    if found.rounded:
        lines.append(f"not to the bit: {some(found.rounded, 6)}")
    return "\n".join([*lines, found.sentence])


def as_json(found: Reproduction, given: Iterable[str] = ()) -> dict[str, Any]:
    """Return all of it, JSON-able; `given` as of `files_of`."""
    command = that_made(found.result, files_of(found.result, given))
    return {"command": command, "made_by": found.result.environment, **found.json()}
