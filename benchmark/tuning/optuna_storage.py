"""Optuna's database of searches: opened, with its errors turned into one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna

from lnlbench.leaderboard.home import home
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.patience import OUTAGE
from lnlbench.leaderboard.store.store import Store


def default_storage(store: Store) -> str:
    """Return the searches' database: beside a store in a file, else at home. Optuna's tables clash with MLflow's."""
    file = store.address.file
    return f"sqlite:///{(file.parent if file else home()) / 'studies.db'}"


@contextmanager
def opened(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Open a database of searches.

    Raises:
        StoreError: it cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with explained(url):
        storage = _storage(url)
    try:
        yield storage  # what else is done meanwhile, training say, fails by itself: `explained` is for whoever asks it
    finally:
        with explained(url):
            storage.remove_session()
            storage.engine.dispose()


def _storage(url: str) -> optuna.storages.RDBStorage:
    """Return Optuna's storage, its tables made by one process at a time."""
    if file := db.sqlite_file(url):
        db.check_file(file)
    engine = db.engine(url)
    # As patient as the store: another tuner that is suspended in the middle of a write keeps the file locked.
    timeout = {"timeout": OUTAGE} if db.sqlite_file(url) else {"connect_timeout": int(OUTAGE)}
    try:
        with db.alone(url, engine):
            return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": timeout})
    finally:
        engine.dispose()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the errors of Optuna and its database into a StoreError of one line."""
    with db.explained(url):
        try:
            yield
        except optuna.exceptions.StorageInternalError as error:
            raise (error.__cause__ or OSError(str(error))) from error
