"""Run the examples of the page on trials, and write what they give below each: `python docs/scripts/tabular.py`."""

import ast
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "tabular.md"
_BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def shown(text: str) -> str:
    """Return the page with the value of each example's last line below it; the examples share their names."""
    names: dict[str, Any] = {}

    def run(block: re.Match[str]) -> str:
        *lines, last = ast.parse(block[1]).body
        assert isinstance(last, ast.Expr)
        exec(compile(ast.Module(lines, []), "example", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "example", "eval"), names)
        return f"```python\n{block[1]}```\n\n```text\n{value}\n```\n"

    return _BLOCK.sub(run, text)


if __name__ == "__main__":
    PAGE.write_text(shown(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
