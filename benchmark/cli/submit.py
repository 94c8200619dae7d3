"""The commands for results that others add to and take: `submit` and `site`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands, refuse_void
from lnlbench.benchmark.cli.output import show
from lnlbench.benchmark.cli.parameters import (
    HOW,
    WHAT,
    Database,
    DataDir,
    FromFile,
    Methods,
    Plugin,
    SomeTargets,
    Uri,
)

commands = Commands("Exchange")
_CARD, _CHECK = "The card", "The check"


@commands.command()
def submit(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(parser=kinds.target_folder, help="Of a results repository.")],
    targets: SomeTargets = None,
    methods: Methods = "",
    author: Annotated[
        list[str],
        typer.Option(metavar="TEXT", parser=kinds.named, help="Who submits; again for others.", rich_help_panel=_CARD),
    ] = [],  # noqa: B006
    edition: Annotated[
        str, typer.Option(metavar="TEXT", parser=kinds.named, help="Version of the method.", rich_help_panel=_CARD)
    ] = "1",
    paper: Annotated[
        str, typer.Option(metavar="TEXT", parser=kinds.line, help="Its title.", rich_help_panel=_CARD)
    ] = "",
    url: Annotated[
        str, typer.Option(metavar="TEXT", parser=kinds.line, help="Of paper or project.", rich_help_panel=_CARD)
    ] = "",
    code: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            parser=kinds.line,
            help="Address of the code; a plug-in is copied by itself.",
            rich_help_panel=_CARD,
        ),
    ] = "",
    bibtex: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=kinds.source_file, help="A file with the entry to cite.", rich_help_panel=_CARD
        ),
    ] = None,
    init: Annotated[
        bool, typer.Option("--init", help="Write the template of a results repository.", rich_help_panel=HOW)
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check what was added, instead.", rich_help_panel=_CHECK)
    ] = False,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", parser=kinds.folder, help="The repository as it was before.", rich_help_panel=_CHECK
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option(help="New runs to make again, on the CPU.", min=0, max=10_000, rich_help_panel=_CHECK)
    ] = 1,
    choose: Annotated[
        int | None,
        typer.Option(
            min=0, max=2**32 - 1, help="Seed of their choice; by default nobody knows it.", rich_help_panel=_CHECK
        ),
    ] = None,
    comment: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Write findings and comparison as Markdown.",
            rich_help_panel=_CHECK,
        ),
    ] = None,
    record: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            parser=kinds.line,
            help="Write down who verified and reproduced what.",
            rich_help_panel=_CHECK,
        ),
    ] = "",
    source: FromFile = None,
    plugin: Plugin = [],  # noqa: B006
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Add verified results to a results repository with a card; or begin one, or check what was added to it."""
    card = ["author", "edition", "paper", "url", "code", "bibtex", "targets", "methods", "source"]
    if init and check:
        refuse_void(context, ["init"], "with --check")
    if not check:
        refuse_void(context, ["base", "sample", "choose", "comment", "record"], "without --check")
    if init or check:
        refuse_void(context, card, f"with --{'init' if init else 'check'}")
    from lnlbench.benchmark.cli import submissions

    if init:
        show(submissions.begin(folder))
    elif check:
        from lnlbench.benchmark.verification import repository

        found = repository.check(folder, base, data_dir, sample=sample, seed=choose)
        show(submissions.lines(found))
        submissions.report(found, comment, record)
        if not found.passed:
            raise typer.Exit(1)
    else:
        from lnlbench.benchmark.verification.submit import Claim
        from lnlbench.leaderboard.results import files
        from lnlbench.leaderboard.store.address import store_address

        entry = files.read(bibtex).decode() if bibtex is not None else ""
        claim = Claim(
            authors=tuple(author),
            date=date.today().isoformat(),
            version=edition,
            paper=paper,
            url=url,
            code=code,
            bibtex=entry.strip(),
        )
        address = store_address(tracking_uri, database)
        show(submissions.submitted(folder, targets or [], methods, claim, source, address, plugin, data_dir))


@commands.command()
def site(
    out: Annotated[Path, typer.Argument(parser=kinds.target_folder, help="The folder to write.")],
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=kinds.source,
            help="Files that `export` wrote, folders of submissions, and `shipped`, the default: what the package has.",
        ),
    ] = None,
    title: Annotated[
        str, typer.Option(metavar="TEXT", parser=kinds.line, help="Of the index.", rich_help_panel=WHAT)
    ] = "",
    freeze: Annotated[
        str,
        typer.Option(help="Freeze the boards under that name, beside the first folder.", rich_help_panel=WHAT),
    ] = "",
) -> None:
    """Write a static site: an index, boards, a page per row, CSV, JSON and Parquet, and frozen boards."""
    from lnlbench.benchmark.cli import site_of

    done = site_of.written(out, sources or [], title, freeze)
    show(done.words)
    if not done.same:
        raise typer.Exit(1)
