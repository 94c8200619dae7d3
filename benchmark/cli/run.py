"""The commands that train: `run`, and `compare`, which runs what a comparison lacks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.benchmark.cli.commands import UNTIL_DECIDED, Commands, refuse_void
from lnlbench.benchmark.cli.output import note, quiet, show, to_json
from lnlbench.benchmark.cli.parameters import (
    HOW,
    WHAT,
    Changes,
    Database,
    DataDir,
    Device,
    DryRun,
    Epochs,
    Execution,
    Jobs,
    Json,
    Margin,
    Method,
    Methods,
    Plugin,
    Precision,
    Replicates,
    Rule,
    Targets,
    Told,
    Uri,
)
from lnlbench.leaderboard.ranking.thresholds import MARGIN

if TYPE_CHECKING:
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.scheduler import Report

commands = Commands("Train")


@commands.command("run")
@commands.command("sweep", hidden=True)
def run(
    context: typer.Context,
    targets: Targets,
    methods: Methods = "",
    replicates: Replicates = "",
    epochs: Epochs = None,
    model: Annotated[
        str | None, typer.Option(help="Another network: one of ours or any timm name.", rich_help_panel=WHAT)
    ] = None,
    told: Told = "estimated",
    changes: Changes = [],  # noqa: B006 -- typer copies it
    plugin: Plugin = [],  # noqa: B006
    device: Device = "auto",
    precision: Precision = "auto",
    execution: Execution = "auto",
    checkpoint_every: Annotated[
        int, typer.Option(help="Keep unfinished runs every so many epochs.", min=0, max=10_000, rich_help_panel=HOW)
    ] = 0,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Make stored runs again whose record is missing or not whole.", rich_help_panel=HOW
        ),
    ] = False,
    save_model: Annotated[
        bool, typer.Option("--save-model", help="Keep the weights of every run.", rich_help_panel=HOW)
    ] = False,
    keep_samples: Annotated[
        bool,
        typer.Option("--keep-samples", help="Keep loss and prediction of every training sample.", rich_help_panel=HOW),
    ] = False,
    diagnostics: Annotated[
        str,
        typer.Option(
            help="basic, or full: gradients of correct and wrong labels, tangent kernel, stable ranks.",
            rich_help_panel=HOW,
        ),
    ] = "basic",
    jobs: Jobs = 0,
    executor: Annotated[
        str,
        typer.Option(help="local: processes on this machine; ray: tasks of a cluster.", rich_help_panel=HOW),
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster, as in auto; else that of $RAY_ADDRESS, else a private one.", rich_help_panel=HOW
        ),
    ] = None,
    gpus: Annotated[
        float, typer.Option(help="GPUs of each run on Ray, as in 0.25.", min=0, max=1_000, rich_help_panel=HOW)
    ] = 0.0,
    until_decided: Annotated[
        float | None,
        typer.Option(
            metavar="[POINTS]",
            help="Then more replicates of the methods that could still be best and are not practically equal, within "
            f"so many points (by default {UNTIL_DECIDED}).",
            min=0,
            max=100,
            rich_help_panel=HOW,
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="Of --until-decided: runs or time, as in 60, 30min or 2h.", rich_help_panel=HOW)
    ] = "",
    dry_run: DryRun = False,
    silent: Annotated[
        bool, typer.Option("--quiet", help="No board of what was run at the end.", rich_help_panel=HOW)
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Run methods on settings and store every run; what is stored is not run again."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.cli import until_decided as until
    from lnlbench.benchmark.cli.overrides import overrides
    from lnlbench.benchmark.cli.progress import followed
    from lnlbench.benchmark.sweep.forecast import forecast, in_the_package
    from lnlbench.benchmark.sweep.grid import grid
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.benchmark.sweep.scheduler import check_executor
    from lnlbench.benchmark.sweep.until_decided import parse_budget
    from lnlbench.leaderboard.results.rules import PRIMARY
    from lnlbench.leaderboard.store.address import store_address

    if until_decided is None:
        refuse_void(context, ["budget"], "without --until-decided")
    limit = parse_budget(budget)
    if as_json or dry_run:
        refuse_void(context, ["silent"], "with --json and --dry-run, which show no board")
    check_executor(executor)
    if executor != "ray":
        refuse_void(context, ["ray_address", "gpus"], "without --executor ray")
    changed = overrides(changes, epochs=epochs, model=model)
    chosen = choose_methods(methods, plugin)
    options = Options(
        store=store_address(tracking_uri, database),
        device=device,
        jobs=jobs,
        guarded=True,
        data_dir=data_dir,
        plugins=chosen.plugins,
        execution=execution,
        checkpoint_every=checkpoint_every,
        executor=executor,
        ray_address=ray_address or os.environ.get("RAY_ADDRESS"),
        gpus=gpus,
        repair=repair,
        save_model=save_model,
        keep_samples=keep_samples,
        diagnostics=diagnostics,
    )

    def plan(methods: str, replicates: str) -> list[Run]:
        return grid(targets, methods, replicates, changed, options, told, precision)

    def sweep(runs: Sequence[Run]) -> Report:
        return followed(runs, options, quiet(as_json))

    runs = plan(chosen.text, replicates)
    if until_decided is not None:
        until.check(runs)
    if advice := in_the_package(runs, options):
        note(advice)
    if dry_run:
        rows = forecast(runs, options)
        show(to_json(rows) if as_json else display.planned(rows))
        return
    if until_decided is None:
        report, decision = sweep(runs), None
    else:
        decision = until.decide(runs, plan, sweep, options, rule=PRIMARY, margin=until_decided, budget=limit, say=note)
        runs, report = list(decision.runs), decision.report
    if as_json:
        show(to_json(display.report(report, runs) | ({"decision": until.as_json(decision)} if decision else {})))
    else:
        show(display.summary(report, runs, decision.why if decision else ""))
        if not silent and (results := until.stored(runs, options)):
            show(display.ended(results, PRIMARY))
    if report.failed:
        raise typer.Exit(1)


@commands.command()
def compare(
    method: Method,
    against: Annotated[
        str, typer.Option("--against", "-a", help="Baselines, as in gce,dal.", rich_help_panel=WHAT)
    ] = "ce,gce",
    suite: Annotated[list[str], typer.Option("--suite", help="Each suite or setting.", rich_help_panel=WHAT)] = [  # noqa: B006
        "mnist-mlp-core"
    ],
    replicates: Replicates = "",
    rule: Rule = "noisy_val",
    told: Told = "estimated",
    margin: Margin = MARGIN,
    epochs: Epochs = None,
    changes: Changes = [],  # noqa: B006
    plugin: Plugin = [],  # noqa: B006
    device: Device = "auto",
    precision: Precision = "auto",
    jobs: Jobs = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Compare a method with baselines: only what is neither stored nor shipped is run."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.cli.overrides import overrides
    from lnlbench.benchmark.cli.progress import followed
    from lnlbench.benchmark.sweep.comparison import compare as compared
    from lnlbench.benchmark.sweep.comparison_plan import planned
    from lnlbench.benchmark.sweep.forecast import forecast
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.leaderboard.store.address import store_address

    address = store_address(tracking_uri, database)
    options = Options(store=address, device=device, jobs=jobs, guarded=True, data_dir=data_dir, plugins=tuple(plugin))
    changed = overrides(changes, epochs=epochs)
    if dry_run:
        found = planned(method, against, suite, replicates, changed, options, precision, told, rule)
        for line in (*found.warnings, found.baselines):
            note(line)
        rows = forecast(found.missing, found.options)
        show(to_json(rows) if as_json else display.planned(rows))
        return

    def sweep(runs: Sequence[Run], how: Options) -> Report:
        return followed(runs, how, quiet(as_json))

    verdicts = compared(
        method, against, suite, replicates, changed, options, sweep, rule, precision, told, margin, say=note
    )
    show(to_json([verdict.json() for verdict in verdicts]) if as_json else display.compared(verdicts))
