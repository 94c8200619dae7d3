"""What there is on this machine: methods, settings, data sets, networks, and whether all of it works."""

from __future__ import annotations

import importlib.metadata
import inspect
import platform
from collections.abc import Sequence
from pathlib import Path

from lnlbench.benchmark.cli.catalogue_cache import Rows, kept
from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.methods._unknown import did_you_mean

ROOT = Path(__file__).parents[2]  # of the folders
PACKAGES = ("lnlbench", "torch", "timm", "mlflow", "optuna", "datasets", "scikit-learn")


def listing(what: str, data_dir: Path | None, plugins: Sequence[Path], family: str = "") -> Rows:
    """Return what there is of a kind; of methods, those of one family where it is named.

    Raises:
        SettingError: no such kind, or no such family.
    """
    kinds = {
        "methods": lambda: _methods(plugins),
        "settings": _settings,
        "suites": _suites,
        "datasets": lambda: _datasets(data_dir),
        "models": _models,
    }
    if what not in kinds:
        raise SettingError(f"cannot list {what!r}; {did_you_mean(what, kinds)}known: {', '.join(kinds)}")
    if family and what != "methods":
        raise SettingError(f"{what} have no family; methods do, as in `lnlbench list methods --family loss`")
    rows = kinds[what]()
    families = sorted({row["family"] for row in rows if row["family"]}) if family else []
    if family and family not in families:
        raise SettingError(unknown("family of methods", family, families))
    return [row for row in rows if not family or row["family"] == family]


def shown(what: str, rows: Rows) -> Rows:
    """Return the rows as a terminal shows them: of methods, name, idea, paper and year."""
    if what != "methods":
        return rows
    return [{"method": row["name"], **{column: row[column] for column in ("what", "paper", "year")}} for row in rows]


def diagnosis(data_dir: Path | None, tracking_uri: str | None = None, database: str | None = None) -> Rows:
    """Versions, device, data sets at hand, store: each "ok", "missing" or "broken".

    Raises:
        StoreError: an address that is given cannot be one.
    """
    from lnlbench.benchmark.engine import bf16
    from lnlbench.benchmark.engine.device import choose_compute, default_jobs
    from lnlbench.leaderboard.results.errors import StoreError
    from lnlbench.leaderboard.store.address import store_address
    from lnlbench.leaderboard.store.reader import StoreReader, name_of

    def row(what: str, state: str, detail: str) -> dict[str, str]:
        return {"what": what, "state": state, "detail": detail}

    if tracking_uri or database:
        store_address(tracking_uri, database)  # what was typed wrong is no finding about this machine
    rows = [row("python", "ok", platform.python_version())]
    for name in PACKAGES:
        try:
            rows.append(row(name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append(row(name, "missing", f"pip install {name}"))
    how = choose_compute()
    jobs = default_jobs()
    count = f"{jobs} process{'es' if jobs != 1 else ''}"
    rows.append(row("device", "ok", f"{how.device}, {how.describe()}, {how.precision}, {count}"))
    if how.device.type == "cpu":
        kernels = choose_compute(precision="bf16").kernels
        advice = (
            "--precision bf16 pays" if bf16.pays(gains := bf16.measure()) else "used only where a recipe asks for it"
        )
        rows.append(row("bf16", "ok", f"in {kernels} kernels, {bf16.in_words(gains)}: {advice}"))
    rows += [
        row(card["dataset"], "ok" if card["from"] else "missing", card["from"] or "will be downloaded from the Hub")
        for card in _datasets(data_dir)
    ]
    try:
        address = store_address(tracking_uri, database)
        if not address.exists or address.database != address.uri:  # a store that is read need not be writable
            address.check()
        if not address.exists:  # looking must not make one: that takes seconds
            return [*rows, row("store", "missing", f"{address}: the first run makes it")]
        with StoreReader(address) as store:
            rows.append(row("store", "ok", f"{address}, {len(store.stored())} runs"))
            if lost := store.damaged():
                first = name_of(next(iter(lost.values())))
                why = f"{len(lost)} runs have no whole record ({first}, …): `lnlbench run … --repair` makes them again"
                rows.append(row("records", "broken", why))
    except StoreError as error:
        rows.append(row("store", "broken", str(error)))
    return rows


def _methods(plugins: Sequence[Path]) -> Rows:
    """Ours are kept; with files or packages of others, whose imports nobody knows, the list is made anew."""
    if plugins or importlib.metadata.entry_points(group="lnlbench.methods"):
        return _registered(plugins)
    sources = [*(ROOT / "methods").glob("*.py"), Path(__file__)]
    return kept("methods", sources, lambda: _registered(()))


def _registered(plugins: Sequence[Path]) -> Rows:
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.methods._registry import methods

    choose_methods(plugins=plugins)
    rows = []
    for name, method in methods().items():
        about = inspect.getdoc(inspect.getmodule(method)) or ""
        paper = method.paper
        rows.append(
            {
                "name": name,
                "method": str(method()),
                "what": about.splitlines()[0].rstrip(".") if about else name,
                "family": method.family,
                "paper": paper.short if paper else "",
                "year": paper.year if paper else "",
                "link": paper.link if paper else "",
                "code": paper.code if paper else "",
                "origins": {field: span.origin for field, span in method.space().items()},
                "told": ", ".join(method.told) or "nothing",
            }
        )
    return rows


def studies(docs: Path) -> Rows:
    """Return a row for each study: name, title, source, and what its last runs beside the page in `docs` say."""
    from lnlbench.benchmark.studies.report import state

    rows = kept("studies", (ROOT / "benchmark" / "studies").glob("*.py"), _experiments)
    return [row | {"state": state(row["study"], docs)} for row in rows]


def _experiments() -> Rows:
    from lnlbench.benchmark.studies.registry import studies

    return [{"study": s.name, "what": s.title, "source": s.source} for s in studies().values()]


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
    from lnlbench.datasets.loading.images import locate
    from lnlbench.datasets.loading.registry import cards

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
    return kept(
        "models",
        [
            *(ROOT / "benchmark" / "engine").glob("*_networks.py"),
            Path(__file__),
        ],
        _networks,
    )


def _networks() -> Rows:
    from lnlbench.benchmark.engine.models import OWN

    own = [{"model": name, "what": (inspect.getdoc(network) or name).splitlines()[0]} for name, network in OWN.items()]
    return [*own, {"model": "any timm name", "what": "such as resnet18 or resnet34; `timm.list_models()` has them all"}]
