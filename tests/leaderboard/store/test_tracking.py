"""MLflow behind the store: what many processes do at once."""

from concurrent.futures import ThreadPoolExecutor

from lnlbench.leaderboard.store.tracking import Tracking


def test_many_may_name_the_same_new_data_at_once(store):
    tracking = Tracking(store.uri, store.artifacts)
    place = tracking.experiment("lnl/race", {})

    def log(i):
        own = Tracking(store.uri, store.artifacts)
        run_id = own.create(place, f"run {i}", {})
        own.log_input(run_id, "digits", f"digest {i // 8}", "{}")
        return run_id

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(log, range(48)))
    named = [tracking.run(run_id).inputs.dataset_inputs for run_id in runs]
    assert [[one.dataset.digest for one in inputs] for inputs in named] == [[f"digest {i // 8}"] for i in range(48)]
