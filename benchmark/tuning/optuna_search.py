"""Optuna: one process asks and tells, the sweep makes the trials; the only file that imports optuna."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.sweep.executors.base import PATIENCE
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.sweep.worker import Event
from lnlbench.benchmark.tuning.study import STARTUP, Budget, Outcome, Study, Told, TuneError, accuracy_of, told_value
from lnlbench.benchmark.tuning.trials import Trial, bar_of
from lnlbench.leaderboard.home import home
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.claims import ClaimLost, Heartbeat, new_owner
from lnlbench.leaderboard.store.patience import OUTAGE
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._errors import MethodError
from lnlbench.methods.base import Range

INDEX, DEFAULTS = "index", "defaults"  # a trial's user attributes
CLOSED, DEFINITION, FAILED = "closed", "definition", "failed:"  # a study's


class Search:
    """One study in Optuna's database, while this process owns it.

    A round of trials is asked for at once and told in order, each with a sampler seeded by the trial's place: a study
    that is killed and called again asks for what it would have asked for.

    Raises:
        TuneError: the database holds a study of this name that was made otherwise.
        StoreError: the database cannot be used.
    """

    def __init__(self, study: Study, budget: Budget, storage: optuna.storages.RDBStorage, store: Store) -> None:
        self.study, self.budget = study, budget
        self.optuna = optuna.create_study(
            storage=storage, study_name=study.name, direction="maximize", load_if_exists=True
        )
        wanted = json.loads(json.dumps(study.definition(budget)))
        held = self.optuna.user_attrs.get(DEFINITION)
        if held is not None and "precision" not in held:  # from before definitions named it
            held = held | {"precision": study.precision_in(store.stored())}
        if held is None:
            self.optuna.set_user_attr(DEFINITION, wanted)
        elif held != wanted:
            names = [name for name in {**held, **wanted} if held.get(name) != wanted.get(name)]
            told = "; ".join(f"{name} {held.get(name, 'absent')}, not {wanted.get(name, 'absent')}" for name in names)
            raise TuneError(f"the study {study.name!r} was made with {told}; --study NAME starts another")
        self.distributions = {name: distribution(span) for name, span in study.space.ranges.items()}

    @property
    def closed(self) -> bool:
        """Whether all trials are told."""
        return bool(self.optuna.user_attrs.get(CLOSED))

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Trials of these states in order, without those that were never wholly asked for."""
        found = [trial for trial in self.optuna.get_trials(deepcopy=False, states=states) if INDEX in trial.user_attrs]
        return sorted(found, key=lambda trial: int(trial.user_attrs[INDEX]))

    def round(self, store: Store) -> list[Trial]:
        """Return the trials to make now, asked for as far as a killed process has not; none if the study is closed."""
        for broken in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if INDEX not in broken.user_attrs:  # killed in the middle of asking: it never was a trial
                self.optuna.tell(broken.number, state=TrialState.FAIL)
        over, running = self.trials(TrialState.COMPLETE), self.trials(TrialState.RUNNING)
        begin, end = self.budget.round(len(over))
        for index in range(len(over) + len(running), end):
            running.append(self.ask(index))
        bar = self.bar(store, over[:begin]) if self.budget.prune else ()
        return [made for made in (self.run(trial, bar) for trial in running) if made is not None]

    def ask(self, index: int) -> FrozenTrial:
        """Ask for the trial of a place; that of the first are the registered defaults."""
        self.optuna.sampler = sampler(self.budget.sampler, seed("tune", self.budget.seed, index) % 2**32)
        if index == 0 and not self.optuna.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.optuna.enqueue_trial(self.study.space.defaults, user_attrs={DEFAULTS: True})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the sampler's fits, which concern nobody here
            trial = self.optuna.ask(self.distributions)
        trial.set_user_attr(INDEX, index)
        return next(found for found in self.trials(TrialState.RUNNING) if found.number == trial.number)

    def run(self, trial: FrozenTrial, bar: Sequence[float] = ()) -> Trial | None:
        """Return the run of an asked trial; None where the method refuses its values together."""
        values = None if trial.user_attrs.get(DEFAULTS) else trial.params
        try:
            return self.study.trial(int(trial.user_attrs[INDEX]), values, bar)
        except MethodError:
            return None

    def bar(self, store: Store, over: Sequence[FrozenTrial]) -> tuple[float, ...]:
        """Return the bar that a trial of this round must reach: the median of the rounds before."""
        stored, runs = store.stored(), [self.run(trial) for trial in over]
        results = [store.result(run.key) for run in runs if run is not None and run.key in stored]
        return bar_of([found.curves["validation_accuracy"] for found in results], self.study.run.setting.epochs)

    def tell(self, store: Store, failed: dict[str, str]) -> None:
        """Tell the round that was made, in order; close the study with the last trial."""
        first = next(iter(self.trials(TrialState.COMPLETE)), None)
        anchor = None if first is None else self.told(store, first).validation
        for trial in self.trials(TrialState.RUNNING):
            index, run = int(trial.user_attrs[INDEX]), self.run(trial)
            reason = "its values exclude each other" if run is None else failed.get(run.key, "")
            if reason:
                self.optuna.set_user_attr(f"{FAILED}{index}", reason)
            told = self.told(store, trial)
            anchor = told.validation if index == 0 else anchor
            value = told_value(told.validation, anchor, self.study.size, self.study.classes)
            self.optuna.tell(trial.number, value)
        if len(self.trials(TrialState.COMPLETE)) == self.budget.trials:
            self.optuna.set_user_attr(CLOSED, True)

    def told(self, store: Store, trial: FrozenTrial) -> Told:
        """Return a trial with its stored result."""
        run, index = self.run(trial), int(trial.user_attrs[INDEX])
        reason = str(self.optuna.user_attrs.get(f"{FAILED}{index}", ""))
        if run is None or reason:
            return Told(index, dict(trial.params), run, None, reason=reason)
        values = {name: self._of(run, name) for name in self.distributions}
        result = store.result(run.key)
        seconds = float(result.cost["total_seconds"])
        return Told(index, values, run, accuracy_of(result), seconds, "diverged" if result.diverged else "")

    def outcome(self, store: Store) -> Outcome:
        """Return the closed study, not scored yet."""
        trials = [self.told(store, trial) for trial in self.trials(TrialState.COMPLETE)]
        return Outcome(self.study, self.budget, tuple(trials), self.importance())

    def importance(self) -> dict[str, float]:
        """Return the share of the objective's variance that each value explains (fANOVA, Hutter et al., ICML 2014)."""
        values = {trial.value for trial in self.trials(TrialState.COMPLETE)}
        if len(values) < 2:  # nothing varies
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(self.optuna, evaluator=evaluator)
        return {name: float(value) for name, value in found.items()}

    def _of(self, run: Trial, name: str) -> Any:
        part, _, field = name.rpartition(".")
        return getattr(next(found for found in run.method.parts if found.name == part) if part else run.setting, field)


