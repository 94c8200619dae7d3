"""Every parameter that commands share, declared once; `--help` groups them by what is done, how, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.benchmark.cli import kinds
from lnlbench.leaderboard.results.rules import EVERY

WHAT, HOW, WHERE = "What", "How", "Where"

TRACKS = {
    "default": "the registered hyper-parameters",
    "tuned": "the winners of `lnlbench tune`",
    "unconfirmed": "what a search alone would have chosen",
    "paper": "a published recipe",
    "open": "a recipe of your own",
}


def _meanings(values: dict[str, str]) -> str:
    return "; ".join(f"{name}: {meaning}" for name, meaning in values.items()) + "."


# What is run or shown.

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="SUITE-OR-SETTING",
        help="Suites, settings such as mnist/symmetric-0.4, patterns, folders of your own data.",
    ),
]
SomeTargets = Annotated[
    list[str] | None, typer.Argument(metavar="SUITE-OR-SETTING", help="As for `run`; all by default.")
]
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        "-m",
        help='As in "ce, gce(q=0.5), dal + sam, my_loss.py"; all for `tune`; else those of the suite or the store.',
        rich_help_panel=WHAT,
    ),
]
Method = Annotated[str, typer.Argument(help="A Python file, or a method such as 'gce(q=0.5) + sam'.")]
RunName = Annotated[
    list[str],
    typer.Argument(metavar="RUN", help="MLflow run id, beginning of a key, or: method setting replicate."),
]
Replicates = Annotated[
    str,
    typer.Option(
        "--replicates", "--seeds", "-s", help='As in "0,1,2" or "0-4": at most 10,000 of them.', rich_help_panel=WHAT
    ),
]
Told = Annotated[
    str,
    typer.Option(
        help='What methods must know: estimated, true, true-0.2, true+0.2, several, or "all" of these.',
        rich_help_panel=WHAT,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        help="Points within which methods are practically equal, 0 to 100.", min=0, max=100, rich_help_panel=WHAT
    ),
]
Epochs = Annotated[
    str | None,
    typer.Option(
        help="Another length than the setting's: 1 to 10,000; 2x is twice it, for equal passes.", rich_help_panel=WHAT
    ),
]
Changes = Annotated[
    list[str],
    typer.Option("--set", help="Another field of the setting, as in lr=0.1; each once.", rich_help_panel=WHAT),
]
Plugin = Annotated[
    list[Path],
    typer.Option(
        "--plugin",
        metavar="FILE",
        parser=kinds.source_file,
        help="A Python file that registers methods.",
        rich_help_panel=WHAT,
    ),
]
_RULES = _meanings({name: rule.words for name, rule in EVERY.items()})
Rule = Annotated[str, typer.Option(help=_RULES, rich_help_panel=WHAT)]
Rules = Annotated[str, typer.Option("--rule", help=f"{_RULES} Several with commas.", rich_help_panel=WHAT)]
Track = Annotated[
    str, typer.Option(help=f"{_meanings(TRACKS)} All by default, apart from each other.", rich_help_panel=WHAT)
]

# How it is done.

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=HOW)]
Precision = Annotated[
    str,
    typer.Option(
        help="fp32, bf16, fp64, or auto: what the setting says, else bf16 on a GPU and fp32 on a CPU. Part of the key.",
        rich_help_panel=HOW,
    ),
]
Execution = Annotated[
    str,
    typer.Option(
        help="loop: one run at a time; stack: many small ones at once; graph: CUDA graphs of both; auto: what pays.",
        rich_help_panel=HOW,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(help="Processes; 0: one per core on a CPU, one on a GPU.", min=0, max=1_000, rich_help_panel=HOW),
]
Confirm = Annotated[
    float,
    typer.Option(
        help="Share of the trials that confirm: the best two and the defaults, on fresh draws; 0: none.",
        min=0.0,
        max=0.95,
        rich_help_panel=HOW,
    ),
]
Splits = Annotated[
    int,
    typer.Option(
        help="Trials that score a configuration, each on another split; 0: two and more where validation is coarse.",
        min=0,
        max=100,
        rich_help_panel=HOW,
    ),
]
Objective = Annotated[
    str,
    typer.Option(
        help="What a trial scores: window, its best mean noisy-validation accuracy over a sixth; epoch, of one epoch.",
        rich_help_panel=HOW,
    ),
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Also run the defaults and what the search alone would have chosen, for the report's table.",
        rich_help_panel=WHAT,
    ),
]
Trials = Annotated[
    Path | None,
    typer.Option(
        "--curves",
        metavar="FILE",
        parser=kinds.target_file,
        help="Write every trial with its curves to this file, a JSON line each; .xz compresses.",
        rich_help_panel=WHERE,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.", rich_help_panel=HOW)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=HOW)]

# Where data come from and results go.

FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="PATH",
        parser=kinds.source,
        help="A file that `export` wrote, a folder of submissions, or `shipped`, what the package has: not the store.",
        rich_help_panel=WHERE,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        parser=kinds.folder,
        envvar="LNLBENCH_DATA",
        help="Data sets in the layout of the Hugging Face Hub.",
        rich_help_panel=WHERE,
    ),
]
Uri = Annotated[
    str | None,
    typer.Option(
        help="MLflow store; else that of $MLFLOW_TRACKING_URI, else mlflow.db in $LNLBENCH_HOME or ~/.lnlbench.",
        rich_help_panel=WHERE,
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        help="Database of the claims, where the store is a server; else that of $LNLBENCH_DATABASE.",
        rich_help_panel=WHERE,
    ),
]
