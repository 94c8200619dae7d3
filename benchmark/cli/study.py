"""The commands of `lnlbench study`: list, run, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands
from lnlbench.benchmark.cli.output import note, show, to_json
from lnlbench.benchmark.cli.parameters import WHAT, WHERE, Database, DataDir, Device, Json, Uri

commands = Commands("The theory", no_args_is_help=True, help="The theory of label noise, as experiments with criteria.")
Docs = Annotated[
    Path,
    typer.Option(
        "--docs",
        metavar="FOLDER",
        parser=kinds.target_folder,
        help="The folder of the page.",
        rich_help_panel=WHERE,
    ),
]


@commands.command("list")
def list_(docs: Docs = Path("docs"), as_json: Json = False) -> None:
    """List the studies, and what their last runs beside the page say."""
    from lnlbench.benchmark.cli import catalogue, display

    rows = catalogue.studies(docs)
    show(to_json(rows) if as_json else display.table(rows))


@commands.command("run")
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="STUDY")] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="All of them but those that lack data or this length.", rich_help_panel=WHAT),
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="In seconds: the length where none is named.", rich_help_panel=WHAT)
    ] = False,
    laptop: Annotated[
        bool,
        typer.Option("--laptop", help="Less of what wants a GPU, in under an hour of a CPU.", rich_help_panel=WHAT),
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="As in the paper.", rich_help_panel=WHAT)] = False,
    changes: Annotated[
        list[str],
        typer.Option("--set", help="A field of the configuration, as in seeds=1; each once.", rich_help_panel=WHAT),
    ] = [],  # noqa: B006 -- typer copies it
    device: Device = "auto",
    as_json: Json = False,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Run studies and store them; exit code 1 if a criterion fails."""
    from lnlbench.benchmark.cli import display, study_runs
    from lnlbench.benchmark.cli.overrides import overrides
    from lnlbench.benchmark.engine.device import check_device
    from lnlbench.benchmark.studies.base import Context
    from lnlbench.leaderboard.store.address import store_address

    check_device(device)
    context = Context(data_dir=data_dir, device=device, store=store_address(tracking_uri, database))
    length = study_runs.length_of(fast=fast, laptop=laptop, full=full)
    outcomes, left_out = study_runs.run(names or [], every, length, context, note, overrides(changes))
    rows = study_runs.rows(outcomes, left_out)
    show(to_json(rows) if as_json else display.table(rows))
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


@commands.command("report")
def report(docs: Docs = Path("docs"), tracking_uri: Uri = None, database: Database = None) -> None:
    """Write the page of all studies, with figures, from the store and from what lies beside the page."""
    from lnlbench.benchmark.cli import study_runs
    from lnlbench.leaderboard.store.address import store_address

    show(f"written: {study_runs.report(docs, store_address(tracking_uri, database))}")
