"""Receipts: what was found of the results of a file, or of one stored run, and what it comes to in words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.sweep.plugins import choose_methods, name_of_run
from lnlbench.benchmark.verification.across import Votes, across, fewer
from lnlbench.benchmark.verification.findings import FLAGGED, OK, UNKNOWN, WRONG, Finding, worst
from lnlbench.benchmark.verification.present import present
from lnlbench.benchmark.verification.recompute import Data
from lnlbench.benchmark.verification.verify import verify
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import locate
from lnlbench.leaderboard.results.result import Result, to_json
from lnlbench.leaderboard.results.rules import scores_of
from lnlbench.leaderboard.results.submission import results_of, submissions
from lnlbench.leaderboard.shipped import located
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import existing

ROUNDED = 5e-5  # scores in MLflow have four decimals
PROVED = (
    "What this proves: the scores follow from the stored predictions and the true labels, and labels, split, key and "
    "names are those of what the record says it ran. What it does not: that the predictions came from that training. "
    "The validation curve, losses and times are as they were recorded: only making the runs again tests those."
)


@dataclass(frozen=True)
class Receipt:
    """A result, without its predictions, and what was found of it; `digest` is of the whole record."""

    result: Result
    findings: tuple[Finding, ...]
    digest: str

    @property
    def state(self) -> str:
        """`ok`, `wrong` or `unknown`: the worst of its findings."""
        return worst(self.findings)

    @property
    def flagged(self) -> bool:
        """Whether a reader should know something that is not wrong."""
        return any(finding.state == FLAGGED for finding in self.findings)


def receipts(
    what: Sequence[str], data_dir: Path | None, plugins: Iterable[Path], address: StoreAddress
) -> list[Receipt]:
    """Verify a file of results, a folder of submissions, or one stored run.

    Args:
        what: the path of a file that `export` wrote, or of a folder, or `shipped`; or a run, as `Store.find` takes it.
        data_dir: where data sets are.
        plugins: files of methods.
        address: of the store.

    Raises:
        StoreError: there is no such file or run, or it is damaged.
        MethodError: a plug-in cannot be loaded.
    """
    if (file := archive_of(what)) is not None:
        choose_methods(plugins=plugins)
        return verified_source(file, data_dir)
    with existing(address) as store:
        name, own = name_of_run(what, plugins)
        run_id, result = store.find(name, present(own))
        hosts = store.hosts_of([result])
        shown, scores = store.numbers(run_id), scores_of(result, hosts)
    (receipt,) = verified([result], data_dir, hosts, whole=False)
    # A rule that is newer than the run has no score there.
    known = {name: shown[f"score/{name}"] for name in scores if f"score/{name}" in shown}
    off = [name for name, value in known.items() if not abs(value - scores[name]) <= ROUNDED]
    detail = f"what MLflow shows as {', '.join(off)} is not what the record gives" if off else "as the record gives"
    if off and result.host is not None:
        detail += ", which is the score of its host (readings were once scored by themselves: `lnlbench ui` mends that)"
    finding = Finding("MLflow's scores", WRONG if off else OK, detail)
    return [replace(receipt, findings=(*receipt.findings, finding))]


def archive_of(what: Sequence[str]) -> Path | None:
    """Return the path of a file or folder that is meant; None where the words name a run."""
    path = located(what[0])
    return path if len(what) == 1 and (path.exists() or path.suffix in (".xz", ".jsonl")) else None


def unnamed(what: Sequence[str], found: Sequence[Receipt], plugins: Sequence[Path]) -> list[str]:
    """Return the options that name the plug-ins of a folder, where some of its results cannot be verified without."""
    folder = archive_of(what)
    if folder is None or not folder.is_dir() or all(receipt.state != UNKNOWN for receipt in found):
        return []
    files = [one.folder / one.card.plugin for one in submissions(folder) if one.card.plugin]
    return [f"--plugin {file}" for file in files if file.absolute() not in [path.absolute() for path in plugins]]


def verified_source(source: Path, data_dir: Path | None) -> list[Receipt]:
    """Verify a file or folder of results; of a file the predictions are never held all at once.

    Arguments and errors as of `verified`.
    """
    known = {result.key: result for result in results_of(source, predictions=False)}
    return verified(results_of(source), data_dir, known)


def verified(
    results: Iterable[Result], data_dir: Path | None, known: Mapping[str, Result] = {}, *, whole: bool = True
) -> list[Receipt]:
    """Verify results; data sets that are not at hand are not downloaded for it.

    Args:
        results: to be verified, by themselves and beside each other.
        data_dir: where data sets are.
        known: results by key that readings may be of, beside those to be verified.
        whole: as in `across`.

    Raises:
        StoreError: the results are read from a file that is damaged.
    """
    if not known:
        results = list(results)
        known = {result.key: result for result in results}
    at_hand = cache(lambda dataset: data_of(dataset, data_dir))
    bare: list[Result] = []
    findings: list[list[Finding]] = []
    digests: list[str] = []
    votes: dict[int, Votes] = {}
    for place, result in enumerate(results):
        own, predictions = verify(result, at_hand(result.dataset), known)
        if predictions is not None:
            votes[place] = Votes.of(predictions)
        bare.append(replace(result, predictions=""))
        findings.append(own)
        digests.append(digest(result))
    beside = across(bare, votes, whole)
    return [
        Receipt(result, (*own, *beside.get(place, ())), name)
        for place, (result, own, name) in enumerate(zip(bare, findings, digests, strict=True))
    ]


def digest(result: Result) -> str:
    """Return what names a record with everything in it."""
    return hashlib.sha256(to_json(result).encode()).hexdigest()


def data_of(dataset: str, data_dir: Path | None) -> Data:
    """Return a data set, if it is available without the network; else why not."""
    try:
        if locate(dataset, data_dir) is not None:
            return Data(images_of(dataset, data_dir))
    except DataError as error:
        return Data(None, str(error))
    return Data(None, f"the data set {dataset} is not at hand; --data-dir names the folder that it is in")


def rows(found: Sequence[Receipt]) -> list[dict[str, Any]]:
    """Return what to show: all findings of one result; of many those that are not `ok`, equal ones once, and notes."""
    if len(found) == 1:
        return [{"what": f.what, "state": f.state, "detail": f.detail} for f in found[0].findings]
    first: dict[tuple[str, str, str], str] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    for receipt in found:
        for finding in receipt.findings:
            name = (finding.what, finding.state, finding.detail)
            if finding.state != OK:
                first.setdefault(name, receipt.result.name)
                times[name] += 1
    shown = []
    for (what, state, detail), n in times.items():
        others = f" and {n - 1} more" if n > 1 else ""
        shown.append({"run": first[what, state, detail] + others, "what": what, "state": state, "detail": detail})
    notes = fewer([receipt.result for receipt in found])
    return [*shown, *({"run": name, "what": n.what, "state": n.state, "detail": n.detail} for name, n in notes)]


def lines(found: Sequence[Receipt]) -> str:
    """Return the rows as text, a line each, and what they come to."""
    shown = [
        f"{row['state']:8} {row['what']}: {row['detail']}" + (f" ({row['run']})" if "run" in row else "")
        for row in rows(found)
    ]
    return "\n".join([*shown, sentence(found)])


def sentence(found: Sequence[Receipt]) -> str:
    """Return what all receipts come to, what that proves, and what it does not."""
    states = Counter(receipt.state for receipt in found)
    head = f"{states[OK]} of {len(found)} {'verifies' if len(found) == 1 else 'verify'}"
    flags = sum(receipt.flagged for receipt in found)
    rest = [f"{states[WRONG]} {'does' if states[WRONG] == 1 else 'do'} not"] if states[WRONG] else []
    rest += [f"{states[UNKNOWN]} cannot be verified here"] if states[UNKNOWN] else []
    rest += [f"{flags} {'is' if flags == 1 else 'are'} flagged"] if flags else []
    return f"{', '.join([head, *rest])}. {PROVED if not states[WRONG] else ''}".rstrip()
