"""Renew the results that come with the package from stores and files: `python docs/scripts/ship.py SOURCE...`.

A source is what `load` takes: `sqlite:///mlflow.db`, a file that `export` wrote, a folder of submissions. Its runs
join those that ship; of a key the last source counts, so that a run and what is read off it come from one place. Of a
method whose formula or estimate has changed since, one definition ships in a suite: the one with more runs, of two
with equally many the one that came last. Submissions of other authors stay as they are. All of it is verified, and if
anything does not verify nothing is written. The same results give the same bytes; a card keeps its date as long as its
records stay what they are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from lnlbench.benchmark import load
from lnlbench.benchmark.protocol.settings import SettingError, find
from lnlbench.benchmark.verification.import_results import ExchangeError
from lnlbench.benchmark.verification.submit import Claim, submit
from lnlbench.leaderboard.results.card import suite_of
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.form import SEARCHED, TRIAL
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import RECORDS, collect, submissions
from lnlbench.methods._errors import MethodError

ROOT = Path(__file__).parents[2] / "leaderboard" / "shipped"
AUTHORS = ("The lnlbench authors",)


def merged(held: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """Return what ships: all results, of a key the last one, and of every method one definition in a suite."""
    results = {result.key: result for result in (*held, *new)}
    kinds: dict[tuple[object, ...], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results.values():
        # What a search chose is another definition in each setting.
        at = result.setting if result.track in SEARCHED else suite_of(result)
        kind = (at, result.label, result.track, result.length, result.protocol, precision_of(result))
        kinds[kind][result.method].append(result)
    # Of equally many runs the later definition: `max` keeps the first of its maxima.
    return [run for texts in kinds.values() for run in max(reversed(texts.values()), key=len)]


def ship(new: Iterable[Result], root: Path, today: str, data_dir: Path | None = None) -> list[str]:
    """Bring results into a folder of submissions, and return the places that are new or changed.

    Raises:
        StoreError, ExchangeError, MethodError: as `submit`; nothing is written.
    """
    there = submissions(root) if root.is_dir() else []
    ours, others = ([one for one in there if (one.card.authors == AUTHORS) is own] for own in (True, False))
    taken = {run.key for one in others for run in one.results()}
    held = collect([one.folder for one in ours], predictions=True).results
    new = [run for run in new if run.key not in taken]
    changed = []
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        draft = Path(folder)
        for one in submit(merged(held, new), draft / "new", Claim(authors=AUTHORS, date=today), data_dir):
            name = one.folder.relative_to(draft / "new")
            place, old = root / name, draft / "old" / name
            if place.is_dir():
                if (place / RECORDS).read_bytes() == one.records.read_bytes():
                    continue
                old.parent.mkdir(parents=True)
                place.rename(old)
            place.parent.mkdir(parents=True, exist_ok=True)
            one.folder.rename(place)
            changed.append(name.as_posix())
    return changed


def main() -> None:
    """Ship what the command line names, and say what changed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--settings", nargs="+", default=[], help="suites and settings to take; all by default")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder to renew")
    parser.add_argument("--date", default=date.today().isoformat(), help="of the cards of what is new or changed")
    parser.add_argument("--data-dir", type=Path)
    chosen = parser.parse_args()
    try:
        names = {setting.name for setting in find(chosen.settings)}
        found = [run for source in chosen.sources for run in load(source) if run.track != TRIAL]
        new = [run for run in found if not names or run.setting in names]
        changed = ship(new, chosen.root, chosen.date, chosen.data_dir)
    except (StoreError, ExchangeError, MethodError, SettingError) as error:
        sys.exit(f"ship.py: {error}")
    size = sum(path.stat().st_size for path in chosen.root.rglob(RECORDS))
    sys.stdout.write("".join(f"{place}\n" for place in changed))
    sys.stdout.write(f"{len(changed)} submissions are new or changed; {size / 2**20:.1f} MB of records in all\n")


if __name__ == "__main__":
    main()
