"""Import results from elsewhere: a whole file or folder is verified and brought into a store, or nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.benchmark.verification.findings import OK, WRONG
from lnlbench.benchmark.verification.receipts import Receipt, digest, verified_source
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import results_of
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.claims import new_owner
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._errors import MethodError
from lnlbench.methods._parse import parse, without_revision


class ExchangeError(ValueError):
    """Results that cannot be imported; one line that says what of it does not verify."""


@dataclass(frozen=True)
class Imported:
    """What became of a file: keys that were added, and keys that were there before."""

    added: tuple[str, ...]
    stored: tuple[str, ...]


def import_results(source: Path, data_dir: Path | None, plugins: Iterable[Path], address: StoreAddress) -> Imported:
    """Import a file or folder of results; nothing is stored unless every one verifies.

    What is stored already stays as it is. A claim on each key keeps sweeps on the same store from doubling it.

    Raises:
        ExchangeError: something does not verify, or cannot be verified here.
        StoreError: the file is damaged, or the store cannot be used; what is stored by then stays.
        MethodError: a plug-in cannot be loaded.
    """
    choose_methods(plugins=plugins)
    receipts = verified_source(source, data_dir)
    refuse(source, receipts)
    digests = {receipt.result.key: receipt.digest for receipt in receipts}
    held: Collection[str] = ()
    if address.exists:
        with StoreReader(address) as reader:
            held = reader.stored()
    if digests.keys() <= set(held):
        return Imported((), tuple(digests))
    added, stored = list[str](), list[str]()
    with Store(address) as store:
        owner = new_owner()
        for result in _again(source, digests):
            if result.key in held or not store.claim(result.key, owner):
                stored.append(result.key)
                continue
            with store.begin(_info(result, f"import of {source.name}"), owner) as recording:
                for epoch in range(result.trained):
                    recording.log({name: row[epoch] for name, row in result.curves.items()}, epoch)
                recording.finish(result)
            added.append(result.key)
        store.summarise(added)
    return Imported(tuple(added), tuple(stored))


def refuse(source: object, receipts: Iterable[Receipt]) -> None:
    """Refuse results of which anything does not verify.

    Args:
        source: what they are of, for the message: a file or a folder.
        receipts: of all of them.

    Raises:
        ExchangeError: naming the first such result, wrong ones before those that cannot be verified here.
    """
    receipts = list(receipts)
    bad = sorted((receipt for receipt in receipts if receipt.state != OK), key=lambda receipt: receipt.state != WRONG)
    if bad:
        first = next(finding for finding in bad[0].findings if finding.state == bad[0].state)
        raise ExchangeError(
            f"{source} is refused whole, {len(bad)} of {len(receipts)} results do not verify: "
            f"{bad[0].result.name}: {first.what}: {first.detail}"
        )


def _again(source: Path, digests: dict[str, str]) -> Iterator[Result]:
    """Read what was verified once more, hosts before their readings; refuse what is another file by now."""
    for readings in (False, True):
        for result in results_of(source):
            if (result.host is not None) == readings:
                if digests.get(result.key) != digest(result):
                    raise StoreError(f"{source} was changed while it was imported; what is stored by then was verified")
                yield result


def _info(result: Result, sweep: str) -> RunInfo:
    params: dict[str, Any] = dict(result.identity["setting"])
    try:
        method = parse(without_revision(marked(result.method)[0]), result.classes)
        params |= method.values
    except MethodError:  # verified before, so there is a method
        pass
    return RunInfo.of(result, sweep=sweep, params=params)
