"""Pack CIFAR-10 for a machine that takes little at once: `python -m lnlbench.benchmark.bench.gpu.carry --data-dir DIR`.

The files have the Hub's layout, so that `load` reads them as it reads the originals; pixels are lossless WebP (103 MB
in all, where bytes would be 184), cut into trips below a limit, with the people's labels beside the first.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lnlbench.benchmark.runs.provenance import commit
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import load
from lnlbench.datasets.loading.pixels import decode_picture
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.loading.source import data_dirs, download_hint, local_files

CARD = card("cifar10")
ROW = 24
"""Bytes that an image takes in a file beside its pixels, at most."""
MIB = 2**20
THERE = (
    'd=$(mktemp -d) && ln -s "$PWD" $d/lnlbench && mkdir -p {home}/before "$OUT" && cp -r {home}/before/. "$OUT" && '
    "LNLBENCH_COMMIT={commit} LNLBENCH_DATA={home} PYTHONPATH=$d python3 -P -m lnlbench.benchmark.bench.gpu "
    '--budget {budget:g} --out "$OUT"; cp -r "$OUT"/. {home}/before'
)
"""What to run on the machine: the path alone makes a package of the checkout, and a later call finds what was done."""


def pack(data_dir: Path | None, target: Path, limit: int) -> list[list[Path]]:
    """Write the files; return those of each trip, `limit` bytes together at most.

    Raises:
        DataError: CIFAR-10 is not in a data directory, or what was written is not the same.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folders = data_dirs(data_dir)
    found = next(((folder, files) for folder in folders if (files := local_files(CARD, folder))), None)
    if found is None:
        raise DataError(f"CIFAR-10 is not at hand; {download_hint(CARD, folders[0] if folders else None)}")
    folder, files = found
    place = target / str(CARD.hub_id) / str(CARD.config)
    for old in place.glob("*.parquet"):
        old.unlink()
    place.mkdir(parents=True, exist_ok=True)
    tables = {split: pa.concat_tables([pq.read_table(p, partitioning=None) for p in files[split]]) for split in files}
    pixels = {
        split: [smallest(row) for row in table.column(CARD.image_column).to_pylist()] for split, table in tables.items()
    }
    labels = _labels(folder, target)
    taken = sum(path.stat().st_size for path in labels)
    trips = [labels]
    cuts = cut({split: [len(row) + ROW for row in pixels[split]] for split in ("test", "train")}, taken, limit)
    for number, trip in enumerate(cuts):
        trips += [[]] if number else []
        for split, (begin, end) in trip.items():
            numbers = [i for i, other in enumerate(cuts) if split in other]
            path = place / f"{split}-{numbers.index(number):05}-of-{len(numbers):05}.parquet"
            given = tables[split].column(CARD.label_column)[begin:end]
            part = pa.table({CARD.image_column: pixels[split][begin:end], CARD.label_column: given})
            pq.write_table(part, path, compression="none", use_dictionary=False, write_statistics=False)
            trips[-1].append(path)
    if load(CARD.name, target).fingerprint != load(CARD.name, folder).fingerprint:
        raise DataError(f"what was written to {target} is not what {folder} holds")
    return trips


def smallest(row: Mapping[str, Any] | bytes) -> bytes:
    """Return an encoded image as lossless WebP, where it is not that already."""
    content: bytes = row["bytes"] if isinstance(row, Mapping) else row
    if content[8:12] == b"WEBP":
        return content
    out = io.BytesIO()
    decode_picture(content, CARD.name, Counter()).save(out, "WEBP", lossless=True, exact=True)
    return out.getvalue()


def cut(sizes: Mapping[str, Sequence[int]], taken: int, limit: int) -> list[dict[str, tuple[int, int]]]:
    """Return the first row and the end of each split in each trip, in order, no trip above the limit.

    Args:
        sizes: bytes of the rows of each split.
        taken: bytes that the first trip has already.
        limit: of a trip, in bytes.
    """
    trips: list[dict[str, tuple[int, int]]] = [{}]
    for split, rows in sizes.items():
        begin = 0
        for i, size in enumerate(rows):
            if taken + size > limit:
                trips[-1] |= {split: (begin, i)} if i > begin else {}
                trips.append({})
                begin, taken = i, 0
            taken += size
        trips[-1][split] = (begin, len(rows))
    return trips


def checkout() -> int:
    """Return the bytes of the checkout that travel with every trip: what git tracks, and what it does not ignore."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    names = [Path(name) for name in told.stdout.decode().split("\0") if name]
    return sum(path.stat().st_size for path in names if path.is_file())


def main(argv: list[str] | None = None) -> int:
    """Pack, and say what to carry and what to run."""
    parser = argparse.ArgumentParser(prog="python -m lnlbench.benchmark.bench.gpu.carry", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with CIFAR-10, beside $LNLBENCH_DATA")
    parser.add_argument("--out", type=Path, default=Path(".gpu"), help="ignored folder of the checkout")
    parser.add_argument("--limit", type=float, default=64.0, help="MiB of a trip, the checkout included")
    parser.add_argument("--budget", type=float, default=540.0, help="seconds of a call")
    chosen = parser.parse_args(argv)
    try:
        own = checkout()
        room = int((chosen.limit - 1) * MIB) - own  # a MiB for what surrounds the pixels, and what was found before
        if room < MIB:
            raise DataError(f"of {chosen.limit:g} MiB the checkout takes {own / MIB:.1f}")
        trips = pack(chosen.data_dir, chosen.out, room)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 2
    for number, trip in enumerate(trips, 1):
        size = sum(path.stat().st_size for path in trip) / MIB
        sys.stdout.write(f"trip {number}: {size:.1f} MiB beside {own / MIB:.1f} of the checkout\n")
        sys.stdout.write("".join(f"  {path}\n" for path in trip))
    there = THERE.format(home=chosen.out, commit=commit(), budget=chosen.budget)
    sys.stdout.write(
        f"\nRun this in the checkout there after each trip; parts without their data wait. On a new machine take\n"
        f"{chosen.out}/before along, with what came back in $OUT:\n\n{there}\n"
    )
    return 0


def _labels(folder: Path, target: Path) -> list[Path]:
    """Copy the labels that people gave, where they are there."""
    name = Path("noise") / CARD.name / "train.parquet"
    if not (folder / name).is_file():
        return []
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(folder / name, target / name))]


if __name__ == "__main__":
    sys.exit(main())
