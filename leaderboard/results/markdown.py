"""Tables in Markdown, for reports, pages and the descriptions in MLflow's UI."""

from collections.abc import Iterable, Sequence

from lnlbench.leaderboard.results.text import visible

_RULES = {"l": "---", "r": "---:"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a Markdown table, one line per row; bars in the cells are escaped.

    Args:
        header: one title per column.
        rows: the texts of the cells; line breaks become spaces.
        align: one letter per column, `l` or `r`, its alignment; columns beyond the last letter are aligned like it,
            to the left without letters.
    """
    letters = (align or "l").ljust(len(header), (align or "l")[-1])
    rule = "|" + "|".join(_RULES[letter] for letter in letters[: len(header)]) + "|"
    return "\n".join([_line(header), rule, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(visible(cell).split("\n")).replace("|", "\\|") for cell in cells) + " |"
