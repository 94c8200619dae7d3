"""Settings: a task (data set, network, recipe) under one noise; suites are lists of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.benchmark.protocol.schedules import EXAMPLES, SCHEDULE
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.datasets.loading.place import is_folder, split_place
from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.setting_name import SettingName

OPTIMISERS = ("sgd", "nesterov", "adam", "adamw")
GIVEN = "given"
"""The noise of labels that nobody drew."""
TIMM = re.compile(r"timm:\w+")
"""Any optimiser of timm's, by its name there."""
_OPTIONS = {"precision": "precision", "replicates": "replicates", "seeds": "replicates", "seed": "replicates"}
"""What is given beside the fields of a setting, by the names that it may be looked for under."""


class SettingError(ValueError):
    """A setting or suite that does not exist, or a value in it that makes no sense."""


@dataclass(frozen=True)
class Setting:
    """All that is the same for every method: data set, noise, network and recipe."""

    task: str
    dataset: str
    noise: str  # as `lnlbench.datasets.noise.base.parse_noise` reads it
    model: str
    epochs: int
    lr: float
    weight_decay: float
    length: str = "full"
    validation: float = 0.1
    batch_size: int = 128
    optimizer: str = "sgd"
    momentum: float = 0.9
    schedule: str = "cosine"
    augment: bool = False
    samples: int = 0  # of the training set that are used, stratified by true label; 0 is all
    track: str = "default"  # that its runs belong to, unless a search chose their values
    grad_clip: float = 0.0  # Euclidean norm to which the gradients of a network are cut; 0 cuts nothing
    lr_min: float = 0.0  # that a cosine or a line goes towards
    precision: str = "auto"  # that `--precision auto` means on any device; auto: bf16 on a GPU, fp32 on a CPU

    def __post_init__(self) -> None:
        """Refuse a recipe that cannot be run.

        Raises:
            SettingError: the message names the field, what came and what would be right.
        """
        _choice("length", self.length, ("full", "fast"))
        if not (isinstance(self.optimizer, str) and TIMM.fullmatch(self.optimizer)):
            _choice("optimizer", self.optimizer, (*OPTIMISERS, "timm:NAME"))
        _choice("track", self.track, TRAINED)
        _choice("precision", self.precision, ("auto", "fp32", "bf16"))
        if not (isinstance(self.schedule, str) and SCHEDULE.fullmatch(self.schedule)):
            raise SettingError(f"schedule must be {EXAMPLES}, but got {self.schedule!r}")
        for name, low, high in (
            ("epochs", 1, 10_000),
            ("batch_size", 2, 65_536),
            ("samples", 0, 100_000_000),
            ("lr", 0.0, 100.0),
            ("weight_decay", 0.0, 1.0),
            ("momentum", 0.0, 0.9999),
            ("validation", 0.01, 0.5),
            ("grad_clip", 0.0, 1e6),
            ("lr_min", 0.0, 100.0),
        ):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
                raise SettingError(f"{name} must be in {low} to {high}, but got {value!r}")
            if isinstance(low, float):
                object.__setattr__(self, name, float(value))  # 1 and 1.0 are one value, and make one key
            elif not isinstance(value, int):
                raise SettingError(f"{name} must be an integer, but got {value!r}")
        for name in ("dataset", "model"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise SettingError(f"{name} must be a name, but got {getattr(self, name)!r}")
        if not isinstance(self.augment, bool):
            raise SettingError(f"augment must be True or False, but got {self.augment!r}")

    @property
    def name(self) -> str:
        """Task and noise: `mnist-fast/symmetric-0.5`."""
        return f"{self.task}/{self.noise}"

    @property
    def listed(self) -> Setting:
        """Return the task's own setting under this noise, before any override; itself where no task is called so."""
        name = SettingName.parse(self.name).unchanged
        return setting(str(name)) if name.task in tasks() else self

    def identity(self) -> dict[str, Any]:
        """Return what of a run's key the setting decides, JSON-able; fields added later where unusual.

        The precision that a run is computed in has a place of its own in the key; what the recipe says of it has none.
        """
        usual = {
            "samples": 0,
            "track": "default",
            "grad_clip": 0.0,
            "lr_min": 0.0,
        }  # added later: without them keys stay what they were
        values = {name: value for name, value in asdict(self).items() if name != "precision"}
        return {name: value for name, value in values.items() if name not in usual or value != usual[name]}

    def override(self, **values: Any) -> Setting:
        """Return the same setting with other values; those that differ become part of the task's name.

        A length of "2x" is twice the setting's own, and is named so where that is the task's: boards show it as a
        reference to this setting. A field that was changed before has its last value in the name.

        Raises:
            SettingError: no such field, or a value that makes no sense.
        """
        known = {f.name for f in fields(self)} - {"task", "noise", "precision"}
        for wrong in (name for name in _OPTIONS if name in values):
            option = _OPTIONS[wrong]
            meant = f"--{option}, in Python {option}={values[wrong]!r}"
            raise SettingError(f"{wrong} is an option, not a field to change: {meant}")
        if others := set(values) - known:
            raise SettingError(unknown("field", others.pop(), sorted(known)))
        times = _times(values.get("epochs"))
        changed = replace(self, **values | ({"epochs": times * self.epochs} if times else {}))
        name = SettingName.parse(self.name)
        before = {change.partition("=")[0]: change for change in name.changes}
        multiple = f"{times}x" if times and "epochs" not in before else None
        shown = {n: multiple if n == "epochs" and multiple else getattr(changed, n) for n in values}
        marks = {n: f"{n}={text}" for n, text in shown.items() if getattr(changed, n) != getattr(self, n)}
        every = tuple(change for _, change in sorted((before | marks).items()))
        return replace(changed, task=replace(name, changes=every).changed_task)


def _times(epochs: Any) -> int | None:
    """Return the factor of a length such as 2x, None for any other value."""
    written = isinstance(epochs, str) and epochs.endswith("x") and epochs[:-1].isdecimal()
    return int(epochs[:-1]) if written else None


def suites() -> dict[str, list[Setting]]:
    """Return the suites by name."""
    return {
        name: [setting(text) for text in table.get("settings") or [f"{name}/{noise}" for noise in table["noises"]]]
        for name, table in _file()["suites"].items()
    }


def default_methods() -> str:
    """Return what is run where no methods are named."""
    return str(_file()["default_methods"])


def default_replicates() -> str:
    """Return what is run where no replicates are named."""
    return str(_file()["default_replicates"])


def tasks() -> list[str]:
    """Return the names of the tasks."""
    return sorted(_file()["tasks"])


def setting(name: str) -> Setting:
    """One setting by name, `task/noise`, whether or not a suite lists it.

    Raises:
        SettingError: no such task, or no noise after it. The noise itself is read when it is used.
    """
    task, _, noise = name.partition("/")
    if not noise:
        raise SettingError(f"a setting is a task and a noise, as in 'mnist/symmetric-0.4', but got {name!r}")
    if task not in _file()["tasks"]:
        raise SettingError(unknown("task", task, sorted(tasks()), "settings"))
    return Setting(task=task, noise=noise, **_task(task))


def find(names: Iterable[str], blind: bool = False) -> list[Setting]:
    """Return the settings of suites, of names, and of patterns such as `mnist*/sym*`, each once, in order.

    What boards call a changed setting is its name, too: `digits,epochs=2` is the suite with other values.

    Args:
        names: what to find.
        blind: whether test labels of a folder may not enter this process.

    Raises:
        SettingError: a name that is no suite and no setting, or a pattern that fits nothing.
    """
    return list({member.name: member for name in names for member in _members(name, blind)}.values())


def found_names(names: Iterable[str]) -> set[str]:
    """Return what the settings that `find` finds are called; of a folder's data set by its name, without the data."""
    called = {name: SettingName.parse(name) for name in names}
    own = {name for name, parsed in called.items() if _is_own(parsed)}
    given = {str(replace(called[name], noise=GIVEN)) for name in own}
    return given | {member.name for member in find(name for name in called if name not in own)}


def _members(name: str, blind: bool) -> list[Setting]:
    called = SettingName.parse(name)
    if name in suites():
        return suites()[name]
    if is_path(name):
        return [own_setting(name, blind)]
    several = [part.strip() for part in name.split(",")]
    if len(several) > 1 and all(part in suites() or part.partition("/")[0] in tasks() for part in several):
        raise SettingError(
            f"{name!r} is several names: write {' '.join(several)}, and repeat an option such as --suite for each"
        )
    if called.changes and all("=" in change for change in called.changes):
        unchanged = str(called.unchanged) if called.noise else called.task
        return [member.override(**called.values()) for member in _members(unchanged, blind)]
    if _is_own(called):
        return [_of_own(called.task, blind)]
    if "*" in name or "?" in name:
        every = [member for suite in suites().values() for member in suite]
        if chosen := [member for member in every if fnmatchcase(member.name, name)]:
            return chosen
        raise SettingError(f"no setting fits {name!r}; `lnlbench list settings` shows them")
    if "/" in name:
        return [setting(name)]
    raise SettingError(unknown("suite", name, sorted(suites()), "suites") + "; a setting is written task/noise")


def _is_own(called: SettingName) -> bool:
    """Return whether a name is that of a folder's data set, as boards have it: `my-data@dece2ac2c250/given`."""
    if "@" not in called.task or called.noise not in ("", GIVEN):
        return False
    from lnlbench.datasets.loading.own import is_own

    return is_own(called.task)


def is_path(name: str) -> bool:
    """Return whether a name means a folder: it begins like one, or there is one and nothing of ours is called so."""
    place = split_place(name)[0]
    if place.startswith(("./", "../", "~/")) or (place.startswith("/") and place.count("/") > 1):
        return True
    return bool(place) and place.split("/")[0] not in tasks() and is_folder(place)


def own_setting(path: str, blind: bool = False) -> Setting:
    """Return the setting of a data set of the user's own: labels as given, a recipe by the size of its images.

    Args:
        path: of its folder.
        blind: whether its test labels may not enter this process.

    Raises:
        DataError: it cannot be read.
    """
    from lnlbench.datasets.loading import elsewhere, own

    return _of_own((elsewhere if blind else own).bring_in(path), blind)


def _of_own(name: str, blind: bool) -> Setting:
    from lnlbench.datasets.loading import own
    from lnlbench.datasets.loading.images import load_blind

    card = load_blind(name).card if blind else own.read(name)[0]
    base = "own-small" if card.channels == 1 and card.size <= 32 else "own"
    return replace(Setting(task=name, noise=GIVEN, dataset=name, **_table("own", base)), task=name)


def _table(section: str, name: str) -> dict[str, Any]:
    table: dict[str, Any] = _file()[section][name]
    return dict(_file()["defaults"]) | table


def _task(name: str) -> dict[str, Any]:
    table = dict(_file()["tasks"][name])
    base = table.pop("based_on", None)
    return (_task(base) if base else dict(_file()["defaults"])) | table


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "settings.toml").read_text())


def _choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingError(unknown(name, str(value), sorted(known)))
