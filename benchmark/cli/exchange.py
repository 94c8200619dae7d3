"""The commands that carry results between stores and check them: `export`, `import`, `verify` and `reproduce`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands, refuse_void
from lnlbench.benchmark.cli.output import note, show, to_json
from lnlbench.benchmark.cli.parameters import (
    HOW,
    WHAT,
    Database,
    DataDir,
    Device,
    FromFile,
    Json,
    Methods,
    Plugin,
    RunName,
    SomeTargets,
    Track,
    Uri,
)

if TYPE_CHECKING:
    from lnlbench.benchmark.verification.findings import Finding
    from lnlbench.leaderboard.results.result import Result

commands = Commands("Exchange")


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(parser=kinds.target_file, help="As in results.jsonl.xz; it is replaced.")],
    targets: SomeTargets = None,
    methods: Methods = "",
    track: Track = "",
    predictions: Annotated[
        bool, typer.Option(help="Keep the test predictions, most of the size.", rich_help_panel=WHAT)
    ] = True,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Write stored results to one compressed file, which `leaderboard --from` and `import` read.

    Readings are written with the runs that they were read off.
    """
    from lnlbench.benchmark.cli.stored import each
    from lnlbench.leaderboard.ranking.labels import earlier_versions
    from lnlbench.leaderboard.results.archive import write
    from lnlbench.leaderboard.store.address import store_address

    address = store_address(tracking_uri, database)
    own: list[Result] = []
    results = _noting(each(targets or [], address, predictions=predictions, methods=methods, track=track), own)
    new = not file.absolute().parent.exists()
    written = write(file, results, predictions=predictions)
    where = f"{file.absolute()}, whose folder is new" if new else file
    show(f"{written.results} results, {written.size / 2**20:.2f} MB, in {where}")
    if earlier := earlier_versions(own):
        show(f"Among them, and left out by boards: {'; '.join(earlier)}.")


def _noting(results: Iterable[Result], own: list[Result]) -> Iterator[Result]:
    """Yield results, and note those of methods of the user's own, without predictions."""
    from lnlbench.leaderboard.results.versions import version_of

    for result in results:
        if version_of(result):
            own.append(replace(result, predictions=""))
        yield result


@commands.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE-OR-FOLDER",
            parser=kinds.source,
            help="A file that `export` wrote, a folder of submissions, or `shipped`, what the package has.",
        ),
    ],
    plugin: Plugin = [],  # noqa: B006 -- typer copies it
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Bring results from elsewhere into the store: all of them, once every one verifies, or nothing."""
    from lnlbench.benchmark.verification.import_results import import_results
    from lnlbench.leaderboard.store.address import store_address

    imported = import_results(source, data_dir, plugin, store_address(tracking_uri, database))
    show(f"{len(imported.added)} results added, {len(imported.stored)} were stored before.")


@commands.command()
def verify(
    context: typer.Context,
    what: Annotated[
        list[str], typer.Argument(metavar="RUN-OR-FILE", help="A run as for `show`, a file, a folder, or `shipped`.")
    ],
    rerun: Annotated[
        int,
        typer.Option(
            metavar="[N]",
            help="Make so many of them again, 1 without a number.",
            min=0,
            max=10_000,
            rich_help_panel=HOW,
        ),
    ] = 0,
    choose: Annotated[int, typer.Option(help="Seed of their choice.", min=0, max=2**32 - 1, rich_help_panel=HOW)] = 0,
    plugin: Plugin = [],  # noqa: B006
    as_json: Json = False,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Recompute scores, hashes and keys of a stored run or an exported file; exit code 1 if something is wrong."""
    from lnlbench.benchmark.verification import receipts
    from lnlbench.benchmark.verification.findings import WRONG
    from lnlbench.leaderboard.store.address import store_address

    if not rerun:
        refuse_void(context, ["choose"], "without --rerun")
    address = store_address(tracking_uri, database)
    found = receipts.receipts(what, data_dir, plugin, address)
    made: list[tuple[str, Finding]] = []
    if rerun:
        from lnlbench.benchmark.verification import rerun as again

        keys = again.chosen(found, rerun, choose)
        made = again.rerun(again.records(what, plugin, address), keys, data_dir, note)
    rows = [{"run": name, "what": one.what, "state": one.state, "detail": one.detail} for name, one in made]
    report = {"findings": receipts.rows(found), "rerun": rows, "summary": receipts.sentence(found)}
    lines = [f"{row['state']:8} {row['what']}: {row['detail']} ({row['run']})" for row in rows]
    show(to_json(report) if as_json else "\n".join([*lines, receipts.lines(found)]))
    if files := receipts.unnamed(what, found, plugin):
        note(f"the folder holds files of methods, which run only where they are named: {' '.join(files)}")
    if WRONG in [receipt.state for receipt in found] + [one.state for _, one in made]:
        raise typer.Exit(1)


@commands.command()
def reproduce(
    run: RunName,
    source: FromFile = None,
    plugin: Plugin = [],  # noqa: B006
    device: Device = "auto",
    as_json: Json = False,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Make a run again beside the store: identical, within the band, or not (exit code 1)."""
    from lnlbench.benchmark.cli import again
    from lnlbench.benchmark.cli.one_run import one_run
    from lnlbench.benchmark.sweep.plugins import name_of_run
    from lnlbench.leaderboard.store.address import store_address

    name, own = name_of_run(run, plugin)
    _, result, _ = one_run(name, own, source, store_address(tracking_uri, database))
    if not as_json:
        show(again.before(result, own.values()))
    from lnlbench.benchmark.verification.likeness import DIFFERS
    from lnlbench.benchmark.verification.reproduce import reproduce

    found = reproduce(result, device, data_dir)
    show(to_json(again.as_json(found, own.values())) if as_json else again.after(found))
    if found.outcome == DIFFERS:
        raise typer.Exit(1)
