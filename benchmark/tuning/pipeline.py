"""The whole of `lnlbench tune`: search, score, retrain the winners, and report the gain."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.splits import images_of
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.executors.base import PATIENCE
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import Chosen, choose_methods
from lnlbench.benchmark.sweep.scheduler import Report, sweep
from lnlbench.benchmark.sweep.worker import Event
from lnlbench.benchmark.tuning import tabular
from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.front import refuse_flat
from lnlbench.benchmark.tuning.gains import Gains, gains, told_by
from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.page import refuse_to_lose
from lnlbench.benchmark.tuning.progress import Progress
from lnlbench.benchmark.tuning.report import write as write_report
from lnlbench.benchmark.tuning.scoring import Scorer
from lnlbench.benchmark.tuning.search import search
from lnlbench.benchmark.tuning.search_spec import SearchSpec, specs_of
from lnlbench.benchmark.tuning.summary import in_vain, record, row
from lnlbench.datasets.loading.images import Images, load
from lnlbench.leaderboard.ranking.confirming import DEFAULTS, KEPT
from lnlbench.leaderboard.results.form import SEARCHED, UNCONFIRMED
from lnlbench.leaderboard.store.claims import new_owner
from lnlbench.leaderboard.store.patience import OUTAGE
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._compose import Composition
from lnlbench.methods._registry import methods

ALL = "all"
"""In place of methods: every registered one that is trained."""


@dataclass(frozen=True)
class Plan:
    """The searches of a tuning, and which of them serves each run of the grid."""

    served: dict[str, tuple[SearchSpec, Run]]  # by the key of the run with the registered defaults

    @property
    def specs(self) -> list[SearchSpec]:
        """The searches, each once."""
        return list({spec.name: spec for spec, _ in self.served.values()}.values())


def plan(
    targets: Iterable[str],
    texts: str,
    replicates: str,
    changes: dict[str, Any],
    options: Options,
    name: str = "tune",
    per_setting: bool = False,
    precision: str = "auto",
) -> Plan:
    """Plan the searches and runs of a command line; arguments as in `grid`.

    Args:
        targets: suites, settings and patterns.
        texts: methods with commas, as `choose` gives them.
        replicates: of the winners.
        changes: fields of the settings to change.
        options: where the data sets are, and the plug-ins that `choose` gave.
        name: of the tuning.
        per_setting: search in every setting and not only at the reference rate of its noise family.
        precision: as in `fit`.

    Raises:
        SettingError, MethodError, DataError, ModelError, ExecutionError: something of this does not exist.
    """
    runs = grid(targets, texts, replicates, changes, options, precision=precision, blind=True)
    return Plan(specs_of(runs, lambda dataset: images_of(dataset, options.data_dir, True), name, per_setting))


def choose(texts: str, plugins: Iterable[Path]) -> Chosen:
    """Resolve methods as `choose_methods` does, where "all" stands for every method that is trained.

    Raises:
        MethodError: as `choose_methods`.
    """
    if texts.strip() != ALL:
        return choose_methods(texts, plugins)
    return replace(choose_methods(plugins=plugins), texts=tuple(trained()))


def trained() -> list[str]:
    """Return every registered method that is more than a reading of another one's history."""
    return [name for name, method in methods().items() if not Composition((method(),)).is_reading]


def forecast(found: Plan, budget: Budget, options: Options) -> list[dict[str, Any]]:
    """Return the searches and retrained runs of a tuning, without making anything.

    Raises:
        TuneError: the cost that is to be searched for does not vary.
    """
    refuse_flat(found.specs, budget)
    held: Collection[str] = ()
    if options.store.exists:
        with StoreReader(options.store) as store:
            held = store.stored()
    rows = []
    for spec in found.specs:
        serves = sorted({run.setting.name for one, run in found.served.values() if one.name == spec.name})
        ranges = ", ".join(f"{name} {text}" for name, text in spec.space.describe().items())
        made = spec.trial(0, None).key in held
        splits = spec.splits(budget)
        rows.append(
            {
                "study": spec.name,
                "trials": budget.trials,
                "configurations": budget.configurations(splits),
                "splits": splits,
                "confirming": KEPT * budget.draws,
                "begun": made,
                "ranges": ranges,
                "for": serves,
            }
        )
    return rows


