"""The site: no dead link, tables that say the same, the same bytes on any day, and boards that stay frozen."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from lnlbench.leaderboard.results.card import Card
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.standing import Standing
from lnlbench.leaderboard.results.submission import Collection
from lnlbench.leaderboard.show.page.about import About
from lnlbench.leaderboard.show.site import site
from lnlbench.leaderboard.show.site.places import address
from lnlbench.leaderboard.show.site.releases import digests, freeze
from lnlbench.leaderboard.show.site.site import frozen_files

BOARD = "boards/digits/default-fast-protocol1"
ABOUT = {"ce": About(idea="The baseline.", paper="Somebody 1999", paper_url="https://example.org", bibtex="@misc{ce}")}


@pytest.fixture(scope="module")
def held(make):
    """Three methods in two settings, one of another suite, one of a name that no address can have, one longer."""
    runs = [
        make(label=label, replicate=i, noise=noise, test=[0.5, level + 0.01 * ((i + k) % 3)])
        for k, (label, level) in enumerate((("ce", 0.6), ("gce(q=0.5) + sam", 0.9), ("<b>&", 0.7)))
        for noise in ("symmetric-0.4", "clean")
        for i in range(3)
    ]
    runs += [make(replicate=i, setting="digits,epochs=2x/clean", noise="clean", test=[0.5, 0.62]) for i in range(2)]
    runs += [make(setting="toy/clean", noise="clean", test=[0.3, 0.4])]
    standings = {run.key: Standing(state="verified", by="Grace", date="2026-01-31") for run in runs}
    card = Card(method="ce", suite="digits", version="1", authors=("Ada <x>",), date="2026-01-30", bibtex="@misc{ada}")
    return Collection(tuple(runs), standings, {run.key: card for run in runs if run.label == "ce"})


@pytest.fixture(scope="module")
def files(held):
    """A site with a release."""
    release = freeze("1.0", held.results[:6], held.standings)
    return site(held, ABOUT, [replace(release, files=digests(frozen_files(release, held)))])


class Links(HTMLParser):
    """Where a page leads, and what it can be led to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.names = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.names |= {values["id"]} if "id" in values else set()
        self.links += [values[name] for name in ("href", "src") if values.get(name)]


def test_no_link_is_dead(files):
    pages = {name: Links(text) for name, text in files.items() if name.endswith(".html")}
    dead, local = [], 0
    for name, page in pages.items():
        for link in page.links:
            if link.startswith(("https://", "http://")):
                continue
            path, _, anchor = link.partition("#")
            parts = [] if not path else list(PurePosixPath(name).parent.parts)
            for part in PurePosixPath(unquote(path)).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            target = "/".join(parts) or name
            local += 1
            if target not in files or (anchor and anchor not in pages[target].names):
                dead.append((name, link))
    assert dead == [] and local > 50
    assert {PurePosixPath(name).suffix for name in files} == {".html", ".css", ".csv", ".json", ".md", ".parquet"}


def test_every_page_is_reached_from_the_index(files):
    pages = {name: Links(text) for name, text in files.items() if name.endswith(".html")}
    seen, left = set(), ["index.html"]
    while left:
        name = left.pop()
        if name in seen or name not in pages:
            continue
        seen.add(name)
        for link in pages[name].links:
            parts = list(PurePosixPath(name).parent.parts)
            for part in PurePosixPath(unquote(link.partition("#")[0])).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            left.append("/".join(parts))
    assert seen == set(pages)


def test_a_site_is_the_same_on_any_day_and_asks_nothing_of_anybody(held, files):
    again = site(held, ABOUT, [])
    assert {name: content for name, content in files.items() if name in again and name != "index.html"} == {
        name: content for name, content in again.items() if name != "index.html"
    }
    for name, text in files.items():
        if name.endswith((".html", ".css")):
            assert not re.search(r'<script|<img|<link[^>]*href="http|url\(|@import', text), name


def test_texts_from_outside_are_escaped(files):
    assert not any("<b>&" in text or "Ada <x>" in text for name, text in files.items() if name.endswith(".html"))
    assert f'<a href="{address("<b>&")}">' not in files[f"{BOARD}/index.html"]
    assert "&lt;b&gt;&amp;" in files[f"{BOARD}/{address('<b>&')}.html"]


