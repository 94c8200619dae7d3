"""A real browser opens a saved view of a real server: grouped by method, with its charts and the figures of a cell."""

import socket
import time

import pytest

from lnlbench.leaderboard.store import views
from lnlbench.leaderboard.store.server import serve
from lnlbench.leaderboard.store.showcase import prepare

PATIENCE = 120  # seconds until a page has loaded


@pytest.fixture
def browser(window):
    """A window that is large enough for the whole view."""
    window.set_window_size(1700, 2400)
    return window


def page_with(browser, address, words):
    """The text of a page, as soon as all words are there."""
    browser.get("about:blank")  # else a new part after # changes the page without loading it
    browser.get(address)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = " ".join(browser.execute_script("return document.body.innerText").split())
        if all(word in text for word in words):
            break
        time.sleep(0.5)
    return text


@pytest.mark.slow
def test_the_saved_view_opens_grouped_by_method_with_the_charts(store, make, info_of, browser):
    for label in ("ce", "gce"):
        for i in range(2):
            curves = {name: [0.1, 0.2, 0.3] for name in ("memorised_online", "corrected_online")}
            curves |= {name: [2.0, 1.5, 1.0] for name in ("loss_correct_online", "loss_wrong_online")}
            result = make(label=label, replicate=i, more=curves)
            with store.begin(info_of(result)) as recording:
                for epoch in range(3):
                    recording.log({name: curve[epoch] for name, curve in result.curves.items()}, epoch)
                recording.finish(result)
    paths = prepare(store)
    (experiment,) = store.experiments()
    cell = store.shown.cells(experiment.name)[0].run_id
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = serve(store.uri, store.artifacts, port=port, wait=180)
    try:
        address = f"http://127.0.0.1:{port}"
        words = ["Group: ce", "Group: gce", "Group by: method", "Curves (6)", *views.CURVES]
        text = page_with(browser, address + paths["digits/symmetric-0.4"], words)
        assert [word for word in words if word not in text] == []
        page_with(
            browser, f"{address}/#/experiments/{experiment.experiment_id}/runs/{cell}/artifacts/curves.svg", ["Path"]
        )
        drawn = "return [...document.images].some(image => image.src.startsWith('blob:') && image.naturalWidth > 400)"
        deadline = time.monotonic() + PATIENCE
        while not (found := browser.execute_script(drawn)) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert found, "the figure of a cell shows inline"
    finally:
        process.terminate()
        process.wait()
