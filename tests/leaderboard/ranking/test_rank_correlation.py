"""How far the order under one noise is that under another, as the page of results says it."""

from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "docs" / "scripts"


def test_orders_are_correlated_over_methods_that_have_all(make, monkeypatch):
    """Three methods in two settings, in opposite orders but for the second replicate; a fourth lacks a replicate."""
    monkeypatch.syspath_prepend(SCRIPTS)
    from rank_correlation import to_markdown

    def run(label, noise, replicate, value):
        curves = {"test_accuracy": [value], "validation_accuracy": [value]}
        return make(label=label, noise=noise, replicate=replicate, curves=curves, epochs=1, report=0)

    scores = {"symmetric-0.4": [(0.5, 0.5), (0.6, 0.6), (0.8, 0.7)], "clean": [(0.99, 0.90), (0.98, 0.91), (0.9, 0.92)]}
    runs = [
        run(label, noise, i, value)
        for noise, cells in scores.items()
        for label, values in zip(("ce", "gce", "sam"), cells, strict=True)
        for i, value in enumerate(values)
    ]
    lines = to_markdown([*runs, run("dal", "clean", 0, 0.5)], "final").splitlines()
    assert "−1.00 to 1.00" in lines[2] and "3 methods, 2 replicates" in lines[-1]
    assert "*1.00*" in lines[2] and "*−1.00*" in lines[3]
