"""The data that the page's script draws: boards, runs and their curves, as short as they can be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lnlbench.leaderboard.ranking.board import Board, Cell, Column, Row, Tests
from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.results.result import Curve, Result
from lnlbench.leaderboard.results.rules import RULES, score
from lnlbench.leaderboard.show.page.about import About, command_of, parts_of
from lnlbench.leaderboard.show.page.scope import Scope, group_name, noise_family, suite_name
from lnlbench.leaderboard.show.words import short_noise, state

CURVES = {
    "test_accuracy": "test accuracy",
    "validation_accuracy": "accuracy on noisy validation labels",
    "memorised_online": "memorised: wrong labels predicted as given",
    "corrected_online": "corrected: wrong labels predicted as true",
}
"""Quantities that the page can draw, and what they are called there."""


def view_data(scope: Scope, about: Mapping[str, About]) -> dict[str, Any]:
    """Return a view, JSON-able: its boards by rule, its costs, and its methods under every rule."""
    return {
        "group": scope.group,
        "suite": scope.suite,
        "boards": {board.rule: _board(board, about) for board in scope.boards},
        "costs": [asdict(cost) | {"seconds": cost.seconds, "passes": cost.passes} for cost in scope.costs],
        "switched": [
            {"name": row.name, "means": dict(row.means), "places": dict(row.places)} for row in scope.switched
        ],
        "winners": list(scope.winners),
    }


def run_data(results: Sequence[Result], links: Mapping[str, str]) -> list[list[Any]]:
    """Return a row per run: suite, group, setting, noise, method, replicate, diverged, key, link, score per rule.

    Here and in `curve_data`, runs that boards leave out are left out.
    """
    hosts, labels = {result.key: result for result in results}, board_labels(results)
    return [
        [
            suite_name(run),
            group_name(run),
            run.setting,
            noise_family(run),
            labels[run.key],
            run.replicate,
            int(run.diverged),
            run.key,
            links.get(run.key, ""),
            *(round(100 * score(run, rule, hosts), 2) for rule in RULES),
        ]
        for run in results
        if run.key in labels
    ]


def curve_data(results: Sequence[Result]) -> list[list[Any]]:
    """Return a row per trained run: suite, group, setting, method, replicate, and its curves in the order of `CURVES`.

    Values are in hundredths of a percent, null where nothing was measured. Readings are parts of their hosts' runs.
    """
    labels = board_labels(results)
    return [
        [
            suite_name(run),
            group_name(run),
            run.setting,
            labels[run.key],
            run.replicate,
            [_points(run.curves.get(name, [])) for name in CURVES],
        ]
        for run in results
        if run.host is None and run.key in labels
    ]


def _board(board: Board, about: Mapping[str, About]) -> dict[str, Any]:
    return {
        "reference": board.reference,
        "margin": board.margin,
        "score": board.score_name,
        "sentences": list(board.sentences),
        "notes": list(board.notes),
        "standing": board.standing,
        "columns": [_column(column) for column in board.columns],
        "rows": [_row(row, board, about) for row in (*board.rows, *board.below)],
        "tests": _tests(board.tests),
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "setting": column.setting,
        "short": short_noise(column.noise),
        "noise": noise_family(column),
        "nominal": column.nominal_rate,
        "realised": column.realised_rate,
        "guaranteed": column.guaranteed,
        "resolution": column.resolution,
        "counted": column.counted,
        "n": column.n,
        "tests": _tests(column.tests),
    }


def _row(row: Row, board: Board, about: Mapping[str, About]) -> dict[str, Any]:
    return {
        "name": row.name,
        "text": list(row.methods),
        "told": list(row.told),
        "networks": row.networks,
        "state": state(board, row),
        "host": row.host if row.reading else None,
        "diverged": row.diverged,
        "score": _cell(row.score),
        "cells": [_cell(row.cells.get(column.setting)) for column in board.columns],
        "about": parts_of(row, about),
        "command": command_of(row, board),
        "checked": row.standing if board.standings_differ else "",
    }


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    against = cell.against
    return {
        # In full: rounded twice, a number that ends with 5 would be another one than in the sentences.
        "mean": cell.mean,
        "half": cell.half,
        "n": cell.n,
        "rank": cell.rank,
        "best": cell.could_be_best,
        "mark": against.mark if against else "",
        "against": None if against is None else [against.difference, _p(against.p), against.family],
        "gap": None if cell.gap is None else [cell.gap.points, cell.gap.practically_equal],
        "chance": None if cell.chance_of_first is None else round(cell.chance_of_first, 6),
        "diverged": cell.diverged,
        "same": cell.same_as_host,
        "searched": cell.searched,
    }


def _tests(tests: Tests | None) -> dict[str, Any] | None:
    """All pairs of a column: half-width, p, p after Holm and the chance that the first is higher, for each i < j."""
    if tests is None:
        return None
    pairs = {(pair.a, pair.b): pair for pair in tests.pairs}
    flat: list[list[Any]] = []
    for i, a in enumerate(tests.names):
        for b in tests.names[i + 1 :]:
            pair = pairs[a, b]
            half = None if pair.half is None else round(pair.half, 6)
            flat.append([half, _p(pair.p), _p(pair.p_holm), round(pair.a_higher, 6)])
    return {"names": list(tests.names), "borrowed": round(tests.borrowed, 1), "pairs": flat}


def _p(value: float) -> float:
    return float(f"{value:.2g}")


def _points(curve: Curve) -> list[int | None]:
    scaled = [None if value is None else 10_000 * value for value in curve]
    return [None if value is None or not math.isfinite(value) else round(value) for value in scaled]
