"""The commands about what is here: `list`, `cite`, `doctor`, and `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands, refuse_void
from lnlbench.benchmark.cli.output import note, show, to_json
from lnlbench.benchmark.cli.parameters import HOW, WHAT, WHERE, Database, DataDir, Device, Json, Plugin, Uri

commands = Commands("Look around")


@commands.command("list")
def list_(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="methods, settings, suites, datasets or models")] = "methods",
    family: Annotated[
        str, typer.Option(help="Methods of one family alone, as in loss or selection.", rich_help_panel=WHAT)
    ] = "",
    plugin: Plugin = [],  # noqa: B006 -- typer copies it
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List methods, settings, suites, datasets or models."""
    from lnlbench.benchmark.cli import catalogue, display

    if what != "methods":
        refuse_void(context, ["plugin"], "here: files register methods, as in `lnlbench list methods`")
    if what != "datasets":
        refuse_void(context, ["data_dir"], "here: it has data sets, as in `lnlbench list datasets`")
    rows = catalogue.listing(what, data_dir, tuple(plugin), family)
    show(to_json(rows) if as_json else display.table(catalogue.shown(what, rows)))


@commands.command()
def cite(
    names: Annotated[list[str], typer.Argument(metavar="METHOD-OR-DATASET", help="As in gce 'dal + sam' mnist.")],
    plugin: Plugin = [],  # noqa: B006
) -> None:
    """Print the papers of methods and data sets as BibTeX, each once."""
    from lnlbench.benchmark.cli.cite import citations

    show(citations(names, tuple(plugin)))


@commands.command()
def doctor(
    as_json: Json = False, data_dir: DataDir = None, tracking_uri: Uri = None, database: Database = None
) -> None:
    """Check versions, device, data sets at hand and the store."""
    from lnlbench.benchmark.cli import catalogue, display

    rows = catalogue.diagnosis(data_dir, tracking_uri, database)
    show(to_json(rows) if as_json else display.table(rows))
    if any(row["state"] == "broken" for row in rows):
        raise typer.Exit(1)


@commands.command()
def bench(
    axis: Annotated[
        list[str],
        typer.Option(
            help="input, step, epoch, diagnostics, methods, stack, graph, dal, bound or recording; all.",
            rich_help_panel=WHAT,
        ),
    ] = [],  # noqa: B006
    kind: Annotated[
        list[str],
        typer.Option(help="mlp, cnn, cifar-cnn, resnet18 or resnet34; all.", rich_help_panel=WHAT),
    ] = [],  # noqa: B006
    device: Device = "auto",
    rounds: Annotated[int, typer.Option(help="Paired rounds.", min=1, max=1_000, rich_help_panel=HOW)] = 5,
    as_json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Write the rows as JSON to this file.",
            rich_help_panel=WHERE,
        ),
    ] = None,
) -> None:
    """Measure what the engine costs, side by side with a loop of stock parts, after an equality gate."""
    from lnlbench.benchmark.bench import paired, suite
    from lnlbench.leaderboard.results.files import write_all

    report = suite.bench(axis, kind, device=device, rounds=rounds, watch=lambda row: note(paired.line(row)))
    text = to_json(report)
    if out is not None:
        write_all(out.absolute().parent, {out.name: f"{text}\n"})
    show(text if as_json else paired.table(report))
