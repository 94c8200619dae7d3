"""Optuna: one process asks and tells, the sweep makes the trials."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.tuning import stages
from lnlbench.benchmark.tuning.budget import BEFORE, Budget, TuneError, resuming
from lnlbench.benchmark.tuning.front import told_cost
from lnlbench.benchmark.tuning.optuna_plots import COST, OBJECTIVE, View
from lnlbench.benchmark.tuning.optuna_samplers import SAMPLERS
from lnlbench.benchmark.tuning.outcome import Confirmed, FinishedTrial, Outcome
from lnlbench.benchmark.tuning.search_spec import SearchSpec, told_value
from lnlbench.benchmark.tuning.trials import Trial, bar_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._errors import MethodError
from lnlbench.methods.base import Range

INDEX, DEFAULTS = "index", "defaults"  # a trial's user attributes
CLOSED, DEFINITION, FAILED = "closed", "definition", "failed:"  # a search's
UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE


class Search:
    """One search in Optuna's database, while this process owns it.

    An Optuna trial is a configuration; it is trained on one split or several. A round of them is asked for at once
    and told in order, each with a sampler seeded by its place: a search that is killed and called again asks for
    the same configurations. Trainings that confirm follow from the told values, and are no Optuna trials.

    Raises:
        TuneError: the database holds a search of this name that was made otherwise.
        StoreError: the database cannot be used.
    """

    def __init__(self, spec: SearchSpec, budget: Budget, storage: optuna.storages.RDBStorage, store: Store) -> None:
        self.spec, self.budget, self.splits = spec, budget, spec.splits(budget)
        self.optuna = optuna.create_study(
            storage=storage, study_name=spec.name, directions=self._directions, load_if_exists=True
        )
        wanted = json.loads(json.dumps(spec.definition(budget)))
        held = self.optuna.user_attrs.get(DEFINITION)
        if held is None:
            self.optuna.set_user_attr(DEFINITION, wanted)
            self._introduce()
            held = wanted
        held = BEFORE | held
        if "precision" not in held:  # from before definitions named it
            held |= {"precision": spec.precision_in(store.stored())}
        if held != wanted:
            names = [name for name in {**held, **wanted} if held.get(name) != wanted.get(name)]
            told = "; ".join(f"{name} {held.get(name, 'absent')}, not {wanted.get(name, 'absent')}" for name in names)
            on = f"{options} goes on with it, " if (options := resuming(held, names)) else ""
            raise TuneError(f"the search {spec.name!r} was made with {told}; {on}--study NAME starts another")
        self.distributions = {name: distribution(span) for name, span in spec.space.ranges.items()}
        self._finished: dict[int, FinishedTrial] = {}  # by index: nothing changes in what is told

    def _introduce(self) -> None:
        """Show method and setting in Optuna's own dashboard."""
        for name, value in {"method": self.spec.run.text, "setting": self.spec.run.setting.name}.items():
            self.optuna.set_user_attr(name, value)
        self.optuna.set_user_attr("validation resolves, points", round(100 * self.spec.resolution, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.optuna.set_metric_names([OBJECTIVE, COST][: len(self._directions)])

    @property
    def _directions(self) -> list[StudyDirection]:
        return [UP, DOWN] if self.budget.cost else [UP]

    @property
    def closed(self) -> bool:
        """Whether all trials are told."""
        return bool(self.optuna.user_attrs.get(CLOSED))

    @property
    def searched(self) -> bool:
        """Whether all configurations are told."""
        return len(self.trials(TrialState.COMPLETE)) == self.budget.configurations(self.splits)

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Return trials of these states in order, without those whose asking was interrupted."""
        found = [trial for trial in self.optuna.get_trials(deepcopy=False, states=states) if INDEX in trial.user_attrs]
        return sorted(found, key=lambda trial: int(trial.user_attrs[INDEX]))

    def round(self, store: Store) -> list[Trial]:
        """Return the trials to make now, and ask for those that are not asked for yet; none if the search is closed."""
        for broken in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if INDEX not in broken.user_attrs:  # killed in the middle of asking: it never was a trial
                self.optuna.tell(broken.number, state=TrialState.FAIL)
        if self.searched:
            return self.confirming(self.finished(store))
        over, running = self.trials(TrialState.COMPLETE), self.trials(TrialState.RUNNING)
        begin, end = self.budget.round(len(over), self.splits)
        for index in range(len(over) + len(running), end):
            running.append(self.ask(index))
        bars = [self.bar(store, over[:begin], part) for part in range(self.splits)] if self.budget.prune else ()
        return [run for trial in running for run in self.runs(trial, bars)]

    def finished(self, store: Store) -> list[FinishedTrial]:
        """Return the configurations that are told, in order, each read from the store once."""
        trials = {int(trial.user_attrs[INDEX]): trial for trial in self.trials(TrialState.COMPLETE)}
        if unread := trials.keys() - self._finished.keys():
            runs, failures = {index: self.runs(trials[index]) for index in unread}, self.failures()
            results = stages.results_of([run for own in runs.values() for run in own], failures, store)
            for index in unread:
                self._finished[index] = self.told(trials[index], runs[index], results, failures)
        return [self._finished[index] for index in trials]

    def confirming(self, finished: Sequence[FinishedTrial]) -> list[Trial]:
        """Return the fresh trainings of all configurations that are confirmed; none where nothing is."""
        return [run for runs in stages.confirming(self.spec, self.budget, finished).values() for run in runs]

    def ask(self, index: int) -> FrozenTrial:
        """Ask for the configuration at a place of the budget; the first are the registered defaults."""
        self.optuna.sampler = SAMPLERS[self.budget.sampler](seed("tune", self.budget.seed, index) % 2**32)
        if index == 0 and not self.optuna.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.optuna.enqueue_trial(self.spec.space.defaults, user_attrs={DEFAULTS: True})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the sampler's fits, which concern nobody here
            trial = self.optuna.ask(self.distributions)
        trial.set_user_attr(INDEX, index)
        return next(found for found in self.trials(TrialState.RUNNING) if found.number == trial.number)

    def runs(self, trial: FrozenTrial, bars: Sequence[Sequence[float]] = ()) -> list[Trial]:
        """Return the trainings of an asked configuration; none where the method refuses its values together."""
        values = None if trial.user_attrs.get(DEFAULTS) else trial.params
        first = int(trial.user_attrs[INDEX]) * self.splits
        try:
            return [
                self.spec.trial(first + part, values, bars[part] if bars else (), part) for part in range(self.splits)
            ]
        except MethodError:
            return []

    def bar(self, store: Store, over: Sequence[FrozenTrial], part: int) -> tuple[float, ...]:
        """Return the bar that a trial of this round must reach: the median of the rounds before, on the same split."""
        stored = store.stored()
        runs = [run for trial in over for run in self.runs(trial)[part : part + 1] if run.key in stored]
        results = store.results_of([run.key for run in runs])
        return bar_of([found.curves["validation_accuracy"] for found in results], self.spec.run.setting.epochs)

    def tell(self, store: Store, failed: Mapping[str, str]) -> None:
        """Tell the round that was made, in order; close the search with the last one."""
        if not self.searched:
            self._tell(store, failed)
        if self.searched:
            runs = self.confirming(self.finished(store))
            failures = self.failures() | self._note(runs, failed)
            stored = store.stored() if runs else {}
            if all(run.key in stored or run.replicate in failures for run in runs):
                self.optuna.set_user_attr(CLOSED, True)

    def failures(self) -> dict[int, str]:
        """Return why trainings failed, by their place in the budget."""
        noted = self.optuna.user_attrs.items()
        return {int(name.removeprefix(FAILED)): str(why) for name, why in noted if name.startswith(FAILED)}

    def _note(self, runs: Iterable[Trial], failed: Mapping[str, str]) -> dict[int, str]:
        """Keep and return why trainings failed: `failures` of those that did just now, by their keys."""
        found = {run.replicate: reason for run in runs if (reason := failed.get(run.key, ""))}
        for place, reason in found.items():
            self.optuna.set_user_attr(f"{FAILED}{place}", reason)
        return found

    def _tell(self, store: Store, failed: Mapping[str, str]) -> None:
        defaults = next(iter(self.finished(store)), None)
        failures = self.failures()
        size = self.spec.size * self.splits
        for trial in self.trials(TrialState.RUNNING):
            runs = self.runs(trial)
            failures |= self._note(runs, failed)
            results = stages.results_of(runs, failures, store)
            told = self.told(trial, runs, results, failures)
            defaults = told if defaults is None else defaults
            value = told_value(told.validation, defaults.validation, size, self.spec.classes)
            values = [value, told_cost(told, defaults)] if self.budget.cost else value
            # Whoever took the search over while this process was suspended has told the same of the same runs.
            with suppress(UpdateFinishedTrialError):
                self._describe(trial, told, results)
                self.optuna.tell(trial.number, values, skip_if_finished=True)

    def _describe(self, trial: FrozenTrial, told: FinishedTrial, results: Mapping[str, Result]) -> None:
        """Give Optuna the curve of a configuration, mean of its splits, and facts to show beside its values."""
        open_trial = optuna.trial.Trial(self.optuna, trial._trial_id)
        facts = {"seconds": round(told.seconds, 2), "failed": told.reason, "refused": told.refusal}
        for name, value in facts.items():
            if value:
                open_trial.set_user_attr(name, value)
        if self.budget.cost:  # of several objectives Optuna keeps no curves
            return
        curves = [result.curves["validation_accuracy"] for result in results.values()]
        for step, value in stages.curve(curves).items():
            open_trial.report(value, step)

    def told(
        self, trial: FrozenTrial, runs: Sequence[Trial], results: Mapping[str, Result], failures: Mapping[int, str]
    ) -> FinishedTrial:
        """Return a configuration whose trainings are over.

        Args:
            trial: in Optuna.
            runs: its trainings.
            results: of those that did not fail, by key.
            failures: why the others failed.
        """
        index = int(trial.user_attrs[INDEX])
        if not runs:
            return FinishedTrial(index, dict(trial.params), (), "its values exclude each other")
        trainings = stages.finished(runs, self.budget.objective, results, failures)
        return FinishedTrial(index, {name: self._of(runs[0], name) for name in self.distributions}, trainings)

    def outcome(self, store: Store) -> Outcome:
        """Return the closed search, not scored yet."""
        trials, failures, confirmed = self.finished(store), self.failures(), []
        for number, runs in stages.confirming(self.spec, self.budget, trials).items():
            results = stages.results_of(runs, failures, store)
            confirmed.append(Confirmed(number, stages.finished(runs, self.budget.objective, results, failures)))
        return Outcome(self.spec, self.budget, tuple(trials), tuple(confirmed), View(self.optuna))

    def _of(self, run: Trial, name: str) -> Any:
        part, _, field = name.rpartition(".")
        return getattr(next(found for found in run.method.parts if found.name == part) if part else run.setting, field)


def distribution(span: Range) -> BaseDistribution:
    """Convert a declared range to an Optuna distribution."""
    if span.choices is not None:
        return CategoricalDistribution(span.choices)
    if span.low is None or span.high is None:
        raise TuneError(f"a range needs two ends, but got {span}")
    if isinstance(span.low, int) and isinstance(span.high, int):
        return IntDistribution(span.low, span.high, log=span.log)
    return FloatDistribution(span.low, span.high, log=span.log)
