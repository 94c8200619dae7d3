"""The commands that show what is stored: `leaderboard`, `show`, and `ui`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands, refuse_void, typed
from lnlbench.benchmark.cli.output import note, show
from lnlbench.benchmark.cli.parameters import (
    HOW,
    WHAT,
    WHERE,
    Database,
    FromFile,
    Json,
    Margin,
    Methods,
    Plugin,
    Rules,
    RunName,
    SomeTargets,
    Track,
    Uri,
)
from lnlbench.leaderboard.ranking.thresholds import MARGIN

commands = Commands("See")


@commands.command()
def leaderboard(
    context: typer.Context,
    targets: SomeTargets = None,
    methods: Methods = "",
    among: Annotated[
        str,
        typer.Option(
            help="Rank these methods alone, in the same form: ranks and tests are among them. --methods hides rows of "
            "a board of all.",
            rich_help_panel=WHAT,
        ),
    ] = "",
    rule: Rules = "noisy_val",
    track: Track = "",
    gap: Annotated[
        bool,
        typer.Option("--gap", help="Add the share of cross-entropy's memorisation gap closed.", rich_help_panel=WHAT),
    ] = False,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Add published means, compared where the protocol is the same.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    margin: Margin = MARGIN,
    complete: Annotated[
        bool, typer.Option("--complete", help="Count only settings that all methods have.", rich_help_panel=WHAT)
    ] = False,
    form: Annotated[
        str,
        typer.Option("--format", "-f", help="terminal, markdown, latex, csv or json.", rich_help_panel=HOW),
    ] = "terminal",
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Of csv: all pairs of methods instead of the rows.", rich_help_panel=HOW)
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="In the terminal, intervals of every setting too.", rich_help_panel=HOW)
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Write one page with everything, instead of a table.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Draw rows and intervals into a .pdf, .png or .svg, instead of a table.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    matrix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Draw who is above whom into a .pdf, .png or .svg, instead of a table.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    ui: Annotated[
        str,
        typer.Option(help="Address of MLflow's UI, for links from the page to its runs.", rich_help_panel=WHERE),
    ] = "",
    source: FromFile = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Rank what is stored: mean ± 95 % interval, the ranks that a method may have, and better or worse than ce."""
    from lnlbench.benchmark.cli import boards, rows
    from lnlbench.benchmark.cli.stored import stored
    from lnlbench.leaderboard.results.hosts import apart, said
    from lnlbench.leaderboard.store.address import store_address

    table, drawn = ["form", "gap", "published", "pairs", "wide"], figure is not None or matrix is not None
    if html is None:
        refuse_void(context, ["ui"], "without --html: links are for the page")
    if drawn:
        refuse_void(context, table, "with --figure and --matrix, which draw")
    elif html is not None:
        choices = [*table, "methods", "margin", "complete"]
        refuse_void(context, choices, "with --html: the page has everything, and filters of its own")
    elif form != "terminal":
        refuse_void(context, ["wide"], f"with --format {form}")
    if source is not None and not ui:
        refuse_void(context, ["tracking_uri", "database"], "with --from, which reads a file")
    rules = boards.board_rules(rule, form, gap=gap, published=published, pairs=pairs)
    asked = ", ".join(filter(None, [among, methods]))
    held = stored(targets or [], source or store_address(tracking_uri, database), track, note, asked)
    view = boards.View(
        rules=rules,
        form=form,
        methods=methods,
        gap=gap,
        published=published,
        pairs=pairs,
        wide=wide,
        margin=margin,
        complete=complete,
        targets=targets or [],
        standings=held.standings or None,
        typed=typed(context, but=["targets", "track", "rule"]),
    )
    results = rows.among(held.results, among, methods) if among else held.results
    if among:
        counts = [len({result.label for result in every}) for every in (results, held.results)]
        note(f"ranked are {counts[0]} of {counts[1]} methods, among themselves")
    if alone := said(apart(results)[1]):
        note(alone)
    if html is not None:
        show(boards.page(html, results, rules[0], ui, lambda: store_address(tracking_uri, database), view.standings))
    for path, kind in ((figure, "ranked"), (matrix, "matrix")):
        if path is not None:
            show(boards.figure(path, results, view, kind))
    if html is None and not drawn:
        show(boards.leaderboard(results, view))


@commands.command("show")
def show_(
    context: typer.Context,
    run: RunName,
    suspects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=kinds.target_file,
            help="Write the training samples that it thinks are mislabelled, as CSV.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    as_json: Json = False,
    source: FromFile = None,
    plugin: Plugin = [],  # noqa: B006 -- typer copies it
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Show one run: curves, scores under each rule, diagnostics, cost, and what made it."""
    from lnlbench.benchmark.cli import run_view
    from lnlbench.benchmark.cli.one_run import one_run
    from lnlbench.benchmark.sweep.plugins import name_of_run
    from lnlbench.leaderboard.results.files import write_all
    from lnlbench.leaderboard.store.address import store_address

    if suspects is not None:
        refuse_void(context, ["as_json"], "with --suspects, which writes a table")
        refuse_void(context, ["source"], "with --suspects: samples are kept in the store alone")
    if source is not None:
        refuse_void(context, ["tracking_uri", "database"], "with --from, which reads a file")
    name, own = name_of_run(run, plugin)
    address = store_address(tracking_uri, database)
    run_id, result, hosts = one_run(name, own, source, address)
    if suspects is not None:
        content = run_view.suspects_of(address, run_id)
        write_all(suspects.absolute().parent, {suspects.name: content})
        show(f"{content.count(chr(10)) - 1} of {result.identity['split']['train']} samples, in {suspects}")
        return
    show(run_view.as_json(run_id, result, hosts) if as_json else run_view.shown(run_id, result, hosts, own.values()))


@commands.command()
def ui(
    setting: Annotated[str, typer.Argument(help="The setting or data set to open on; by default the first.")] = "",
    port: Annotated[
        int, typer.Option(help="Of MLflow; the board has the next one.", min=1, max=65_535, rich_help_panel=HOW)
    ] = 5000,
    browser: Annotated[
        bool, typer.Option(help="Open a browser, where there is a display.", rich_help_panel=HOW)
    ] = True,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Open the MLflow UI on the store's saved views, on this machine only, until Ctrl-C."""
    from lnlbench.benchmark.cli import board_and_mlflow
    from lnlbench.leaderboard.store.address import store_address

    board_and_mlflow.served(setting, store_address(tracking_uri, database), port, browser, show)
