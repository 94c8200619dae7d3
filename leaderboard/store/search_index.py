"""The index of an MLflow server, read by one search, page by page."""

from collections.abc import Collection, Mapping, Sequence

from lnlbench.leaderboard.store.index import ALL, RESULTS, Entry
from lnlbench.leaderboard.store.tracking import Tracking


class SearchIndex:
    """Finds runs behind a server, or in a database whose tables are not as expected.

    Args:
        tracking: MLflow.
    """

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def entries(
        self,
        tags: Sequence[str] = (),
        *,
        where: Mapping[str, Collection[str]] = RESULTS,
        numbers: Sequence[str] | None = (),
        place: str = ALL,
        runs: Collection[str] | None = None,
        status: str = "FINISHED",
    ) -> list[Entry]:
        """Return runs of a status that are not in the trash, oldest first; arguments as of `Index.entries`."""
        # MLflow's filters know neither "or" nor "in": a list of several values is looked through here.
        if (runs is not None and not runs) or not all(where.values()):
            return []
        conditions = [f"attributes.status = '{status}'"]
        for tag, wanted in where.items():
            conditions += [f"tags.`{tag}` = {_quoted(value)}" for value in wanted if len(wanted) == 1]
        if runs is not None and len(runs) == 1:
            conditions += [f"attributes.run_id = {_quoted(run_id)}" for run_id in runs]
        places = [one.experiment_id for one in self._tracking.experiments(place)]
        entries = []
        for run in self._tracking.search(places, " and ".join(conditions)):
            held, values = run.data.tags, run.data.metrics
            if (runs is None or run.info.run_id in runs) and all(held.get(t) in wanted for t, wanted in where.items()):
                named = values if numbers is None else {name: values[name] for name in numbers if name in values}
                chosen = {tag: held[tag] for tag in tags if tag in held}
                at = (run.info.run_id, run.info.experiment_id, run.info.artifact_uri, run.info.start_time)
                entries.append(Entry(*at, chosen, dict(named)))
        return entries


def _quoted(text: str) -> str:
    return '"' + text + '"' if "'" in text else f"'{text}'"
