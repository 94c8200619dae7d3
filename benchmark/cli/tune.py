"""The command `tune`: every method on the same budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.commands import Commands, refuse_void
from lnlbench.benchmark.cli.output import note, show, to_json
from lnlbench.benchmark.cli.parameters import (
    HOW,
    WHAT,
    WHERE,
    Changes,
    Compare,
    Confirm,
    Database,
    DataDir,
    Device,
    DryRun,
    Epochs,
    Execution,
    Jobs,
    Json,
    Methods,
    Objective,
    Plugin,
    Precision,
    Replicates,
    Splits,
    Targets,
    Trials,
    Uri,
)
from lnlbench.benchmark.tuning.budget import CONFIRM, OBJECTIVES, Budget

commands = Commands("Train")


@commands.command()
def tune(
    context: typer.Context,
    targets: Targets,
    methods: Methods = "",
    replicates: Replicates = "0-4",
    epochs: Epochs = None,
    changes: Changes = [],  # noqa: B006 -- typer copies it
    plugin: Plugin = [],  # noqa: B006
    trials: Annotated[
        int, typer.Option(help="Of every method, 1 to 10,000.", min=1, max=10_000, rich_help_panel=HOW)
    ] = 20,
    sampler: Annotated[str, typer.Option(help="gp, tpe or random.", rich_help_panel=HOW)] = "gp",
    seed: Annotated[
        int,
        typer.Option(help="Of the sampler, the same for every method.", min=0, max=2**32 - 1, rich_help_panel=HOW),
    ] = 0,
    batch: Annotated[
        int,
        typer.Option(help="Trials asked for at once after the first ten.", min=1, max=1_000, rich_help_panel=HOW),
    ] = 2,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Give up hopeless trials, not before 30 % of them.", rich_help_panel=HOW),
    ] = False,
    confirm: Confirm = CONFIRM,
    splits: Splits = 0,
    objective: Objective = OBJECTIVES[0],
    cost: Annotated[
        bool,
        typer.Option(
            "--cost",
            help="Tell the sampler the passes of a configuration too, and report the front of accuracy and cost.",
            rich_help_panel=HOW,
        ),
    ] = False,
    per_setting: Annotated[
        bool,
        typer.Option(
            "--per-setting",
            help="Search at every rate, not only at the reference of its family.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    study: Annotated[
        str,
        typer.Option(
            parser=kinds.named,
            metavar="NAME",
            help="Begins the names of the searches; another name, another search.",
            rich_help_panel=WHAT,
        ),
    ] = "tune",
    compare: Compare = False,
    device: Device = "auto",
    precision: Precision = "auto",
    execution: Execution = "auto",
    jobs: Jobs = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
    study_storage: Annotated[
        str | None,
        typer.Option(
            envvar="LNLBENCH_STUDIES", help="Database of the searches; beside the store.", rich_help_panel=WHERE
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            parser=kinds.target_file,
            help="Write a section of this Markdown page.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    curves: Trials = None,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Search every method on the same budget, and retrain the winners into the `tuned` track."""
    from lnlbench.benchmark.cli import display, tune_display
    from lnlbench.benchmark.cli.overrides import overrides
    from lnlbench.benchmark.engine.device import default_jobs
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.tuning import pipeline
    from lnlbench.benchmark.tuning.command import command
    from lnlbench.leaderboard.store.address import store_address, usable_database

    if dry_run:
        refuse_void(context, ["page", "study_storage", "compare", "curves"], "with --dry-run, which searches nothing")
    changed = overrides(changes, epochs=epochs)
    budget = Budget(
        trials=trials,
        sampler=sampler,
        seed=seed,
        batch=batch,
        prune=prune,
        confirm=confirm,
        splits=splits,
        objective=objective,
        cost=cost,
    )
    chosen = pipeline.choose(methods, plugin)
    options = Options(
        store=store_address(tracking_uri, database),
        device=device,
        jobs=jobs or default_jobs(device),
        guarded=True,
        data_dir=data_dir,
        plugins=chosen.plugins,
        execution=execution,
    )
    searches = usable_database(study_storage) if study_storage is not None else None
    plan = pipeline.plan(targets, chosen.text, replicates, changed, options, study, per_setting, precision)
    if dry_run:
        rows = pipeline.forecast(plan, budget, options)
        show(to_json(rows) if as_json else display.table(rows))
        return
    made_by = command(
        targets,
        methods,
        replicates,
        budget,
        epochs=epochs,
        changes=changes,
        plugins=plugin,
        precision=precision,
        per_setting=per_setting,
        study=study,
        compare=compare,
    )
    done = pipeline.tune(plan, budget, options, searches, page, made_by, note, compare, curves)
    show(to_json(done.rows) if as_json else tune_display.ended(done))
    for reason in done.failed:
        note(f"failed: {reason}")
    if done.failed:
        raise typer.Exit(1)