def search(
    studies: Sequence[Study],
    budget: Budget,
    options: Options,
    storage_url: str | None = None,
    watch: Callable[[Event], None] = lambda event: None,
) -> dict[str, Outcome]:
    """Close studies: those that nobody else is working on here, then wait for the others.

    Several studies advance together, a round at a time, so that many trials can be made at once.

    Returns:
        by name, in the given order; without test scores.

    Raises:
        TuneError: a study of that name was made otherwise.
        StoreError: the store or the studies' database cannot be used; what is done so far is kept.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store, owner = Store(options.store, patience=OUTAGE), new_owner()
    url = storage_url or default_storage(store)
    found: dict[str, Outcome] = {}
    with explained(url):
        storage = _storage(url)
        waiting, owned = list(studies), dict[str, _Owned]()
        try:
            for study in studies:
                Search(study, budget, storage, store)  # refuses what differs before anything is made
            while waiting or owned:
                for study in list(waiting):
                    if len(owned) < 4 * max(1, options.jobs) and store.claims.acquire(study.key, owner):
                        waiting.remove(study)
                        held = ExitStack()
                        held.callback(store.claims.release, study.key, owner)
                        beat = held.enter_context(store.claims.keep(study.key, owner))
                        owned[study.name] = _Owned(Search(study, budget, storage, store), beat, held)
                if not owned:
                    time.sleep(PATIENCE)
                    continue
                waiting += _let_go(owned)
                rounds = {name: one.search.round(store) for name, one in owned.items() if not one.search.closed}
                report = sweep([run for runs in rounds.values() for run in runs], options, watch)
                waiting += _let_go(owned)
                for name, one in list(owned.items()):
                    if not one.search.closed:
                        one.search.tell(store, report.failed)
                    if one.search.closed:
                        found[name] = one.search.outcome(store)
                        del owned[name]
                        one.held.close()
        finally:
            for one in owned.values():
                one.held.close()
            storage.remove_session()
            storage.engine.dispose()
            store.close()
    return {study.name: found[study.name] for study in studies}


class _Owned(NamedTuple):
    """A study that this process works on, and its claim."""

    search: Search
    beat: Heartbeat
    held: ExitStack


def _let_go(owned: dict[str, _Owned]) -> list[Study]:
    """Drop the studies that another process has taken over, and return them: they are waited for."""
    lost = []
    for name, one in list(owned.items()):
        try:
            one.beat.check()
        except ClaimLost:
            one.held.close()
            lost.append(owned.pop(name).search.study)
    return lost


def default_storage(store: Store) -> str:
    """Return the searches' database: beside a store in a file, else at home. Optuna's tables clash with MLflow's."""
    file = store.address.file
    return f"sqlite:///{(file.parent if file else home()) / 'studies.db'}"


def sampler(name: str, number: int) -> BaseSampler:
    """Return a sampler of `tuning.SAMPLERS` from its seed."""
    if name == "gp":
        return GPSampler(seed=number, n_startup_trials=STARTUP)
    return TPESampler(seed=number, n_startup_trials=STARTUP) if name == "tpe" else RandomSampler(seed=number)


def distribution(span: Range) -> BaseDistribution:
    """Convert a declared range to an Optuna distribution."""
    if span.choices is not None:
        return CategoricalDistribution(span.choices)
    if span.low is None or span.high is None:
        raise TuneError(f"a range needs two ends, but got {span}")
    if isinstance(span.low, int) and isinstance(span.high, int):
        return IntDistribution(span.low, span.high, log=span.log)
    return FloatDistribution(span.low, span.high, log=span.log)


def _storage(url: str) -> optuna.storages.RDBStorage:
    """Optuna's storage, its tables made by one process at a time."""
    if file := db.sqlite_file(url):
        db.check_file(file)
    engine = db.engine(url)
    timeout = {"timeout": db.WAIT} if db.sqlite_file(url) else {}
    try:
        with db.alone(url, engine):
            return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": timeout})
    finally:
        engine.dispose()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what Optuna and its database raise into a StoreError of one line."""
    with db.explained(url):
        try:
            yield
        except optuna.exceptions.StorageInternalError as error:
            raise (error.__cause__ or OSError(str(error))) from error
