"""The command `lnlbench`: every command is one call into the package; heavy imports wait until they are needed."""

from __future__ import annotations

import json
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A benchmark suite for learning with noisy labels.",
)

USAGE: Any = typer.BadParameter.__base__  # of all typing errors; typer moved it between its versions
INTERRUPTED = 130
_show_warning = warnings.showwarning

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="SUITE-OR-SETTING...",
        help="Suites, settings such as mnist/symmetric-0.4, patterns, folders of your own data.",
    ),
]
Methods = Annotated[
    str, typer.Option("--methods", "-m", help='As in "ce, gce(q=0.5), dal + sam"; a suite has its own.')
]
Seeds = Annotated[str, typer.Option("--seeds", "-s", help='Replicates, as in "0,1,2" or "0-4".')]
Uri = Annotated[
    str | None,
    typer.Option(
        help="MLflow store; else that of $MLFLOW_TRACKING_URI, else mlflow.db in $LNLBENCH_HOME or ~/.lnlbench."
    ),
]
Database = Annotated[
    str | None,
    typer.Option(help="Database of the claims, where the store is a server; else that of $LNLBENCH_DATABASE."),
]
DataDir = Annotated[
    Path | None, typer.Option(envvar="LNLBENCH_DATA", help="Data sets in the layout of the Hugging Face Hub.")
]
Precision = Annotated[
    str,
    typer.Option(
        help="fp32, bf16, fp64, or auto: what the setting says, else bf16 on a GPU and fp32 on a CPU. Part of the key."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Plugin = Annotated[list[Path], typer.Option("--plugin", help="A Python file that registers methods.")]


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="methods, settings, suites, datasets or models")] = "methods",
    family: Annotated[str, typer.Option(help="Methods of one family alone, as in loss or selection.")] = "",
    data_dir: DataDir = None,
    plugin: Plugin = [],  # noqa: B006 -- typer copies it
    as_json: Json = False,
) -> None:
    """List what there is: methods, settings, suites, datasets or models."""
    from lnlbench.benchmark.cli import catalogue, display

    rows = catalogue.listing(what, data_dir, tuple(plugin), family)
    _print(json.dumps(rows, indent=1) if as_json else display.table(catalogue.shown(what, rows)))


@app.command()
def cite(
    names: Annotated[list[str], typer.Argument(metavar="METHOD-OR-DATASET...", help="As in gce 'dal + sam' mnist.")],
    plugin: Plugin = [],  # noqa: B006
) -> None:
    """Print the papers of methods and data sets as BibTeX, each once."""
    from lnlbench.benchmark.cli.cite import citations

    _print(citations(names, tuple(plugin)))


