"""What the command line shows: tables, progress, and the texts after a command."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import os
import platform
import sys
import webbrowser
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from lnlbench.benchmark import settings
from lnlbench.benchmark.listed import kept
from lnlbench.benchmark.settings import SettingError
from lnlbench.leaderboard.terminal import Fitted, glued

if TYPE_CHECKING:
    from lnlbench.benchmark import conformance
    from lnlbench.benchmark.compare import Verdict
    from lnlbench.benchmark.options import Options
    from lnlbench.benchmark.runs import Run
    from lnlbench.benchmark.sweep import Report
    from lnlbench.benchmark.work import Event
    from lnlbench.leaderboard.result import Result

Rows = list[dict[str, Any]]
TRACKS = ("default", "tuned", "paper", "open")
LISTED = 8  # names in a message
FORMS = ("terminal", "markdown", "latex", "csv", "json")
PACKAGES = ("lnlbench", "torch", "timm", "mlflow", "optuna", "datasets", "scikit-learn")


def listing(what: str, data_dir: Path | None, plugins: Sequence[Path]) -> Rows:
    """What there is of a kind.

    Raises:
        SettingError: no such kind.
    """
    kinds = {
        "methods": lambda: _methods(plugins),
        "settings": _settings,
        "suites": _suites,
        "datasets": lambda: _datasets(data_dir),
        "models": _models,
    }
    if what not in kinds:
        close = get_close_matches(what, kinds, n=1)
        raise SettingError(
            f"cannot list {what!r}; {f'did you mean {close[0]!r}? ' if close else ''}known: {', '.join(kinds)}"
        )
    return kinds[what]()


def table(rows: Rows) -> Fitted:
    """Rows of the same columns as a table."""
    return Fitted([*rows[0]] if rows else [], [[*map(_text, row.values())] for row in rows])


def assignments(texts: Sequence[str]) -> dict[str, Any]:
    """Fields and values of texts such as `lr=0.1`.

    Raises:
        SettingError: a text without a field or a value.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise SettingError(f"a changed field is written name=value, as in lr=0.1, but got {text!r}")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found


def followed(runs: Sequence[Run], options: Options, quiet: bool) -> Report:
    """Make the runs with a progress bar on stderr that counts epochs and shows the time left."""
    from lnlbench.benchmark.sweep import sweep

    by_key = {run.key: run for run in runs}
    console = Console(stderr=True, quiet=quiet)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console) as progress:
        trained = [run for run in runs if run.host is None]
        total = sum(run.setting.epochs for run in trained)
        task = progress.add_task(f"{len(runs)} runs", total=total)
        seen: dict[str, int] = {}

        def watch(event: Event) -> None:
            run = by_key[event.key]
            epochs = run.setting.epochs if run.host is None else 0
            now = min(event.epoch + 1, epochs) if event.kind == "epoch" else epochs
            progress.advance(task, max(0, now - seen.get(event.key, 0)))
            seen[event.key] = max(now, seen.get(event.key, 0))
            if event.kind == "failed":
                what = f" {run.setting.name} {run.name} s{run.replicate}: {event.reason}"
                console.print(Text.assemble(("failed", "red"), what))

        return sweep(runs, options, watch)


def report(found: Report, runs: Sequence[Run]) -> dict[str, Any]:
    """What a sweep did, JSON-able."""
    names = {run.key: f"{run.setting.name} {run.name} s{run.replicate}" for run in runs}
    failed = [{"run": names[key], "key": key, "reason": reason} for key, reason in found.failed.items()]
    return {"made": found.done, "stored": found.stored, "failed": failed, "seconds": round(found.seconds, 2)}


def summary(found: Report, runs: Sequence[Run]) -> str:
    """What a sweep did, and what to do next."""
    lines = [f"{len(found.done)} runs made, {len(found.stored)} stored before, in {found.seconds:.1f} s."]
    lines += [f"failed: {failure['run']}: {failure['reason']}" for failure in report(found, runs)["failed"]]
    lines.append("Next: `lnlbench leaderboard` ranks them, `lnlbench ui` opens them in MLflow.")
    return "\n".join(lines)


