"""Serve the board of a store, and MLflow beside it, until Ctrl-C: what `lnlbench ui` does."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from lnlbench.benchmark.protocol.settings import SettingError

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.address import StoreAddress

PORTS = 65_536
PATIENCE = 20.0  # seconds that MLflow has to end by itself
NOTHING_YET = "<!doctype html><title>lnlbench</title><p>Nothing is stored yet; lnlbench run digits is a first run."


def served(setting: str, address: StoreAddress, port: int, browser: bool, echo: Callable[[str], None]) -> None:
    """Serve the board of a store, and MLflow with its views brought up to date, until Ctrl-C; say where both are.

    Raises:
        SettingError: nothing is stored of that setting.
        StoreError: the store or a port cannot be used.
    """
    from lnlbench.benchmark.cli.board_server import BoardServer
    from lnlbench.benchmark.cli.method_about import method_about
    from lnlbench.leaderboard.results.errors import StoreError, one_line
    from lnlbench.leaderboard.results.hosts import apart, said
    from lnlbench.leaderboard.show.page import page as html
    from lnlbench.leaderboard.store.reader import StoreReader, existing
    from lnlbench.leaderboard.store.server import serve
    from lnlbench.leaderboard.store.showcase import decorate, save_views
    from lnlbench.leaderboard.store.store import Store

    if setting:
        existing(address)  # a store with nothing in it has no such setting, and is not made for that
    about = method_about()
    root = address.uri if address.artifacts is None else f"http://127.0.0.1:{port}"

    def count() -> int:
        with StoreReader(address) as store:
            return len(store.stored())

    def make() -> str:
        with StoreReader(address) as store:
            results, alone = apart(store.stream(predictions=False))
            if alone:
                echo(f"not on the board: {said(alone)}")
            return (
                html(results, store.links(root), about=about, date=date.today().isoformat()) if results else NOTHING_YET
            )

    def bring_up_to_date() -> None:
        try:
            with Store(address) as store:
                decorate(store, first)
        except StoreError as error:
            echo(f"the figures in MLflow are not up to date: {error}")

    with Store(address) as store:
        paths = save_views(store)
    first = setting or next(iter(paths), "")
    if first not in paths and (first or paths):
        first = next((name for name in paths if name.startswith(f"{setting}:")), "")
        if not first:
            raise SettingError(f"nothing is stored of {setting!r}; there is: {', '.join(paths) or 'nothing'}")
    try:
        board = BoardServer(count, make, (port + 1) % PORTS)
    except OSError as error:
        raise StoreError(f"the board cannot be served: {one_line(error)}") from error
    echo(f"The board is at {board.address}")
    process = None
    try:
        if address.artifacts is not None:
            process = serve(address.uri, address.artifacts, port=port)
        echo(f"MLflow is at {root}{paths.get(first, '/#/experiments?workflowType=machine_learning')}")
        if others := sorted(paths.keys() - {first}):
            example = shlex.join(["lnlbench", "ui", others[0]])
            echo(f"Open it on another view by its name, as in `{example}`: {', '.join(others)}")
        if browser and (sys.platform == "darwin" or os.environ.get("DISPLAY")):
            webbrowser.open(board.address)
        echo("Ctrl-C ends both." if process is not None else "Ctrl-C ends it.")
        threading.Thread(target=bring_up_to_date, daemon=True).start()  # of a large store this takes a while
        if process is None:
            threading.Event().wait()
        else:
            process.wait()
    except KeyboardInterrupt:
        echo("ended")
    finally:
        board.close()
        if process is not None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
