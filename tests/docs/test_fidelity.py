"""The page that compares methods with their official codes says what is measured."""

from pathlib import Path

from lnlbench.benchmark.conformance.fidelity_page import renewed

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"


def test_the_table_is_what_the_comparison_gives():
    text = PAGE.read_text(encoding="utf-8")
    assert "| method | reference | largest difference | what differs, and why |" in text
    assert renewed(text) == text, "python -m lnlbench.benchmark.conformance.fidelity_page docs/fidelity.md"
