"""The page of all studies, made from the outcomes and figures that lie beside it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lnlbench.benchmark.studies.base import FAST, HELD_TO, Criterion, Study, StudyError, Verdict
from lnlbench.benchmark.studies.outcome import FIGURE, RECORD, Outcome, from_json
from lnlbench.leaderboard.results.files import write_all
from lnlbench.leaderboard.results.markdown import table

PAGE, FIGURES = "studies.md", "figures"
INTRODUCTION = """# Studies: the theory of label noise, reproduced

Each study is one file in `benchmark/studies/`: its source, its configurations (`fast` for
tests, `full` as in the paper, and where that wants a GPU `laptop`, less of the same for two cores and under an hour,
held to the criteria of `full`), its criteria as data, and its figure. This page is written by `lnlbench study report`
from the last run of each; nothing on it is typed by hand. A criterion holds if **every** value (one per seed, in
most; their number stands behind the range) is within its threshold;
thresholds were fixed before these runs, and one that fails stays here with the reason. *Informational* ones make
nothing fail. A threshold marked [ours] has no source and was chosen here; the reason stands below its table.
Where a longer run is shown `fast` has one line; the run itself prints its criteria.

```console
$ lnlbench study list
$ lnlbench study run E000-A --full     # exit code 1 if a criterion fails
$ lnlbench study run E000-B --laptop
$ lnlbench study run --all --fast
$ lnlbench study report
```
"""


def export(kept: Iterable[dict[str, bytes]], folder: Path) -> None:
    """Write outcomes and figures of the store below the folder of the page, unless something newer is there."""
    for files in kept:
        outcome = from_json(files[RECORD])
        name = f"{outcome.study}.{outcome.length}"
        path = folder / FIGURES / f"{name}.json"
        if not path.exists() or from_json(path.read_bytes()).made["date"] <= outcome.made["date"]:
            write_all(folder / FIGURES, {f"{name}.json": files[RECORD] + b"\n", f"{name}.png": files[FIGURE]})


def write(studies: Sequence[Study[Any]], folder: Path) -> Path:
    """Write the page for the outcomes that lie in its folder of figures.

    Raises:
        StudyError: an outcome cannot be read.
    """
    parts = [INTRODUCTION, _table(studies, folder), *(_section(study, folder) for study in studies)]
    write_all(folder, {PAGE: "\n".join(parts)})
    return folder / PAGE


def state(study: str, folder: Path) -> str:
    """Return the state of a study by its name: "full: 12 of 12 criteria hold", or that it was not run yet."""
    found = [f"{outcome.length}: {_share(outcome)}" for outcome in outcomes(study, folder)]
    return "; ".join(found) or "not yet run"


def outcomes(study: str, folder: Path) -> list[Outcome]:
    """Return the outcomes of a study, by its name, that lie below the folder of the page, the longest first."""
    paths = [folder / FIGURES / f"{study}.{length}.json" for length in HELD_TO]
    try:
        return [from_json(path.read_bytes()) for path in paths if path.exists()]
    except OSError as error:
        raise StudyError(f"outcomes in {folder / FIGURES} cannot be read: {error}") from error


def _share(outcome: Outcome) -> str:
    gates = [verdict for verdict in outcome.verdicts if verdict.criterion.gates]
    held = sum(verdict.passed for verdict in gates)
    return f"{held} of {len(gates)} criteria hold" if gates else "informational"


def _table(studies: Sequence[Study[Any]], folder: Path) -> str:
    rows = [
        [f"[{s.name}](#{_anchor(s)})", s.title, s.source, "; ".join([state(s.name, folder), *_notes(s, folder)])]
        for s in studies
    ]
    return table(["study", "what", "source", "state"], rows) + "\n"


def _notes(study: Study[Any], folder: Path) -> list[str]:
    found = {o.length: study.notes.get(o.made["commit"] or "") for o in outcomes(study.name, folder)}
    return [f"`{length}` is {note}" for length, note in found.items() if note]


def _section(study: Study[Any], folder: Path) -> str:
    notes = [f"**{note}.**" for note in _notes(study, folder)]
    parts = [f"## {study.name} {study.title}", *notes, f"*{study.source}.* {study.claim}"]
    found = outcomes(study.name, folder)
    if found:
        parts.append(f"![{study.title}]({FIGURES}/{found[0].study}.{found[0].length}.png)\n\n{study.caption}")
    parts += [_outcome(study, outcome, short=outcome.length == FAST and outcome is not found[0]) for outcome in found]
    missing = [length for length in study.lengths if length not in [outcome.length for outcome in found]]
    parts += [f"`lnlbench study run {study.name} --{length}`: not yet run." for length in missing]
    if study.less:
        parts.append(f"**What `laptop` has less of than `full`:** {study.less}")
    if study.discrepancies:
        parts.append("**Where the sources disagree**")
        parts.append("\n".join(f"- {text}" for text in study.discrepancies))
    return "\n\n".join(parts) + "\n"


def _outcome(study: Study[Any], outcome: Outcome, short: bool) -> str:
    """Return what an outcome says: of a `short` one how many criteria hold, and why one fails."""
    now = {_key(criterion): criterion for criterion in study.criteria}
    verdicts = [Verdict(now.get(_key(v.criterion), v.criterion), v.values) for v in outcome.verdicts]
    made = outcome.made
    lines = [
        f"`{_command(study, outcome)}`: {_share(outcome)}; {outcome.seconds:.0f} s on "
        f"{made['hardware']}, {made['date']}, commit {made['commit'] or 'unknown'}."
    ]
    if not short:
        config = ", ".join(f"{name} = {_text(value)}" for name, value in outcome.config.items())
        reasons = [v.criterion.ours for v in verdicts if v.criterion.ours]
        lines += [
            f"Configuration: {config}.",
            "",
            table(["", "criterion", "measured", "threshold", ""], _rows(verdicts)),
        ]
        lines += ["", f"[ours] {' '.join(dict.fromkeys(reasons))}"] if reasons else []
    failed = dict.fromkeys(verdict.criterion.name for verdict in outcome.failed)
    if failed:
        lines.append("")
    lines += [f"**{name} fails.** {study.analysis.get(name, 'The cause is not known.')}" for name in failed]
    return "\n".join(lines)


def _rows(verdicts: Iterable[Verdict]) -> list[list[str]]:
    rows = []
    for verdict in verdicts:
        criterion = verdict.criterion
        mark = {"fails": "**fails**", "informational": "*informational*"}.get(verdict.word, verdict.word)
        threshold = criterion.threshold + (" [ours]" if criterion.ours else "")
        rows.append([criterion.name, criterion.claim, verdict.measured, threshold, mark])
    return rows


def _command(study: Study[Any], outcome: Outcome) -> str:
    """Return the command that makes an outcome, with the fields that differ from the study's."""
    usual, found = json.loads(json.dumps(asdict(study.configuration(outcome.length)))), outcome.config
    changed = {name: found[name] for name in usual if name in found and found[name] != usual[name]}
    texts = {name: json.dumps(value) if isinstance(value, list) else value for name, value in changed.items()}
    words = [shlex.quote(f"{name}={text}") for name, text in texts.items()]
    return " --set ".join([f"lnlbench study run {study.name} --{outcome.length}", *words])


def _key(criterion: Criterion) -> tuple[str, ...]:
    """Return the identity of a criterion within its study, in old outcomes too.

    What gates is judged by the bounds that it was run with; a claim, which makes nothing fail, by those of today.
    """
    bounds = "" if criterion.interval else criterion.threshold
    return criterion.name, criterion.measure, criterion.only, bounds


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_text(item) for item in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _anchor(study: Study[Any]) -> str:
    kept = "".join(c for c in f"{study.name} {study.title}".lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