def make(
    found: Plan,
    budget: Budget,
    options: Options,
    storage: str | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    both: bool = False,
    retrain: Callable[[int], None] = lambda count: None,
) -> tuple[list[Outcome], list[Run], Report]:
    """Search, score and retrain, except where it is done already.

    Args:
        found: the plan.
        budget: of every search.
        options: how runs are made.
        storage: the database of the searches; beside the store by default.
        watch: called with what happens.
        both: run the defaults too, and the choice of the search alone where it is another one.
        retrain: called once the searches are closed, with how many runs follow, stored ones among them.

    Returns:
        the closed searches with test scores, the runs, and what became of these; a method of which every trial failed
        has no runs.

    Raises:
        TuneError: a search was made otherwise, or the cost that is to be searched for does not vary.
        StoreError: the store or the searches' database cannot be used; what is done so far is kept.
    """
    refuse_flat(found.specs, budget)
    closed = search(found.specs, budget, options, storage, watch)
    with Store(options.store, patience=OUTAGE) as store:
        closed = _scored(closed, options, store)  # only now, and nothing is asked or told any more
        runs = []
        for spec, run in found.served.values():
            if closed[spec.name].lost:
                continue
            reading = run if run.host is not None else None
            outcome, cell = closed[spec.name], (run.setting, run.fingerprint, run.replicate, reading)
            runs.append(outcome.tuned(*cell))
            if both:
                runs.append(run)
            if both and outcome.searched.number not in (DEFAULTS, outcome.winner.number):
                runs.append(outcome.tuned(*cell, UNCONFIRMED))
        hosts = [run.host for run in runs if run.host is not None and run.track not in SEARCHED]
        every = [*hosts, *runs]
        retrain(len({run.key for run in every}))
        report = sweep(every, options, watch, OUTAGE)
        for outcome in closed.values():
            record(outcome, store)
    return list(closed.values()), runs, report


@dataclass(frozen=True)
class Done:
    """The results of a tuning: a row per search, why searches and runs of winners failed, what each setting won."""

    rows: list[dict[str, Any]]
    failed: list[str]
    won: Sequence[Gains] = ()


def tune(
    found: Plan,
    budget: Budget,
    options: Options,
    storage: str | None = None,
    page: Path | None = None,
    command: str = "",
    say: Callable[[str], None] = lambda line: None,
    both: bool = False,
    curves: Path | None = None,
) -> Done:
    """Run `make`, report its progress line by line, and write its page.

    Raises:
        TuneError, StoreError: as `make`; the page cannot be written, or would lose searches that it holds.
    """
    if page is not None:
        refuse_to_lose(page, found.specs, budget)
    progress = Progress(budget.trials * len(found.specs), say)
    outcomes, runs, report = make(found, budget, options, storage, progress.watch, both, progress.retrain)
    settings = dict.fromkeys(run.setting.name for run in runs)
    with StoreReader(options.store) as store:
        results = list(store.stream(settings={*settings}, predictions=False))
    wanted = {run.key for run in runs} | {run.key for _, run in found.served.values()}
    chosen, hosts = [result for result in results if result.key in wanted], {result.key: result for result in results}
    if page is not None:
        for path in write_report(page, outcomes, chosen, command, hosts):
            say(f"written: {path}")
    if curves is not None:
        say(f"written: {tabular.write(curves, outcomes)} trials, {curves}")
    lost = [f"{outcome.spec.name}: {said}" for outcome in outcomes if (said := in_vain(outcome))]
    won = [gains(setting, chosen, told_by(outcomes), hosts) for setting in settings]
    return Done([row(outcome) for outcome in outcomes], [*lost, *report.failed.values()], won)


def _scored(closed: Mapping[str, Outcome], options: Options, store: Store) -> dict[str, Outcome]:
    """Return closed searches with their scores, in the given order.

    Images are loaded once for all searches of a data set that follow each other, and draws made once for all of a
    setting. Both end with this call: no process that searches after it holds test labels because of it.
    """
    alike: dict[Hashable, list[str]] = {}
    for name, outcome in closed.items():
        alike.setdefault(outcome.spec.trial(0, None).data_key, []).append(name)
    found, images = dict(closed), dict[str, Images]()
    for names in alike.values():
        dataset = closed[names[0]].spec.run.setting.dataset
        if dataset not in images:
            images = {dataset: load(dataset, options.data_dir)}
        scorer = Scorer(images[dataset], options, store)
        for name in names:
            with _claimed(f"score:{closed[name].spec.key}", store):
                found[name] = scorer.outcome(closed[name])
    return found


@contextmanager
def _claimed(key: str, store: Store) -> Iterator[None]:
    """Claim a key while no other process does."""
    owner = new_owner()
    while not store.claims.acquire(key, owner):
        time.sleep(PATIENCE)
    try:
        with store.claims.keep(key, owner):
            yield
    finally:
        store.claims.release(key, owner)
