"""What `reproduce` shows: the command, what made the run, and what came of making it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.cli.own_files import files_of
from lnlbench.benchmark.verification.present import present
from lnlbench.leaderboard.results.command import that_made
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.named import named
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import results_of
from lnlbench.leaderboard.show.terminal import Fitted
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import existing

if TYPE_CHECKING:
    from lnlbench.benchmark.verification.likeness import Reproduction

MADE_BY = ("lnlbench", "commit", "python", "torch", "hardware", "device", "execution", "precision", "threads")


def row(text: str, own: Mapping[str, str], source: Path | None, address: StoreAddress) -> Result:
    """Return the result that is meant: of a file or folder, else of the store, else of those in the package.

    Args:
        text: what it is called.
        own: methods of files, as `Chosen.own` has them: of these the runs of what they are now.
        source: the file or folder.
        address: of the store.

    Raises:
        StoreError: there is none, there are several, or it cannot be read.
    """
    if source is not None:
        return named(results_of(source), text, str(source), present(own))
    try:
        with existing(address) as store:
            return store.find(text, present(own))[1]
    except StoreError as error:
        try:
            return _carried(text)
        except StoreError as other:
            raise (error if address.exists else other) from None


def _carried(text: str) -> Result:
    """Return the result of the package that a text names, whose predictions alone are read."""
    from lnlbench.leaderboard.results.card import suite_of
    from lnlbench.leaderboard.shipped import shipped

    found = named(shipped(), text, "the package")
    whole = shipped(suites=[suite_of(found)], methods=[found.label], predictions=True)
    return next(result for result in whole if result.key == found.key)


def before(result: Result) -> Fitted:
    """Return what is known before a run is made again."""
    made = result.environment
    facts = {
        "run": f"{result.label} on {result.setting}, replicate {result.replicate}",
        "method": result.method,
        "key": result.key,
        "command": that_made(result, files_of(result)) or "none: its values come from a search",
        "made by": ", ".join(f"{name} {made[name]}" for name in MADE_BY if made.get(name) is not None),
        "took": f"{result.cost.get('total_seconds', 0.0):.1f} s",
    }
    return Fitted([], [[*pair] for pair in facts.items()])


def after(found: Reproduction) -> str:
    """Return what came of it: what is not as it was here, scores beside each other, and the outcome."""
    lines = [f"not as it was: {'; '.join(found.elsewhere)}"] if found.elsewhere else []
    if found.rounded:
        lines.append(f"not to the bit: {_listed(found.rounded)}")
    return "\n".join([*lines, found.sentence])


def as_json(found: Reproduction) -> dict[str, Any]:
    """Return all of it, JSON-able."""
    command = that_made(found.result, files_of(found.result))
    return {"command": command, "made_by": found.result.environment, **found.json()}


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
