"""The command `lnlbench`: its groups of commands, and what becomes of errors; heavy imports wait until needed."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer

from lnlbench.benchmark.cli import exchange, extend, leaderboard, machine, run, study, submit, tune
from lnlbench.benchmark.cli.output import fit_encodings, note, printable, show
from lnlbench.benchmark.sweep.executors.interrupts import repeat_ignored

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A benchmark suite for learning with noisy labels.",
)
for group in (run, tune, leaderboard, exchange, submit, extend, machine):
    app.add_typer(group.commands)
app.add_typer(study.commands, name="study", rich_help_panel="The theory")

USAGE: Any = typer.BadParameter.__base__  # of all typing errors; typer moved it between its versions
INTERRUPTED = 130
ENDING = (signal.SIGINT, signal.SIGTERM)
_show_warning = warnings.showwarning


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        show(f"lnlbench {version('lnlbench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the user's mistakes are one line on stderr and exit code 2."""
    for one in ENDING:  # so that workers end and claims are given back
        signal.signal(one, _interrupt)
    repeat_ignored(_interrupt)  # after the first one nothing else would end the program
    warnings.showwarning = _warn
    fit_encodings()
    for word in sys.argv[1:]:
        if any("\ud800" <= character <= "\udfff" for character in word):  # what Python makes of bytes it cannot read
            _fail(f"{word!r} is no text in {sys.getfilesystemencoding()}", 2)
    try:
        code = app(standalone_mode=False)  # else typer draws a box of six lines around a typing error
        sys.stdout.flush()
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
        if signal.getsignal(signal.SIGINT) is not _go_on:
            _fail(str(error), 2)
        code = INTERRUPTED  # it broke off what this error is about, a query say
    except OSError as error:
        _fail_on(error)
    except SystemExit as error:  # of a method: typer returns its own codes, and 0 would pass for success
        if isinstance(error.__context__, OSError):  # but for this one
            _fail_on(error.__context__)
        _fail(f"a method ended the program: it called sys.exit({error.code!r})", 2)
    if code == INTERRUPTED:
        for one in ENDING:  # by its name: while Python ends, it takes functions away, and the next one would kill
            signal.signal(one, signal.SIG_IGN)
        _fail("interrupted; what is finished is stored, and the same command goes on from there", code)
    sys.exit(code)


def _interrupt(number: int, frame: object) -> None:
    """End, once: a second Ctrl-C would break off what the first one began, and leave processes behind."""
    for one in ENDING:
        signal.signal(one, _go_on)
    raise KeyboardInterrupt


def _go_on(number: int, frame: object) -> None:
    """Do nothing; what is ignored by its name, and not by a function, is ignored by all later processes too."""


def _warn(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
    """Print a warning of ours as one line, without the place in the code; other warnings as Python does."""
    if category.__module__.startswith("lnlbench."):
        note(f"lnlbench: warning: {printable(str(message))}")
    else:
        _show_warning(message, category, *place, **rest)


def _fail(line: str, code: int) -> NoReturn:
    note(f"lnlbench: {printable(line)}")
    raise SystemExit(code)


def _fail_on(error: OSError) -> NoReturn:
    """End after an error of the machine: a full disk, or whoever read the output is gone."""
    if error.errno == errno.EPIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing is flushed into the pipe
        raise SystemExit(1)
    place = f"{error.filename}: " if error.filename else ""
    _fail(f"{place}{error.strerror or error}", 2)