@app.command("run")
@app.command("sweep")
def run(
    targets: Targets,
    methods: Methods = "",
    seeds: Seeds = "",
    epochs: Annotated[
        str | None, typer.Option(help="Another length than the setting's; 2x is twice it, for equal passes.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another network: one of ours or any timm name.")] = None,
    told: Annotated[
        str,
        typer.Option(help='What methods must know: estimated, true, true-0.2, true+0.2, several, or "all" of these.'),
    ] = "estimated",
    changes: Annotated[list[str], typer.Option("--set", help="Another field of the setting, as in lr=0.1.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Precision = "auto",
    execution: Annotated[
        str,
        typer.Option(
            help="loop: one run at a time; stack: many small ones at once; graph: CUDA graphs of both; auto: what pays."
        ),
    ] = "auto",
    checkpoint_every: Annotated[int, typer.Option(help="Keep unfinished runs every so many epochs.", min=0)] = 0,
    save_model: Annotated[bool, typer.Option("--save-model", help="Keep the weights of every run.")] = False,
    keep_samples: Annotated[
        bool, typer.Option("--keep-samples", help="Keep loss and prediction of every training sample.")
    ] = False,
    diagnostics: Annotated[
        str, typer.Option(help="basic, or full: gradients of correct and wrong labels, tangent kernel, stable ranks.")
    ] = "basic",
    jobs: Annotated[int, typer.Option(help="Processes; 0: one per core on a CPU, one on a GPU.", min=0)] = 0,
    executor: Annotated[str, typer.Option(help="local: processes on this machine; ray: tasks of a cluster.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster, as in auto; a private one by default.")
    ] = None,
    gpus: Annotated[float, typer.Option(help="GPUs of each run on Ray, as in 0.25.", min=0)] = 0.0,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
    plugin: Plugin = [],  # noqa: B006
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is missing and stored, and the time.")] = False,
    as_json: Json = False,
) -> None:
    """Run methods on settings and store every run; what is stored is not run again. `run` and `sweep` are the same."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.sweep import grid as plan
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.leaderboard.store.address import store_address

    chosen = choose_methods(methods, plugin)
    options = Options(
        store=store_address(tracking_uri, database),
        device=device,
        jobs=jobs,
        data_dir=data_dir,
        plugins=chosen.plugins,
        execution=execution,
        checkpoint_every=checkpoint_every,
        executor=executor,
        ray_address=ray_address,
        gpus=gpus,
        save_model=save_model,
        keep_samples=keep_samples,
        diagnostics=diagnostics,
    )
    length = [] if epochs is None else [f"epochs={epochs}"]
    overrides = {"model": model} | display.assignments([*length, *changes])
    runs = plan.grid(targets, chosen.text, seeds, overrides, options, told, precision)
    if dry_run:
        rows = plan.forecast(runs, options)
        _print(json.dumps(rows, indent=1) if as_json else display.table(rows))
        return
    report = display.followed(runs, options, quiet=as_json or not sys.stderr.isatty())
    _print(json.dumps(display.report(report, runs), indent=1) if as_json else display.summary(report, runs))
    if report.failed:
        raise typer.Exit(1)


@app.command()
def tune(
    targets: Targets,
    methods: Annotated[str, typer.Option("--methods", "-m", help="As for `run`, or all.")] = "",
    trials: Annotated[int, typer.Option(help="For every method.", min=1)] = 20,
    seeds: Annotated[str, typer.Option("--seeds", "-s", help="Replicates of the winners.")] = "0-4",
    sampler: Annotated[str, typer.Option(help="gp, tpe or random.")] = "gp",
    seed: Annotated[int, typer.Option(help="Of the sampler, the same for every method.", min=0)] = 0,
    batch: Annotated[int, typer.Option(help="Trials asked for at once after the first ten.", min=1)] = 2,
    prune: Annotated[bool, typer.Option("--prune", help="Give up hopeless trials, not before 30 % of them.")] = False,
    per_setting: Annotated[
        bool, typer.Option("--per-setting", help="Search at every rate, not only at the reference of its family.")
    ] = False,
    study: Annotated[str, typer.Option(help="Begins the names of the studies; another name, another search.")] = "tune",
    study_storage: Annotated[
        str | None, typer.Option(envvar="LNLBENCH_STUDIES", help="Database of the studies; beside the store.")
    ] = None,
    page: Annotated[Path | None, typer.Option("--report", help="Write a section of this Markdown page.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Another length than the setting's.")] = None,
    changes: Annotated[list[str], typer.Option("--set", help="Another field of the setting.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Precision = "auto",
    execution: Annotated[str, typer.Option(help="auto, loop, stack or graph.")] = "auto",
    jobs: Annotated[int, typer.Option(help="Processes; 0: as for `run`.", min=0)] = 0,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
    plugin: Plugin = [],  # noqa: B006
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be searched.")] = False,
    as_json: Json = False,
) -> None:
    """Search every method on the same budget, and retrain the winners into the `tuned` track."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.engine.device import default_jobs
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.tuning import pipeline
    from lnlbench.benchmark.tuning.study import Budget
    from lnlbench.leaderboard.store.address import store_address

    count, chosen = jobs or default_jobs(device), pipeline.choose(methods, plugin)
    options = Options(
        store=store_address(tracking_uri, database),
        device=device,
        jobs=count,
        data_dir=data_dir,
        plugins=chosen.plugins,
        execution=execution,
    )
    budget = Budget(trials=trials, sampler=sampler, seed=seed, batch=batch, prune=prune)
    overrides = {"epochs": epochs} | display.assignments(changes)
    found = pipeline.plan(targets, chosen.text, seeds, overrides, options, study, per_setting, precision)
    if dry_run:
        rows = pipeline.forecast(found, budget, options)
        _print(json.dumps(rows, indent=1) if as_json else display.table(rows))
        return
    length = "" if epochs is None else f" --epochs {epochs}"
    length += "".join(f" --set {change}" for change in changes)
    command = f'lnlbench tune {" ".join(targets)}{length} --methods "{methods}" --trials {trials} --seeds {seeds}'
    done = pipeline.tune(found, budget, options, study_storage, page, command, lambda line: typer.echo(line, err=True))
    _print(json.dumps(done.rows, indent=1) if as_json else display.table(done.rows))
    for reason in done.failed:
        typer.echo(f"failed: {reason}", err=True)
    if done.failed:
        raise typer.Exit(1)


@app.command()
def leaderboard(
    targets: Annotated[list[str] | None, typer.Argument(metavar="[SUITE-OR-SETTING]...")] = None,
    rule: Annotated[str, typer.Option(help="noisy_val, final, mean10, oracle; several with commas.")] = "noisy_val",
    form: Annotated[str, typer.Option("--format", "-f", help="terminal, markdown, latex, csv or json.")] = "terminal",
    methods: Methods = "",
    source: Annotated[
        Path | None, typer.Option("--from", help="A file that `export` wrote, instead of the store.")
    ] = None,
    track: Annotated[str, typer.Option(help="default, tuned, paper or open; all, apart from each other.")] = "",
    gap: Annotated[
        bool, typer.Option("--gap", help="Add the share of cross-entropy's memorisation gap closed.")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="Add published means, compared where the protocol is the same.")
    ] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Of csv: all pairs of methods instead of the rows.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="In the terminal, intervals of every setting too.")] = False,
    margin: Annotated[float, typer.Option(help="Points within which methods are practically equal.", min=0)] = 0.5,
    complete: Annotated[bool, typer.Option("--complete", help="Count only settings that all methods have.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page with everything, instead of a table.")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw rows and intervals into a .pdf, .png or .svg, instead of a table.")
    ] = None,
    matrix: Annotated[
        Path | None, typer.Option(help="Draw who is above whom into a .pdf, .png or .svg, instead of a table.")
    ] = None,
    ui: Annotated[str, typer.Option(help="Address of MLflow's UI, for links from the page to its runs.")] = "",
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Rank what is stored: mean ± 95 % interval, the ranks that a method may have, and better or worse than ce."""
    from lnlbench.benchmark.cli import boards
    from lnlbench.leaderboard.store.address import store_address

    rules = boards.board_rules(rule, form, gap=gap, published=published, pairs=pairs)
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
    )
    place = source or store_address(tracking_uri, database)
    results = boards.stored(targets or [], place, track, lambda line: typer.echo(line, err=True))
    if html is not None:
        _print(boards.page(html, results, rules[0], ui, methods, lambda: store_address(tracking_uri, database)))
    for path, draw in ((figure, "ranked"), (matrix, "matrix")):
        if path is not None:
            _print(boards.figure(path, results, view, draw))
    if html is None and figure is None and matrix is None:
        _print(boards.leaderboard(results, view))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="As in results.jsonl.xz; it is replaced.")],
    targets: Annotated[list[str] | None, typer.Argument(metavar="[SUITE-OR-SETTING]...")] = None,
    predictions: Annotated[bool, typer.Option(help="Keep the test predictions, most of the size.")] = True,
    tracking_uri: Uri = None,
    database: Database = None,
) -> None:
    """Write stored results to one compressed file, which `leaderboard --from` and `import` read."""
    from lnlbench.benchmark.cli import boards
    from lnlbench.leaderboard.results.archive import write
    from lnlbench.leaderboard.store.address import store_address

    results = boards.stored(targets or [], store_address(tracking_uri, database))
    written = write(file, results, predictions=predictions)
    _print(f"{written.results} results, {written.size / 2**20:.2f} MB, in {file}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `export` wrote.")],
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
    plugin: Plugin = [],  # noqa: B006
) -> None:
    """Bring an exported file into the store: all of it, once every result verifies, or nothing."""
    from lnlbench.benchmark.verification.import_results import import_results
    from lnlbench.leaderboard.store.address import store_address

    found = import_results(file, data_dir, plugin, store_address(tracking_uri, database))
    _print(f"{len(found.added)} results added, {len(found.stored)} were stored before.")


@app.command()
def verify(
    what: Annotated[list[str], typer.Argument(metavar="RUN-OR-FILE...", help="A run as for `show`, or a file.")],
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
    plugin: Plugin = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Recompute scores, hashes and keys of a stored run or an exported file; exit code 1 if something is wrong."""
    from lnlbench.benchmark.verification import receipts
    from lnlbench.leaderboard.store.address import store_address

    found = receipts.receipts(what, data_dir, plugin, store_address(tracking_uri, database))
    report = {"findings": receipts.rows(found), "summary": receipts.sentence(found)}
    _print(json.dumps(report, indent=1) if as_json else receipts.lines(found))
    if any(receipt.state == "wrong" for receipt in found):
        raise typer.Exit(1)


