"""The plan as data: what is asked of a GPU, in which order, and what it is thought to cost; and its rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import product
from typing import Any

from lnlbench.benchmark.bench.gpu.part import Part, Place, Said
from lnlbench.benchmark.protocol.settings import setting

GRID = ("ce", "gce", "dal", "small_loss", "co_teaching", "label_noise_sgd", "sam")
"""The methods of the grids in docs/performance.md."""
COST = {"co_teaching": 2.0, "sam": 2.0, "small_loss": 1.5}
"""Of methods beside cross-entropy: two networks, two gradients, and an estimate of the noise."""


@dataclass(frozen=True)
class Grid:
    """How much of the grid on MNIST is there, and how many seconds each method is trained for."""

    images: tuple[int, int] = (60_000, 10_000)  # of training and test
    epochs: int = 20
    replicates: int = 5
    noises: int = 8
    seconds: float = 4.0
    estimate: int | None = None  # epochs of an estimate, where not its own

    @property
    def runs(self) -> int:
        """Of one method."""
        return self.replicates * self.noises


@dataclass(frozen=True)
class Cells:
    """Runs of one setting: methods, recipe, and what one run of cross-entropy is thought to cost."""

    target: str
    methods: tuple[str, ...]
    cost: float
    changes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """How much of everything is asked.

    Attributes:
        equal: methods whose executions are compared.
        networks: of these comparisons, each with executions and how many runs each of them takes at once.
        samples: that they train on.
        large: the kind whose rate is compared with the bound and with DAL's loop.
        images: training and test images of the bench.
        rounds: of the bench.
        small: the kinds that are stacked.
        stacked: how many runs.
        grid: of which the rate is measured.
        methods: of that grid.
        cells: whose results are made.
        replicates: of each cell.
        scale: of the stated costs, which are seconds on one H200.
    """

    equal: tuple[str, ...]
    networks: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    samples: int
    large: str
    images: tuple[int, int]
    rounds: int
    small: tuple[str, ...]
    stacked: tuple[int, ...]
    grid: Grid
    methods: tuple[str, ...]
    cells: tuple[Cells, ...]
    replicates: int
    scale: float = 1.0


FULL = Plan(
    equal=("ce", "dal", "small_loss", "co_teaching", "label_noise_sgd", "sam"),
    networks=(("cnn4", (("graph", 1), ("stack", 2), ("graph", 2))), ("resnet18", (("graph", 1), ("stack", 2)))),
    samples=256,
    large="resnet18",
    images=(25_600, 5_120),
    rounds=3,
    small=("mlp", "cnn"),
    stacked=(1, 8, 32, 128),
    grid=Grid(),
    methods=GRID,
    cells=(
        Cells("paper-apl/symmetric-0.4", ("ce", "gce", "nce_rce"), 50.0),
        Cells("cifar10-fast/human-worst", GRID, 30.0),
        Cells("cifar10-fast/symmetric-0.4", GRID, 30.0),
    ),
    replicates=3,
)

REHEARSAL = Plan(
    equal=("ce", "co_teaching"),
    networks=(("mlp", (("graph", 1), ("stack", 2))),),
    samples=64,
    large="mlp",
    images=(640, 100),
    rounds=1,
    small=("mlp",),
    stacked=(1, 2),
    grid=Grid((400, 100), epochs=3, replicates=1, noises=2, seconds=0.1, estimate=1),
    methods=("ce", "small_loss"),
    cells=(Cells("digits/symmetric-0.4", ("ce", "gce"), 30.0, (("epochs", 2),)),),
    replicates=2,
    scale=0.1,
)
"""The same on few images and small networks, for a CPU."""


@dataclass(frozen=True)
class Ask:
    """A function of this folder with its arguments, imported where it is called: the planner needs no torch."""

    name: str  # file and function
    arguments: dict[str, Any]

    def __call__(self, place: Place) -> Iterator[Said]:
        """Call it."""
        file, _, function = self.name.partition(".")
        said: Iterator[Said] = getattr(import_module(f"{__package__}.{file}"), function)(place, **self.arguments)
        return said


def parts(plan: Plan) -> list[Part]:
    """Return the parts in the order in which they are asked: the most valuable first."""
    asked = [Part("machine", 10.0, _ask("machine.machine")), *_equal(plan), *_rates(plan), *_grid(plan)]
    asked += _cells(plan, 0)
    asked.append(Part(f"kernels/{plan.large}", 15.0, _ask("kernels.kernels", kind=plan.large)))
    asked += [part for replicate in range(1, plan.replicates) for part in _cells(plan, replicate)]
    return [replace(part, cost=plan.scale * part.cost) for part in asked]


def chosen_groups(every: Sequence[Part], names: Sequence[str] | None) -> list[Part]:
    """Return the parts of some groups, or all where none is named.

    Raises:
        ValueError: no such group.
    """
    known = list(dict.fromkeys(part.group for part in every))
    if others := [name for name in names or () if name not in known]:
        raise ValueError(f"no part's name begins with {others[0]!r}; known: {', '.join(known)}")
    return [part for part in every if not names or part.group in names]


def _ask(name: str, /, **arguments: Any) -> Ask:
    return Ask(name, arguments)


def _equal(plan: Plan) -> Iterator[Part]:
    for model, executions in plan.networks:
        for method, (execution, runs) in product(plan.equal, executions):
            words = {"model": model, "method": method, "execution": execution, "runs": runs, "samples": plan.samples}
            yield Part(f"equal/{model}/{method}/{execution}-{runs}", 2.0, _ask("equality.equality", **words))


def _rates(plan: Plan) -> Iterator[Part]:
    kind, size = plan.large, {"images": plan.images, "rounds": plan.rounds}
    yield Part(f"rate/{kind}/gate", 5.0, _ask("rates.gate", kind=kind))
    for name, cost in (("graph", 30.0), ("bound", 15.0), ("dal", 40.0)):
        yield Part(f"rate/{kind}/{name}", cost, _ask("rates.axis", name=name, kind=kind, **size))
    for small, count in product(plan.small, plan.stacked):
        yield Part(f"stack/{small}/{count}", 3 + count / 16, _ask("rates.stack", kind=small, count=count, **size))


def _grid(plan: Plan) -> Iterator[Part]:
    yield Part("grid/data", 8.0, _ask("grid_rate.data", grid=plan.grid))
    for method in plan.methods:
        yield Part(f"grid/{method}", 2 + plan.grid.seconds, _ask("grid_rate.rate", method=method, grid=plan.grid))
    yield Part("grid/estimates", 5.0, _ask("grid_rate.estimates", grid=plan.grid))


def _cells(plan: Plan, replicate: int) -> Iterator[Part]:
    for cells in plan.cells:
        for method in cells.methods:
            words = {"target": cells.target, "method": method, "replicate": replicate, "changes": dict(cells.changes)}
            cost = cells.cost * COST.get(method, 1.0)
            needs = (setting(cells.target).dataset,)
            yield Part(f"cell/{cells.target}/{method}/{replicate}", cost, _ask("cells.cell", **words), needs)