def test_a_page_of_a_row_has_curves_receipts_commands_and_what_to_cite(held, files):
    text = files[f"{BOARD}/ce.html"]
    key = next(run.key for run in held.results if run.label == "ce")
    assert "The baseline." in text and "@misc{ada}\n\n@misc{ce}" in text
    assert f'<details id="{key}">' in text and f"lnlbench reproduce {key[:12]}" in text
    assert "lnlbench run digits/" in text and text.count("<svg") == 2 and text.count("<polygon") == 4
    assert "Ada &lt;x&gt;, 2026-01-30, version 1, CC0-1.0" in text and "verified by Grace, 2026-01-31" in text
    assert f"{BOARD}/{address('ce (2x epochs)')}.html" in files


def test_commands_of_a_method_of_ones_own_name_its_file(held):
    cards = {key: replace(card, code="my_ce.py") for key, card in held.cards.items()}
    text = site(replace(held, cards=cards))[f"{BOARD}/ce.html"]
    option = " --plugin results/digits/ce/1/my_ce.py"
    assert f"--methods &#34;ce&#34; --replicates 0-2 --precision fp32{option}</code>" in text
    key = next(iter(cards))
    assert f"lnlbench reproduce {key[:12]}{option}" in text and text.count(option) == 1 + 2 * 6


def test_csv_json_and_parquet_say_the_same(held, files):
    rows = json.loads(files[f"{BOARD}/runs.json"])
    table = pq.read_table(io.BytesIO(files[f"{BOARD}/runs.parquet"])).to_pylist()
    lines = list(csv.DictReader(io.StringIO(files[f"{BOARD}/runs.csv"])))
    assert rows == table and len(rows) == len(lines) == 20
    assert [line["key"] for line in lines] == [row["key"] for row in rows]
    first = next(run for run in held.results if run.key == rows[0]["key"])
    assert rows[0]["final"] == pytest.approx(100 * first.curves["test_accuracy"][-1])
    assert "checked" in files[f"{BOARD}/noisy_val.csv"].splitlines()[0]


def test_how_far_rows_were_checked_is_a_column_where_it_is_not_the_same_of_all(held, files):
    assert "; every row verified by Grace, 2026-01-31</span></caption>" in files[f"{BOARD}/index.html"]
    claimed = {run.key: Standing(state="claimed", by="Ada", date="2026-01-30") for run in held.results[:6]}
    text = site(replace(held, standings=held.standings | claimed))[f"{BOARD}/index.html"]
    assert '<td class="checked">verified by Grace' in text and '<td class="checked">claimed by Ada' in text
    assert ".checked" in files["style.css"] and "every row" not in text


def test_the_index_says_what_the_highest_score_is_of(held, files, make):
    assert re.search(r"gce\(q=0.5\) \+ sam 91.00 ± [\d.]+ <small class=\"soft\">\(mean of 2\)", files["index.html"])
    more = [make(label=label, replicate=i, noise="asymmetric-0.4") for label in ("ce", "<b>&") for i in range(3)]
    fewer = [run for run in held.results if run.noise == "symmetric-0.4"]
    for runs, words in (((*held.results, *more[:3]), "(mean of 2 of 3)"), ((*fewer, *more[:3]), "(symmetric-0.4)")):
        assert words in site(replace(held, results=tuple(runs)))["index.html"]


@pytest.mark.slow
def test_a_frozen_board_is_built_byte_for_byte_whatever_is_added(held, make):
    early = replace(held, results=held.results[:6])
    release = freeze("1.0", early.results, early.standings)
    release = replace(release, files=digests(frozen_files(release, early)))
    later = replace(held, results=(*held.results, make(label="better", noise="clean", test=[0.99, 0.99])))
    files = site(later, ABOUT, [release])
    assert release.same(frozen_files(release, later))
    assert "byte for byte" in files["releases/1.0/index.html"]
    other = replace(release, files={**release.files, "digits/default-fast-protocol1/final.md": "0" * 64})
    assert "not what was written then" in site(later, ABOUT, [other])["releases/1.0/index.html"]


def test_a_frozen_row_may_neither_go_nor_change(held):
    release = freeze("1.0", held.results, {})
    with pytest.raises(StoreError, match=r"the release 1\.0 lacks 1 of its rows"):
        release.rows_of(held.results[1:])
    with pytest.raises(StoreError, match="has another record of"):
        release.rows_of([replace(held.results[0], report=0), *held.results[1:]])
    with pytest.raises(StoreError, match="a release is called by lower-case letters"):
        freeze("../x", held.results, {})


NAMES = ("gce(q=0.5)", "gce_q=0.5", "GCE", "gce", "..", "a/b", "index")


@pytest.mark.parametrize("name", NAMES)
def test_addresses_are_apart_and_safe(name):
    assert len({address(one) for one in (*NAMES, "x")} | {"index"}) == len(NAMES) + 2
    assert re.fullmatch(r"[a-z0-9][\w.+=-]*", address(name)) and ".." not in address(name)
