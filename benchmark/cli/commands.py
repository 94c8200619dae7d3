"""What all commands share: one panel of `--help` for a group, no option twice, none that another one makes void."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.ranking.thresholds import MARGIN

UNTIL_DECIDED = str(MARGIN)
"""What `--until-decided` means where no number follows it."""
_PLAIN = r"(\d+\.?\d*|\.\d+)"
OPTIONAL = {"--until-decided": (UNTIL_DECIDED, rf"{_PLAIN}(e[+-]?\d+)?"), "--rerun": ("1", _PLAIN)}
"""Options whose value may be left out, which typer has not: that value, and what one looks like that is not left out.

Keys of runs follow `--rerun`, and may look like a number with an exponent.
"""

NEVER_EMPTY = {"against", "among", "budget", "family", "freeze", "methods", "replicates", "track", "ui"}
"""Parameters whose empty value would mean what leaving them out does: it is a slip, as of a variable of the shell."""


class StrictCommand(TyperCommand):
    """A command that refuses an option given twice, of which click would silently take the last, and an empty list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as click does, after a look at what is given.

        Raises:
            SettingError: an option that takes one value is given more than once, or is empty.
        """
        args = completed(args)
        seen: list[Any] = []
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in order:
            if parameter.name in NEVER_EMPTY and not str(values.get(parameter.name)).strip(" ,"):
                raise SettingError(f"{parameter.opts[0]} is empty")
            if parameter in seen and parameter.param_type_name == "option" and not parameter.multiple:
                raise SettingError(f"{parameter.opts[0]} is given more than once, but takes one value")
            seen.append(parameter)
        return super().parse_args(ctx, args)


class Commands(typer.Typer):
    """The commands of one group, which stand in one panel of `lnlbench --help`.

    Args:
        panel: its title.
    """

    def __init__(self, panel: str, **more: Any) -> None:
        super().__init__(**more)
        self._panel = panel

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Register a function as a command, as `Typer.command` does."""
        return super().command(name, cls=StrictCommand, rich_help_panel=self._panel, **more)


def completed(args: Sequence[str]) -> list[str]:
    """Return arguments in which the options of `OPTIONAL` have a value: a number that follows, or their own."""
    filled = []
    for word, after in zip(args, [*args[1:], ""], strict=False):  # nothing follows where there is nothing
        filled.append(word)
        if word in OPTIONAL:
            value, form = OPTIONAL[word]
            filled += [] if re.fullmatch(form, after, re.IGNORECASE) else [value]
    return filled


def given(context: typer.Context, name: str) -> bool:
    """Say whether a parameter stands on the command line, and not in the environment or by default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def typed(context: typer.Context, *, but: Sequence[str]) -> list[str]:
    """Return the options of the command line, without passwords, other than those of some parameters.

    Args:
        context: of the command.
        but: names of parameters, as the function calls them.
    """
    from lnlbench.leaderboard.results.errors import without_password

    words: list[str] = []
    for parameter in context.command.params:
        if parameter.name not in but and given(context, str(parameter.name)):
            value = context.params[str(parameter.name)]
            words += [parameter.opts[0]] if value is True else [parameter.opts[0], without_password(str(value))]
    return words


def refuse_void(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that change nothing here.

    Args:
        context: of the command.
        names: of the parameters, as the function calls them.
        why: what makes them void; completes "--rule is void …".

    Raises:
        SettingError: one of them is given.
    """
    for parameter in context.command.params:
        if parameter.name in names and given(context, str(parameter.name)):
            raise SettingError(f"{parameter.opts[0]} is void {why}")