def stored(
    targets: Sequence[str], source: Path | None, tracking_uri: str | None, database: str | None, track: str = ""
) -> list[Result]:
    """The results of suites and settings, or all, from an archive or from the store; of one track, or of all.

    Raises:
        SettingError: nothing is there.
        StoreError: the store or the archive cannot be used.
    """
    from lnlbench.leaderboard.archive import read
    from lnlbench.leaderboard.reader import read_results
    from lnlbench.leaderboard.references import base
    from lnlbench.leaderboard.store import exists

    def held(wanted: set[str] | None) -> list[Result]:
        if source is not None:
            return [result for result in read(source) if wanted is None or base(result.setting) in wanted]
        return read_results(tracking_uri, database, wanted) if exists(tracking_uri) else []

    results = held({setting.name for setting in settings.find(targets)} if targets else None)
    if track:
        if track not in TRACKS:
            close = get_close_matches(track, TRACKS, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise SettingError(f"unknown track {track!r}; {hint}known: {', '.join(TRACKS)}")
        results = [result for result in results if result.track == track]
    if results:
        return results
    others = sorted({f"{result.setting} ({result.track})" for result in held(None)})
    if others:
        what = (f" of {' '.join(targets)}" if targets else "") + (f" in the track {track}" if track else "")
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        raise SettingError(f"nothing is stored{what}; there is: {', '.join(others[:LISTED])}{more}")
    raise SettingError("nothing is stored yet that could be ranked; `lnlbench run digits` is a first run")


def board_rules(rule: str, form: str, gap: bool, published: bool = False) -> list[str]:
    """The rules of a comma-separated list, if boards can be shown under them in that form.

    Raises:
        SettingError: an unknown rule or form.
    """
    from lnlbench.leaderboard.rules import rule_named

    rules = [name.strip() for name in rule.split(",")]
    try:
        for name in rules:
            rule_named(name)
    except ValueError as error:
        raise SettingError(str(error)) from None
    if form not in FORMS:
        raise SettingError(f"unknown format {form!r}; known: {', '.join(FORMS)}")
    for name, wanted in (("--gap", gap), ("--published", published)):
        if wanted and form not in FORMS[:2]:
            raise SettingError(f"{name} is a text for {' and '.join(FORMS[:2])}, not for {form}")
    return rules


def leaderboard(
    results: Sequence[Result], rules: Sequence[str], form: str, methods: str, gap: bool, published: bool = False
) -> Any:
    """The boards of results, in one of `FORMS`.

    Raises:
        SettingError: a method that nothing is stored of.
    """
    from rich.console import Group
    from rich.markdown import Markdown

    from lnlbench.leaderboard.gap import gaps
    from lnlbench.leaderboard.gap import to_markdown as gap_table
    from lnlbench.leaderboard.published.beside import HEADER, NOTHING, beside
    from lnlbench.leaderboard.published.beside import table as published_rows
    from lnlbench.leaderboard.published.beside import to_markdown as published_table
    from lnlbench.leaderboard.table import boards, to_csv, to_json, to_latex, to_markdown, to_rich
    from lnlbench.methods.parse import split_methods

    shown = [" ".join(text.split()) for text in split_methods(methods)] or None
    labels = {result.label for result in results}
    if missing := set(shown or ()) - labels - {result.method for result in results}:
        raise SettingError(f"nothing is stored of {sorted(missing)[0]!r}; there is: {', '.join(sorted(labels))}")
    found = boards(results, rules, shown)
    tables = [gap_table([one for one in gaps(results) if shown is None or one.method in shown])] if gap else []
    pairs = [one for one in beside(results) if shown is None or one.label in shown] if published else []
    if form == "terminal":
        parts: list[Any] = [part for board in found for part in (to_rich(board), "")]
        parts += map(Markdown, tables)
        if published:
            rows = [[*map(glued, line)] for line in published_rows(pairs)]
            parts.append(Fitted(HEADER, rows, repeated=2) if rows else Text(NOTHING))
        return Group(*parts)
    if published:
        tables.append(published_table(pairs))
    if form == "json":
        return f"[{', '.join(map(to_json, found))}]"
    if form == "csv":  # one table: every line says of which board it is
        first, *others = map(to_csv, found)
        return first + "".join(text.partition("\n")[2] for text in others)
    if form == "latex":
        return "\n".join(map(to_latex, found))
    return "\n\n".join([*map(to_markdown, found), *tables])


def served(
    setting: str, tracking_uri: str | None, database: str | None, port: int, browser: bool, echo: Callable[[str], None]
) -> None:
    """Bring the views of a store up to date, serve it until Ctrl-C, and say where its views are.

    Raises:
        SettingError: nothing is stored of that setting.
        StoreError: the store cannot be used.
    """
    from lnlbench.leaderboard.showcase import prepare
    from lnlbench.leaderboard.store import Store, serve

    store = Store(tracking_uri, database)
    paths = prepare(store)
    first = setting or next(iter(paths), "")
    if first not in paths and (first or paths):
        first = next((name for name in paths if name.startswith(f"{setting}:")), "")
        if not first:
            raise SettingError(f"nothing is stored of {setting!r}; there is: {', '.join(paths) or 'nothing'}")
    process = None if store.artifacts is None else serve(store, port=port)
    address = store.uri if process is None else f"http://127.0.0.1:{port}"
    echo(f"MLflow is at {address}{paths.get(first, '/#/experiments')}")
    for name in sorted(paths.keys() - {first}):
        echo(f"  {name}: {address}{paths[name]}")
    if browser and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY")):
        webbrowser.open(address + paths.get(first, ""))
    if process is None:
        return
    echo("Ctrl-C ends it.")
    try:
        process.wait()
    except KeyboardInterrupt:
        echo("ended")
    finally:
        process.terminate()
        process.wait()


def page(
    path: Path, results: Sequence[Result], ui: str, methods: str, tracking_uri: str | None, database: str | None
) -> str:
    """Write the page of results, and say so.

    Raises:
        SettingError: a choice that the page leaves to its reader.
        StoreError: the file cannot be written, or the address is none.
    """
    from lnlbench.leaderboard import files
    from lnlbench.leaderboard.page import page as html
    from lnlbench.leaderboard.store import Store

    if methods:
        raise SettingError("--methods is for tables; the page has all methods, and filters of its own")
    links = Store(tracking_uri, database).links(ui) if ui else {}
    files.write_all(path.absolute().parent, {path.name: html(results, links)})
    return f"{len(results)} results in {path}; open it in any browser"


def diagnosis(data_dir: Path | None, tracking_uri: str | None, database: str | None) -> Rows:
    """Versions, device, data sets at hand, store: each "ok", "missing" or "broken"."""
    from lnlbench.benchmark.execution import default_jobs, execution
    from lnlbench.leaderboard.errors import StoreError
    from lnlbench.leaderboard.store import Store, exists

    def row(what: str, state: str, detail: str) -> dict[str, str]:
        return {"what": what, "state": state, "detail": detail}

    rows = [row("python", "ok", platform.python_version())]
    for name in PACKAGES:
        try:
            rows.append(row(name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append(row(name, "missing", f"pip install {name}"))
    how = execution()
    rows.append(row("device", "ok", f"{how.device}, {how.describe()}, {how.precision}, {default_jobs()} processes"))
    rows += [
        row(card["dataset"], "ok" if card["from"] else "missing", card["from"] or "will be downloaded from the Hub")
        for card in _datasets(data_dir)
    ]
    try:
        if not exists(tracking_uri):  # looking must not make one: that takes seconds
            return [*rows, row("store", "missing", "the first run makes it")]
        store = Store(tracking_uri, database)
        rows.append(row("store", "ok", f"{store.uri}, {len(store.stored())} runs"))
    except StoreError as error:
        rows.append(row("store", "broken", str(error)))
    return rows


def checked(text: str, plugins: Sequence[Path], quiet: bool) -> list[conformance.Report]:
    """The conformance reports of the methods of a file, or of one text, with what is being checked on stderr.

    Raises:
        MethodError: no such file or method.
    """
    from lnlbench.benchmark.conformance import report_of
    from lnlbench.benchmark.plugins import plugged
    from lnlbench.methods.parse import parse, split_methods

    texts = split_methods(plugged(text, plugins)[0])
    for one in texts or [text]:
        parse(one)
    console = Console(stderr=True, quiet=quiet)
    with console.status("") as status:
        return [report_of(one, lambda name, one=one: status.update(f"{one}: {name}")) for one in texts]  # type: ignore[misc]


def compared(found: Sequence[Verdict]) -> Any:
    """Comparisons as tables with a sentence each; accuracies in percent, differences in points."""
    from rich.console import Group

    def points(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f}"

    parts: list[Any] = []
    for one in found:
        for setting, rows in groupby(one.rows, lambda row: row.setting):
            header = ["against", one.method, "other", "difference", "p (Holm)", "n", "verdict"]
            lines = [
                [
                    row.other,
                    points(row.mean),
                    points(row.other_mean),
                    glued(f"{100 * row.test.difference:+.2f} ± {points(row.test.half)}"),
                    "-" if row.test.p is None else f"{row.test.p:.3f}",
                    str(row.test.n),
                    row.verdict.removesuffix(f" with {row.test.n} replicates"),
                ]
                for row in rows
            ]
            parts += [Text(setting, "bold"), Fitted(header, lines), ""]
        origin = f"{one.made} runs made, {one.from_store} from the store, {one.from_package} from the package."
        texts = [f"Rule {one.rule}; paired t over replicates. {one.sentence}", origin]
        parts += map(Text, [*texts, *(f"Not reused: {why}." for why in one.not_reused)])
    return Group(*parts)


def verdicts(reports: Sequence[conformance.Report]) -> Any:
    """Conformance reports as tables, and what to do next."""
    from rich.console import Group

    parts: list[Any] = []
    for one in reports:
        faults = f"{one.faults} faults" if one.faults else "no fault"
        parts += [table(one.rows()), Text(f"{one.method}: {faults}, in {one.seconds:.0f} s.")]
    return Group(*parts)


FOLDER = Path(__file__).parent


def _methods(plugins: Sequence[Path]) -> Rows:
    """Ours are kept; with files or packages of others, whose imports nobody knows, the list is made anew."""
    if plugins or importlib.metadata.entry_points(group="lnlbench.methods"):
        return _registered(plugins)
    sources = [*(FOLDER.parent / "methods").glob("*.py"), Path(__file__)]
    return kept("methods", sources, lambda: _registered(()))


def _registered(plugins: Sequence[Path]) -> Rows:
    from lnlbench.methods.registry import load_file, methods

    for path in plugins:
        load_file(path)
    rows = []
    for name, method in methods().items():
        about = inspect.getdoc(inspect.getmodule(method)) or ""
        told = ", ".join(method.told) or "nothing"
        rows.append({"method": str(method()), "what": about.splitlines()[0] if about else name, "told": told})
    return rows


def _settings() -> Rows:
    members = {setting.name: setting for suite in settings.suites().values() for setting in suite}
    return [
        {"setting": name, "dataset": s.dataset, "model": s.model, "epochs": s.epochs, "batch": s.batch_size, "lr": s.lr}
        for name, s in members.items()
    ]


def _suites() -> Rows:
    return [
        {"suite": name, "settings": [s.noise if s.task == name else s.name for s in members]}
        for name, members in settings.suites().items()
    ]


def _datasets(data_dir: Path | None) -> Rows:
    from lnlbench.datasets.card import cards
    from lnlbench.datasets.images import locate

    return [
        {
            "dataset": name,
            "classes": card.classes,
            "train": card.train_size,
            "test": card.test_size,
            "from": locate(name, data_dir),
        }
        for name, card in cards().items()
    ]


def _models() -> Rows:
    return kept("models", [FOLDER / "models.py", Path(__file__)], _networks)


def _networks() -> Rows:
    from lnlbench.benchmark import models

    own = [
        {"model": name, "what": (inspect.getdoc(getattr(models, name)) or "").splitlines()[0]} for name in models.OWN
    ]
    return [*own, {"model": "any timm name", "what": "such as resnet18 or resnet34; `timm.list_models()` has them all"}]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
