"""Ask a GPU: `python -m lnlbench.benchmark.bench.gpu --budget 540 --out gpu`; it needs torch and timm, and no store.

What was done by an earlier call is read from the folder, and not done again.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from functools import partial
from pathlib import Path

GRACE = 1.0
"""Seconds that a process has to end: it holds nothing that would be lost."""


def main(argv: list[str] | None = None) -> int:
    """Run the plan; the budget counts from here."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m lnlbench.benchmark.bench.gpu", description=__doc__)
    parser.add_argument("--budget", type=_seconds, default=540.0, help="seconds that all of it may take")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder of what is found; a call goes on with it")
    parser.add_argument("--device", default="cuda", help="as in fit; the rehearsal takes cpu")
    parser.add_argument("--data-dir", type=Path, help="folder of data sets, beside $LNLBENCH_DATA")
    parser.add_argument("--rehearsal", action="store_true", help="ask the same of few images and small networks")
    parser.add_argument("--only", nargs="+", metavar="GROUP", help="groups of parts, as in --only equal cell; all")
    chosen = parser.parse_args(argv)

    from lnlbench.benchmark.bench.gpu.folder import Folder
    from lnlbench.benchmark.bench.gpu.part import Place
    from lnlbench.benchmark.bench.gpu.parts import FULL, REHEARSAL, chosen_groups, parts
    from lnlbench.benchmark.bench.gpu.planner import Planner
    from lnlbench.benchmark.runs.provenance import commit
    from lnlbench.benchmark.sweep.executors.local import Local

    try:
        wanted = chosen_groups(parts(REHEARSAL if chosen.rehearsal else FULL), chosen.only)
        folder = Folder(chosen.out)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        folder.begin(date=now, budget=chosen.budget, device=chosen.device, commit=commit())
        place = Place(chosen.device, chosen.data_dir)
        planner = Planner(folder, place, chosen.budget, began, partial(Local, 1, parents=True, grace=GRACE))
        planner.run(wanted)
        folder.summarise()
    except (ValueError, OSError) as error:  # what is named does not exist or cannot be used
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:  # what was found is there
        return 130
    sys.stdout.write((chosen.out / "summary.md").read_text(encoding="utf-8"))
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds < 1e6:
        raise argparse.ArgumentTypeError(f"a budget is at least one second, but got {text}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
