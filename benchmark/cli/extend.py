"""The commands for a method of one's own: `new-method` and `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands
from lnlbench.benchmark.cli.output import quiet, show, to_json
from lnlbench.benchmark.cli.parameters import WHERE, Json, Method, Plugin

commands = Commands("Extend")


@commands.command("new-method")
def new_method_(
    name: Annotated[str, typer.Argument(help="As in my_loss.")],
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", parser=kinds.folder, help="Where to write it.", rich_help_panel=WHERE)
    ] = Path(),
) -> None:
    """Write a commented file to begin a method with; never over another."""
    from lnlbench.benchmark.cli.new_method import new_method

    path = new_method(name, folder)
    show(f"{path}: change its loss, then `lnlbench check {path}`.")


@commands.command()
def check(method: Method, plugin: Plugin = [], as_json: Json = False) -> None:  # noqa: B006 -- typer copies it
    """Run the conformance checks on a method, in about a minute; exit code 1 where one finds a fault."""
    from lnlbench.benchmark.cli import display

    reports = display.checked(method, plugin, quiet(as_json))
    show(to_json([report.json() for report in reports]) if as_json else display.verdicts(reports))
    if any(report.faults for report in reports):
        raise typer.Exit(1)
