"""A real browser, without a window: pages are opened from a file, as a reader does."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--virtual-time-budget=5000",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> str:
    """The command of a Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("needs Chromium")
    return found


@pytest.fixture(scope="session")
def after(browser, tmp_path_factory) -> Callable[[str, str], dict]:
    """Open a page, run a script in it once it is ready, and return what the script puts together."""

    def run(page: str, script: str, *flags: str) -> dict:
        folder = tmp_path_factory.mktemp("browser")
        probe = (
            "<script>window.trouble = []; addEventListener('error', (e) => trouble.push(String(e.message)));</script>"
        )
        report = (
            "<script>{const out = document.createElement('pre'); out.id = 'report';"
            f"const found = (() => {{{script}}})(); out.textContent = JSON.stringify({{trouble, ...found}});"
            "document.body.append(out);}</script>"
        )
        (folder / "page.html").write_text(
            page.replace("<head>", f"<head>{probe}", 1).replace("</body>", f"{report}</body>"), encoding="utf-8"
        )
        dom = _chromium(browser, folder, "--dump-dom", *flags)
        found = re.search(r'<pre id="report">(.*?)</pre>', dom, re.S)
        assert found, f"the page ran no script: {dom[:500]}"
        return json.loads(html.unescape(found[1]))

    return run


@pytest.fixture
def window(tmp_path):
    """A Chromium whose clock is the real one, with a profile of its own, to be driven from here."""
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    if not driver or not chromium:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS[:-1], "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture
def real_time(window, tmp_path) -> Callable[[str, str], dict]:
    """Open a page in such a window, run a script, and return what it puts together."""

    def run(page: str, script: str) -> dict:
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        window.get((tmp_path / "page.html").as_uri())
        return {"trouble": [], **window.execute_script(script)}

    return run


def _chromium(browser: str, folder: Path, *flags: str) -> str:
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
