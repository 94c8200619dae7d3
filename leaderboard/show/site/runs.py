"""Tables of runs, a row each: CSV, JSON and Parquet with the same columns, and the receipt of one run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lnlbench.leaderboard.results.card import Card
from lnlbench.leaderboard.results.command import that_made, that_reproduces
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.result import to_json as record
from lnlbench.leaderboard.results.rules import RULES, score
from lnlbench.leaderboard.results.standing import Standing, Standings
from lnlbench.leaderboard.results.submission import plugins_in
from lnlbench.leaderboard.results.text import cell

Row = dict[str, Any]


def digest(result: Result) -> str:
    """Return what names a record without its predictions, which boards do not need."""
    return hashlib.sha256(record(replace(result, predictions="")).encode()).hexdigest()


def table(results: Sequence[Result], standings: Standings) -> list[Row]:
    """Return a row per run: accuracy in percent under every rule, cost, what made it, and how far it was checked."""
    hosts = {run.key: run for run in results}
    return [_row(run, hosts, standings.get(run.key)) for run in results]


def _row(run: Result, hosts: Mapping[str, Result], standing: Standing | None) -> Row:
    noise, made = run.identity.get("noise", {}), run.environment
    return {
        "setting": run.setting,
        "method": run.label,
        "replicate": run.replicate,
        **{rule: round(100 * score(run, rule, hosts), 4) for rule in RULES},
        "diverged": run.diverged,
        "track": run.track,
        "length": run.length,
        "protocol": run.protocol,
        "told": " ".join(run.told),
        "text": run.method,
        "realised_rate": noise.get("realised_rate"),
        "seconds": run.cost.get("total_seconds"),
        "precision": precision_of(run),
        "hardware": made.get("hardware"),
        "torch": made.get("torch"),
        "lnlbench": made.get("lnlbench"),
        "commit": made.get("commit"),
        "checked": standing.words if standing else "",
        "key": run.key,
        "host": run.host,
        "record_sha256": digest(run),
    }


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV, cells safe for a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([[cell(v) if isinstance(v, str) else v for v in row.values()] for row in rows])
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """Return rows as a JSON list of objects."""
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def to_parquet(rows: Sequence[Row]) -> bytes:
    """Return rows as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[type, Any] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    types = {n: next((kinds[type(v)] for v in values if v is not None), pa.string()) for n, values in columns.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table({n: pa.array(v, types[n]) for n, v in columns.items()}), sink)
    return sink.getvalue()


def receipt(run: Result, standing: Standing | None, card: Card | None = None) -> dict[str, str]:
    """Return what made a run and what names it, by the words of a page; `card` is of the submission that it is in."""
    identity, made = run.identity, run.environment
    dataset, noise, split = (identity.get(part, {}) for part in ("dataset", "noise", "split"))
    versions = ("lnlbench", "commit", "python", "torch", "hardware", "device", "execution", "threads")
    facts = {
        "checked": standing.words if standing else "",
        "method": run.method,
        "key": run.key,
        "record": f"sha256 {digest(run)}, without predictions",
        "data": f"{dataset.get('name')} {dataset.get('revision')}",
        "labels": f"sha256 {noise.get('labels_sha256')}",
        "split": f"sha256 {split.get('sha256')}",
        "made by": ", ".join(f"{name} {made[name]}" for name in versions if made.get(name) is not None),
        "precision": precision_of(run),
        "command": that_made(run, plugins_in(card)),
        "make it again": that_reproduces(run, plugins_in(card)),
    }
    return {name: text for name, text in facts.items() if text}
