"""Print the searched values that change what a run costs, at both ends of their ranges: `python docs/scripts/costs.py`.

Digits, 12 epochs, every method that is trained: six minutes on a core.
"""

import sys
from collections.abc import Iterator
from typing import Any

from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.tuning.pipeline import plan, trained
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.benchmark.tuning.trials import train_trials
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.store.address import store_address
from lnlbench.methods import MethodError


def spec_of(method: str) -> SearchSpec:
    """Return the search of a method, short."""
    options = Options(store=store_address(None, None), device="cpu")
    return plan(["digits/symmetric-0.4"], method, "0", {"epochs": 12, "batch_size": 400}, options).specs[0]


def passes(spec: SearchSpec, values: dict[str, Any]) -> float:
    """Return the passes of each sample over a training, with these values beside the registered ones.

    Raises:
        MethodError: values that the method refuses together.
    """
    run = spec.trial(0, spec.space.defaults | values)
    ((_, result, _),) = train_trials([(run, run.prepare(load("digits")))], device="cpu")
    return sum(value or 0.0 for name in ("forward_passes", "backward_passes") for value in result.curves[name])


def ends(spec: SearchSpec) -> Iterator[tuple[str, Any, Any]]:
    """Yield every searched value of a method with the ends of its range, the recipe's own left out."""
    for name, span in spec.space.ranges.items():
        if "." in name:
            low, high = (span.low, span.high) if span.choices is None else (span.choices[0], span.choices[-1])
            yield name, low, high


def main() -> None:
    """Train at every end, and print a row where the costs differ."""
    rows, methods = [], trained()
    for spec in map(spec_of, methods):
        usual = passes(spec, {})
        for name, *pair in ends(spec):
            costs = []
            for end in pair:
                try:
                    costs.append(passes(spec, {name: end}))
                except MethodError:  # it excludes a registered value
                    continue
            if set(costs) - {usual}:
                rows.append([f"`{name}`", *map(str, pair), *(f"{cost:g}" for cost in [*costs, usual])])
    count = len({row[0].split(".")[0] for row in rows})
    shown = table(["value", "from", "to", "passes", "to", "by default"], rows, "lrrrrr")
    sys.stdout.write(f"{shown}\n{count} of {len(methods)} methods\n")


if __name__ == "__main__":
    main()