@app.command()
def bench(
    axis: Annotated[
        list[str],
        typer.Option(help="input, step, epoch, diagnostics, methods, stack, graph, dal, bound or recording; all."),
    ] = [],  # noqa: B006
    kind: Annotated[list[str], typer.Option(help="mlp, cnn, cifar-cnn, resnet18 or resnet34; all.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    rounds: Annotated[int, typer.Option(help="Paired rounds.", min=1)] = 5,
    out: Annotated[Path | None, typer.Option(help="Write the rows as JSON to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Measure what the engine costs, side by side with a loop of stock parts, after an equality gate."""
    from lnlbench.benchmark.bench import paired
    from lnlbench.benchmark.bench import suite as measure
    from lnlbench.leaderboard.results.files import replacing

    def watch(row: paired.Row) -> None:
        typer.echo(paired.line(row), err=True)

    found = measure.bench(axis, kind, device=device, rounds=rounds, watch=watch)
    text = json.dumps(found, indent=1)
    if out is not None:
        with replacing(out) as unfinished:
            unfinished.write_text(text + "\n")
    _print(text if as_json else paired.table(found))


@app.command("new-method")
def new_method_(
    name: Annotated[str, typer.Argument(help="As in my_loss.")],
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Write a commented file to begin a method with; never over another."""
    from lnlbench.benchmark.cli.new_method import new_method

    path = new_method(name, folder)
    _print(f"{path}: change its loss, then `lnlbench check {path}`.")


@app.command()
def check(
    method: Annotated[str, typer.Argument(help="A Python file, or a method such as 'gce(q=0.5) + sam'.")],
    plugin: Plugin = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Run the conformance checks on a method, in about a minute; exit code 1 where one finds a fault."""
    from lnlbench.benchmark.cli import display

    reports = display.checked(method, plugin, quiet=as_json or not sys.stderr.isatty())
    _print(json.dumps([report.json() for report in reports], indent=1) if as_json else display.verdicts(reports))
    if any(report.faults for report in reports):
        raise typer.Exit(1)


@app.command()
def show(
    run: Annotated[list[str], typer.Argument(help="MLflow run id, beginning of a key, or: method setting replicate.")],
    suspects: Annotated[
        Path | None, typer.Option(help="Write the training samples that it thinks are mislabelled, as CSV.")
    ] = None,
    tracking_uri: Uri = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Show one run: curves, scores under each rule, diagnostics, cost, and what made it."""
    from lnlbench.benchmark.cli import run_view as shows
    from lnlbench.benchmark.sweep.plugins import name_of_run
    from lnlbench.leaderboard.results.files import write_all
    from lnlbench.leaderboard.store.address import store_address
    from lnlbench.leaderboard.store.store import existing

    name = name_of_run(run)
    with existing(store_address(tracking_uri, database)) as store:
        run_id, result = store.find(name)
        content = "" if suspects is None else shows.suspects_of(store, run_id)
    if suspects is not None:
        write_all(suspects.absolute().parent, {suspects.name: content})
        _print(f"{content.count(chr(10)) - 1} of {result.identity['split']['train']} samples, in {suspects}")
        return
    _print(shows.as_json(run_id, result) if as_json else shows.shown(run_id, result))


@app.command()
def compare(
    method: Annotated[str, typer.Argument(help="A Python file, or a method such as 'gce(q=0.5) + sam'.")],
    against: Annotated[str, typer.Option("--against", "-a", help="Baselines, as in gce,dal.")] = "ce,gce",
    suite: Annotated[list[str], typer.Option("--suite", help="Suites and settings.")] = ["mnist-fast"],  # noqa: B006
    seeds: Seeds = "",
    rule: Annotated[str, typer.Option(help="noisy_val, final, mean10 or oracle.")] = "noisy_val",
    changes: Annotated[list[str], typer.Option("--set", help="A field of the setting, as in epochs=2.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Precision = "auto",
    jobs: Annotated[int, typer.Option(help="Processes; 0: one per core on a CPU, one on a GPU.", min=0)] = 0,
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    database: Database = None,
    plugin: Plugin = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Compare a method with baselines: only what is neither stored nor shipped is run."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.sweep.comparison import compare as compared
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.leaderboard.store.address import store_address

    quiet = as_json or not sys.stderr.isatty()
    address = store_address(tracking_uri, database)
    options = Options(store=address, device=device, jobs=jobs, data_dir=data_dir, plugins=tuple(plugin))
    fields = display.assignments(changes)
    found = compared(
        method,
        against,
        suite,
        seeds,
        fields,
        options,
        lambda runs, how: display.followed(runs, how, quiet),
        rule,
        precision,
    )
    _print(json.dumps([one.json() for one in found], indent=1) if as_json else display.compared(found))


@app.command()
def ui(
    setting: Annotated[str, typer.Argument(help="The setting or data set to open on; by default the first.")] = "",
    tracking_uri: Uri = None,
    database: Database = None,
    port: Annotated[int, typer.Option(help="On loopback.", min=1, max=65535)] = 5000,
    browser: Annotated[bool, typer.Option(help="Open a browser, where there is a display.")] = True,
) -> None:
    """Open the MLflow UI on the store's saved views, on this machine only, until Ctrl-C."""
    from lnlbench.benchmark.cli import boards
    from lnlbench.leaderboard.store.address import store_address

    boards.served(setting, store_address(tracking_uri, database), port, browser, typer.echo)


@app.command()
def doctor(
    data_dir: DataDir = None, tracking_uri: Uri = None, database: Database = None, as_json: Json = False
) -> None:
    """Check versions, device, data sets at hand and the store."""
    from lnlbench.benchmark.cli import catalogue, display

    rows = catalogue.diagnosis(data_dir, tracking_uri, database)
    _print(json.dumps(rows, indent=1) if as_json else display.table(rows))
    if any(row["state"] == "broken" for row in rows):
        raise typer.Exit(1)


study = typer.Typer(no_args_is_help=True, help="The theory of label noise, as experiments with criteria.")
app.add_typer(study, name="study")
Docs = Annotated[Path, typer.Option("--docs", help="The folder of the page.")]


@study.command("list")
def study_list(docs: Docs = Path("docs"), as_json: Json = False) -> None:
    """List the studies, and what their last runs beside the page say."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.studies import commands

    rows = commands.listing(docs)
    _print(json.dumps(rows, indent=1) if as_json else display.table(rows))


@study.command("run")
def study_run(
    names: Annotated[list[str] | None, typer.Argument(metavar="[STUDY]...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them; those that lack data are left out.")] = False,
    full: Annotated[bool, typer.Option("--full/--fast", help="As in the paper, or in seconds.")] = False,
    changes: Annotated[list[str], typer.Option("--set", help="A field of the configuration, as in seeds=1.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    data_dir: DataDir = None,
    tracking_uri: Uri = None,
    as_json: Json = False,
) -> None:
    """Run studies and store them; exit code 1 if a criterion fails."""
    from lnlbench.benchmark.cli import display
    from lnlbench.benchmark.studies import base, commands
    from lnlbench.leaderboard.store.address import store_address

    context = base.Context(data_dir=data_dir, device=device, store=store_address(tracking_uri))
    found, left_out = commands.run(
        names or [],
        every,
        full,
        context,
        lambda line: typer.echo(line, err=True),
        display.assignments(changes),
    )
    rows = commands.rows(found, left_out)
    _print(json.dumps(rows, indent=1) if as_json else display.table(rows))
    if any(outcome.failed for outcome in found):
        raise typer.Exit(1)


@study.command("report")
def study_report(docs: Docs = Path("docs"), tracking_uri: Uri = None) -> None:
    """Write the page of all studies, with figures, from the store and from what lies beside the page."""
    from lnlbench.benchmark.studies import commands
    from lnlbench.leaderboard.store.address import store_address

    _print(f"written: {commands.report(docs, store_address(tracking_uri))}")


def main() -> None:
    """Run the command line; the user's mistakes are one line on stderr and exit code 2."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that workers end and claims are given back
    warnings.showwarning = _warn
    try:
        code = app(standalone_mode=False)  # else typer draws a box of six lines around a typing error
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except USAGE as error:
        line = " ".join(error.format_message().split())
        if not line:  # no argument at all: the help has been printed, and there is nothing else to say
            sys.exit(2)
        _fail(f"{line} (see: {error.ctx.command_path} --help)" if error.ctx else line, 2)
    except ValueError as error:
        if not type(error).__module__.startswith("lnlbench."):
            raise
        _fail(" ".join(str(error).split()), 2)
    except SystemExit as error:  # of a method: typer returns its own codes, and 0 would pass for success
        _fail(f"a method ended the program: it called sys.exit({error.code!r})", 2)
    if code == INTERRUPTED:
        _fail("interrupted; what is finished is stored, and the same command goes on from there", code)
    sys.exit(code)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _warn(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
    """Print a warning of ours as one line, without the place in the code; other warnings as Python does."""
    if category.__module__.startswith("lnlbench."):
        typer.echo(f"lnlbench: warning: {' '.join(str(message).split())}", err=True)
    else:
        _show_warning(message, category, *place, **rest)


def _fail(line: str, code: int) -> None:
    typer.echo(f"lnlbench: {line}", err=True)
    raise SystemExit(code)


def _print(what: Any) -> None:
    if isinstance(what, str):
        typer.echo(what)
    else:
        from rich.console import Console

        Console().print(what)
