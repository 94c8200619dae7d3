"""Results from elsewhere: files and stored runs are verified, and a whole file is brought into a store, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.sweep.plugins import choose_methods, name_of_run
from lnlbench.benchmark.verification.recompute import OK, UNKNOWN, WRONG, Data, Finding
from lnlbench.benchmark.verification.verify import verify, worst
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import locate
from lnlbench.leaderboard.results.archive import read
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import scores_of
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.claims import new_owner
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store, existing
from lnlbench.methods._parse import parse, without_revision
from lnlbench.methods.base import MethodError

ROUNDED = 5e-5  # scores in MLflow have four decimals


class ExchangeError(ValueError):
    """A file that cannot be brought in; one line that says what of it does not verify."""


@dataclass(frozen=True)
class Receipt:
    """A result and what was found of it."""

    result: Result
    findings: tuple[Finding, ...]

    @property
    def state(self) -> str:
        """`ok`, `wrong` or `unknown`: the worst of its findings."""
        return worst(list(self.findings))

    @property
    def name(self) -> str:
        """What the run is called."""
        return f"{self.result.label} {self.result.setting} s{self.result.replicate}"


def receipts(
    what: Sequence[str], data_dir: Path | None, plugins: Iterable[Path], address: StoreAddress
) -> list[Receipt]:
    """Verify a file of results, or one stored run.

    Args:
        what: the path of a file that `export` wrote; or a run, as `Store.find` takes it.
        data_dir: where data sets are.
        plugins: files of methods.
        address: of the store.

    Raises:
        StoreError: there is no such file or run, or it is damaged.
        MethodError: a plug-in cannot be loaded.
    """
    choose_methods(plugins=plugins)
    if len(what) == 1 and (Path(what[0]).is_file() or Path(what[0]).suffix in (".xz", ".jsonl")):
        return verified(read(Path(what[0])), data_dir)
    with existing(address) as store:
        run_id, result = store.find(name_of_run(what, plugins))
        hosts = [] if result.host is None else [store.result(result.host)]
        shown, scores = store.numbers(run_id), scores_of(result)
    (receipt,) = verified([result], data_dir, hosts)
    off = [name for name, score in scores.items() if not abs(shown.get(f"score/{name}", -1) - score) <= ROUNDED]
    detail = f"what MLflow shows as {', '.join(off)} is not what the record gives" if off else "as the record gives"
    return [Receipt(result, (*receipt.findings, Finding("MLflow's scores", WRONG if off else OK, detail)))]


def verified(results: Sequence[Result], data_dir: Path | None, hosts: Iterable[Result] = ()) -> list[Receipt]:
    """Verify results; data sets that are not at hand are not downloaded for it.

    Args:
        results: of which none may be there twice.
        data_dir: where data sets are.
        hosts: other results that readings may be of.
    """
    at_hand = cache(lambda dataset: data_of(dataset, data_dir))
    known = {result.key: result for result in (*hosts, *results)}
    times = Counter(result.key for result in results)
    found = []
    for result in results:
        findings = verify(result, at_hand(result.dataset), known)
        if times[result.key] > 1:
            findings.append(Finding("key", WRONG, f"there are {times[result.key]} results of one key in the file"))
        found.append(Receipt(result, tuple(findings)))
    return found


def data_of(dataset: str, data_dir: Path | None) -> Data:
    """A data set, if it can be had without the network; else why not."""
    try:
        if locate(dataset, data_dir) is not None:
            return Data(images_of(dataset, data_dir))
    except DataError as error:
        return Data(None, str(error))
    return Data(None, f"the data set {dataset} is not at hand; --data-dir names the folder that it is in")


@dataclass(frozen=True)
class Brought:
    """What became of a file: keys that were added, and keys that were there before."""

    added: tuple[str, ...]
    stored: tuple[str, ...]


def bring(file: Path, data_dir: Path | None, plugins: Iterable[Path], address: StoreAddress) -> Brought:
    """Bring a file that `export` wrote into a store: all of it verifies, or nothing is stored.

    What is stored already stays as it is. A claim on each key keeps sweeps on the same store from doubling it.

    Raises:
        ExchangeError: something does not verify, or cannot be verified here.
        StoreError: the file is damaged, or the store cannot be used; what is stored by then stays.
        MethodError: a plug-in cannot be loaded.
    """
    choose_methods(plugins=plugins)
    found = verified(read(file), data_dir)
    bad = sorted((one for one in found if one.state != OK), key=lambda one: one.state != WRONG)
    if bad:
        first = next(f for f in bad[0].findings if f.state == bad[0].state)
        raise ExchangeError(
            f"{file} is refused whole, {len(bad)} of {len(found)} results do not verify: "
            f"{bad[0].name}: {first.what}: {first.detail}"
        )
    with Store(address) as store:
        held, owner = store.stored(), new_owner()
        added, stored = [], []
        for receipt in sorted(found, key=lambda one: one.result.host is not None):  # hosts before their readings
            result = receipt.result
            if result.key in held or not store.claim(result.key, owner):
                stored.append(result.key)
                continue
            with store.begin(_info(result, f"import of {file.name}"), owner) as recording:
                for epoch in range(result.trained):
                    recording.log({name: row[epoch] for name, row in result.curves.items()}, epoch)
                recording.finish(result)
            added.append(result.key)
    return Brought(tuple(added), tuple(stored))


def rows(found: Sequence[Receipt]) -> list[dict[str, Any]]:
    """What to show: all findings of one result, or of many those that are not `ok`, equal ones once."""
    if len(found) == 1:
        return [{"what": f.what, "state": f.state, "detail": f.detail} for f in found[0].findings]
    first: dict[tuple[str, str, str], str] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    for receipt in found:
        for finding in receipt.findings:
            name = (finding.what, finding.state, finding.detail)
            if finding.state != OK:
                first.setdefault(name, receipt.name)
                times[name] += 1
    shown = []
    for (what, state, detail), n in times.items():
        others = f" and {n - 1} more" if n > 1 else ""
        shown.append({"run": first[what, state, detail] + others, "what": what, "state": state, "detail": detail})
    return shown


def lines(found: Sequence[Receipt]) -> str:
    """The rows as text, a line each, and what they come to."""
    shown = [
        f"{row['state']:8} {row['what']}: {row['detail']}" + (f" ({row['run']})" if "run" in row else "")
        for row in rows(found)
    ]
    return "\n".join([*shown, sentence(found)])


def sentence(found: Sequence[Receipt]) -> str:
    """What all receipts come to."""
    states = Counter(receipt.state for receipt in found)
    head = f"{states[OK]} of {len(found)} {'verifies' if len(found) == 1 else 'verify'}"
    rest = [f"{states[WRONG]} {'does' if states[WRONG] == 1 else 'do'} not"] if states[WRONG] else []
    rest += [f"{states[UNKNOWN]} cannot be verified here"] if states[UNKNOWN] else []
    if rest:
        return f"{', '.join([head, *rest])}."
    return f"{head}. The validation curve and the times are as they were recorded: no record proves those."


def _info(result: Result, sweep: str) -> RunInfo:
    shared = {f.name for f in fields(RunInfo)} & {f.name for f in fields(Result)}
    params: dict[str, Any] = dict(result.identity["setting"])
    try:
        method = parse(without_revision(result.method).partition(" [")[0], result.classes)
        params |= {f"{part.name}.{f.name}": getattr(part, f.name) for part in method.parts for f in fields(part)}
    except MethodError:  # verified before, so there is a method
        pass
    values = {name: getattr(result, name) for name in shared}
    return RunInfo(**values, sweep=sweep, params=params, manifest=result.identity["noise"])
