"""Saved views of MLflow's UI: a setting's runs of one track by method, with charts for the field's questions.

MLflow has no interface for them. The layout of the tag was read off version 3.17 and is written as a whole; a version
that does not know it shows its usual page, and nothing else is lost.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lnlbench.leaderboard.results.form import SEARCHED, TRAINED
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.store.index import KIND, SETTING, TRACK
from lnlbench.leaderboard.store.naming import CHARTS

TAG = "mlflow.sharedViewState."
LONGEST = 20_000  # characters of a state that MLflow accepts

CURVES = tuple(CHARTS.values())
SCORES = ("score/noisy_val", "score/final")
_CREATED = 1_767_225_600_000  # milliseconds; fixed: the same view is the same text and is not written again

Section = tuple[str, str, Iterable[str]]
"""Title, kind and keys of charts that stand together."""


@dataclass(frozen=True)
class View:
    """A saved view: its name in the list of views, and its state."""

    name: str
    state: dict[str, Any]

    @property
    def id(self) -> str:
        """What the view's tag and its link are called: the same for the same name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    def tag(self) -> tuple[str, str]:
        """Return name and value of the experiment's tag.

        Raises:
            ValueError: the state is longer than MLflow accepts.
        """
        state = json.dumps(self.state, separators=(",", ":"))
        if len(state) > LONGEST:
            raise ValueError(f"the view {self.name!r} has {len(state)} characters, over MLflow's limit of {LONGEST}")
        value = {"name": self.name, "createdAt": _CREATED, "updatedAt": _CREATED, "state": state}
        return TAG + self.id, json.dumps(value, separators=(",", ":"))

    def path(self, experiment: str) -> str:
        """Return where the view opens, below the server's address."""
        # Without the workflow type the UI opens in its mode for language models.
        query = {"workflowType": "machine_learning", "viewStateShareKey": self.id, "compareRunsMode": "CHART"}
        return f"/#/experiments/{experiment}/runs?{urlencode(query)}"


def by_method(setting: str, tracks: Collection[str]) -> list[View]:
    """Return the views of one setting, one a track: a curve and a bar for each method, the mean of its replicates."""
    others = ("cell", "study", "trial")  # filters know neither "or" nor "in"
    chosen = f"""tags."{SETTING}" = '{setting}'""" + "".join(f""" and tags."{KIND}" != '{kind}'""" for kind in others)
    sections = [("Curves", "LINE", CURVES), ("Scores", "BAR", SCORES)]
    return _of_tracks(setting, chosen, tracks, sections)


def overview(dataset: str, tracks: Collection[str]) -> list[View]:
    """Return the views of all settings of a data set, one a track: a bar for each method, the mean of its settings."""
    sections = [("Mean of all settings", "BAR", [f"score/{rule}" for rule in RULES])]
    return _of_tracks(f"{dataset}: all settings", f"""tags."{KIND}" = 'cell'""", tracks, sections)


def _of_tracks(name: str, chosen: str, tracks: Collection[str], sections: Sequence[Section]) -> list[View]:
    """Return a view for each track, since tracks are never compared; the first is called by the name alone."""
    found = [track for track in (*TRAINED, *SEARCHED) if track in tracks]
    return [
        View(
            name if track == found[0] else f"{name}: {track}",
            _state(f"{chosen} and tags.\"{TRACK}\" = '{track}'", sections),
        )
        for track in found
    ]


def _state(chosen: str, sections: Iterable[Section]) -> dict[str, Any]:
    shown, charts = [], []
    for title, kind, members in sections:
        section = _uuid(title)
        shown.append({"uuid": section, "name": title, "display": True, "isReordered": True} | _OURS)
        charts += [_chart(kind, section, key) for key in members]
    group = [{"mode": "param", "groupByData": "method"}]
    return {
        "searchFilter": chosen,
        "orderByKey": "metrics.`score/noisy_val`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "selectedColumns": ["params.`method`", *(f"metrics.`{key}`" for key in SCORES)],
        "groupBy": {"aggregateFunction": "average", "groupByKeys": group},
        "useGroupedValuesInCharts": True,
        "runsHiddenMode": "SHOWALL",
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": shown,
        "compareRunCharts": charts,
    }


_OURS: dict[str, Any] = {"deleted": False, "isGenerated": False}


def _chart(kind: str, section: str, key: str) -> dict[str, Any]:
    chart: dict[str, Any] = {
        "uuid": _uuid(section + key),
        "type": kind,
        "metricSectionId": section,
    } | _OURS
    chart |= {"metricKey": key, "selectedMetricKeys": [key], "runsCountToCompare": 100}
    if kind == "LINE":
        chart |= {
            "xAxisKey": "step",
            "selectedXAxisMetricKey": "",
            "xAxisScaleType": "linear",
            "scaleType": "linear",
            "lineSmoothness": 0,
            "displayPoints": False,
            "useGlobalLineSmoothing": False,
            "useGlobalXaxisKey": False,
        }
    return chart


def _uuid(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
