"""Builds boards from results: grouping, cells, ranks and notes."""

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from lnlbench.leaderboard.board import Board, Cell, Column, Row
from lnlbench.leaderboard.render import to_csv as to_csv
from lnlbench.leaderboard.render import to_json as to_json
from lnlbench.leaderboard.render import to_markdown as to_markdown
from lnlbench.leaderboard.render import to_rich as to_rich
from lnlbench.leaderboard.result import Result
from lnlbench.leaderboard.rules import PRIMARY, RANKED, best_epoch, resolution, rule_named
from lnlbench.leaderboard.statistics import complete_settings, interval, mean_ranks, ranks

Grid = dict[str, dict[str, dict[int, Result]]]
"""Row → setting → replicate → result."""


def boards(
    results: Iterable[Result], rules: Sequence[str] = (PRIMARY,), show: Collection[str] | None = None
) -> list[Board]:
    """Return one board per protocol version, length, track and rule: what must not be ranked together is not mixed.

    Args:
        results: in order of age; of several results of one method, setting and replicate the last one counts.
        rules: names of `RULES`.
        show: the rows to keep, by name. Ranks and tests are made before: hiding a method changes no number.

    Raises:
        ValueError: an unknown rule.
    """
    for name in rules:
        rule_named(name)
    groups: dict[tuple[int, str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.protocol, result.length, result.track].append(result)
    return [build(groups[group], rule, show) for group in sorted(groups) for rule in rules]


def build(results: Sequence[Result], rule: str, show: Collection[str] | None = None) -> Board:
    """Return the board of results that may be ranked together.

    Raises:
        ValueError: no results, an unknown rule, or results of different protocol versions, lengths or tracks.
    """
    score = rule_named(rule)
    kinds = {(result.protocol, result.length, result.track) for result in results}
    if len(kinds) != 1:
        raise ValueError(f"a board needs results of one protocol, length and track; got {sorted(kinds) or 'none'}")
    grid, notes = _grid(results)
    hosts = {result.key: result for result in results}
    readings = {name for name, cells in grid.items() if all(r.host for row in cells.values() for r in row.values())}

    def scored(result: Result) -> float:
        # Only `final` asks the method; under any other rule a reading is the run that it was read off.
        return score(result if rule == "final" else hosts.get(result.host or "", result))

    scores = {
        name: {setting: {i: scored(run) for i, run in runs.items()} for setting, runs in cells.items()}
        for name, cells in grid.items()
    }
    ranked = [name for name in grid if rule in RANKED and (rule == "final" or name not in readings)]
    settings = list(dict.fromkeys(result.setting for result in results))
    by_setting = {setting: {name: scores[name].get(setting, {}) for name in ranked} for setting in settings}
    counted = complete_settings(by_setting, ranked) if ranked else settings
    places = {setting: ranks(by_setting[setting]) for setting in counted}
    means = mean_ranks({s: row for s, row in places.items() if None not in row.values()}, ranked)

    rows = []
    for name, cells in grid.items():
        same = name in readings and rule != "final"
        made = {
            setting: _cell(scores[name][setting], runs, places.get(setting, {}).get(name), same)
            for setting, runs in cells.items()
        }
        rows.append(_row(name, cells, made, counted, means.get(name), name in readings))
    rows.sort(key=lambda row: (_last(row.mean_rank), -_mean_of(row), row.name))
    columns = tuple(
        _column(setting, [r for r in results if r.setting == setting], setting in counted) for setting in settings
    )
    notes += _notes(rule, columns, places, [row for row in rows if row.name in ranked], rows)
    kept = tuple(row for row in rows if show is None or row.name in show)
    return Board(*kinds.pop(), rule, columns, kept, tuple(notes))


def _grid(results: Sequence[Result]) -> tuple[Grid, list[str]]:
    """Sort results into rows by label, or by full text where a label means two methods in one setting."""
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for result in results:
        texts[result.label, result.setting].add(result.method)
    ambiguous = {label for (label, _), methods in texts.items() if len(methods) > 1}
    grid: Grid = {}
    older = 0
    for result in results:
        name = result.method if result.label in ambiguous else result.label
        runs = grid.setdefault(name, {}).setdefault(result.setting, {})
        older += result.replicate in runs
        runs[result.replicate] = result
    notes = [f"{older} older results of the same method, setting and replicate are not shown."] if older else []
    notes += [f"The label {label!r} stands for several methods; they are shown in full." for label in sorted(ambiguous)]
    return grid, notes + _unpaired(grid)


def _unpaired(grid: Grid) -> list[str]:
    """Say where methods did not get the same noise, split or controls."""
    seen: dict[tuple[str, int], set[str]] = defaultdict(set)
    controls: dict[str, set[str]] = defaultdict(set)
    for cells in grid.values():
        for setting, runs in cells.items():
            for replicate, run in runs.items():
                noise, split = run.identity.get("noise", {}), run.identity.get("split", {})
                seen[setting, replicate].add(f"{noise.get('labels_sha256')} {split.get('sha256')}")
                if run.track == "default":
                    controls[setting].add(json.dumps(run.identity.get("setting"), sort_keys=True, default=str))
    unpaired = sorted({setting for (setting, _), made in seen.items() if len(made) > 1})
    changed = sorted(setting for setting, made in controls.items() if len(made) > 1)
    return [
        f"Noise or split differ between methods in {setting}: its tests are not paired." for setting in unpaired
    ] + [f"The settings of the runs differ within {setting}: methods did not train alike." for setting in changed]


def _cell(scores: dict[int, float], runs: dict[int, Result], rank: int | None, same: bool) -> Cell:
    spread = interval(list(scores.values()))
    diverged = sum(run.diverged for run in runs.values())
    return Cell(spread.mean, spread.half, spread.n, rank, diverged, same)


def _row(
    name: str,
    cells: dict[str, dict[int, Result]],
    made: dict[str, Cell],
    counted: Sequence[str],
    mean_rank: float | None,
    reading: bool,
) -> Row:
    runs = [run for row in cells.values() for run in row.values()]
    means = [made[setting].mean for setting in counted if setting in made]
    return Row(
        name=name,
        methods=tuple(dict.fromkeys(run.method for run in runs)),
        told=tuple(sorted({told for run in runs for told in run.told})),
        networks=max(run.networks for run in runs),
        reading=reading,
        cells=made,
        mean_rank=mean_rank,
        average=math.fsum(means) / len(means) if len(means) == len(counted) > 0 else None,
    )


def _column(setting: str, runs: Sequence[Result], counted: bool) -> Column:
    manifests = [run.identity.get("noise") or {} for run in runs]
    realised = [m["realised_rate"] for m in manifests if isinstance(m.get("realised_rate"), (int, float))]
    rate = math.fsum(realised) / len(realised) if realised else None
    return Column(
        setting=setting,
        noise=runs[0].noise,
        nominal_rate=next((m["nominal_rate"] for m in manifests if m.get("nominal_rate") is not None), None),
        realised_rate=rate,
        guaranteed=all(m.get("guaranteed", True) for m in manifests),
        resolution=_resolution(runs, rate),
        counted=counted,
    )


def _resolution(runs: Sequence[Result], rate: float | None) -> float | None:
    """Return what validation resolves at the typical chosen epoch, None where sizes or rates are not known."""
    trained = [run for run in runs if not run.diverged]
    sizes = [int((run.identity.get("split") or {}).get("validation") or 0) for run in trained]
    if rate is None or not sizes or min(sizes) < 1:
        return None
    best = [run.curves["validation_accuracy"][best_epoch(run.curves["validation_accuracy"])] for run in trained]
    accuracy = math.fsum(value for value in best if value is not None) / len(best)
    try:
        return resolution(min(sizes), accuracy, rate, trained[0].classes)
    except ValueError:  # no diagonal dominance: validation resolves nothing
        return None


def _notes(
    rule: str,
    columns: Sequence[Column],
    places: dict[str, dict[str, int | None]],
    ranked: Sequence[Row],
    rows: Sequence[Row],
) -> list[str]:
    notes = []
    if rule not in RANKED:
        notes.append(f"The rule {rule!r} looks at the test set and does not rank.")
    for column in columns:
        if not column.counted:
            missing = ", ".join(row.name for row in ranked if column.setting not in row.cells)
            notes.append(f"{column.setting} is out of all ranks: no result of {missing}.")
        elif None in places.get(column.setting, {}).values():
            notes.append(f"{column.setting} has no ranks: tests and intervals need two common replicates or more.")
        if rule == "noisy_val" and not column.guaranteed:
            notes.append(f"† {column.setting}: its noise depends on the image, so noisy validation is not guaranteed.")
    if any(cell.diverged for row in rows for cell in row.cells.values()):
        notes.append("! diverged runs score chance and count.")
    if any(cell.same_as_host for row in rows for cell in row.cells.values()):
        notes.append("= same as host: read off another method's runs, ranked under 'final' alone.")
    if told := [row for row in rows if row.told]:
        notes.append("Told beyond the labels: " + "; ".join(f"{row.name}: {', '.join(row.told)}" for row in told) + ".")
    return notes


def _last(value: float | None) -> float:
    return math.inf if value is None else value


def _mean_of(row: Row) -> float:
    if row.average is not None:
        return row.average
    return math.fsum(cell.mean for cell in row.cells.values()) / len(row.cells) - 1  # incomplete rows follow
