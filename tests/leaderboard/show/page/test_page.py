"""The page in a real browser: it needs nothing else, filters and sorts, and no name in it is ever run as code."""

import re

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.show.page import page

EVIL = "<img src=x onerror=\"document.title='pwned'\"></script><script>document.title='pwned'</script>"


@pytest.fixture(scope="module")
def results(make):
    """Three methods, one of them told the noise rate, in two settings of one data set and one of another."""
    made = []
    for dataset, noise in (("digits", "symmetric-0.4"), ("digits", "asymmetric-0.4"), ("mnist", "symmetric-0.4")):
        for label, value in (("ce", 0.6), ("gce", 0.7), ("told", 0.8)):
            if (label, dataset) == ("told", "mnist"):
                continue
            made += [
                make(
                    key=f"{label} {dataset} {noise} {i}",
                    label=label,
                    dataset=dataset,
                    setting=f"{dataset}/{noise}",
                    noise=noise,
                    replicate=i,
                    test=[0.5, value + i / 100, value],
                    told=("noise_rate",) if label == "told" else (),
                    cost={"train_seconds": 10 * value, "forward_passes": 1.0, "backward_passes": 1.0, "epochs": 3},
                    more={"memorised_online": [0.1, 0.2, 0.3], "corrected_online": [0.5, 0.4, None]},
                )
                for i in range(3)
            ]
    made += [make(label="ce", track="tuned", replicate=i) for i in range(2)]
    return made


@pytest.fixture(scope="module")
def html(results):
    return page(results, {results[0].key: "http://127.0.0.1:5000/#/experiments/1/runs/abc"})


VISIBLE = """
const seen = (e) => e.checkVisibility();
const board = [...document.querySelectorAll('.block')].filter(seen);
const names = (root) => [...root.querySelectorAll('section:first-of-type tbody tr')].filter(seen)
  .map((row) => row.querySelector('th').firstChild.textContent.trim());
const heads = (root) => [...root.querySelectorAll('section:first-of-type thead th')].filter(seen)
  .map((head) => head.querySelector('button').textContent.replaceAll(/\\s+/g, ' ').trim());
const choose = (name, value) => {
  const select = document.querySelector(`form.filters select[name=${name}]`);
  select.value = value;
  select.dispatchEvent(new Event('change', {bubbles: true}));
};
"""


def test_the_page_asks_for_nothing_else(html):
    assert re.findall(r"""(?:src|href)=["'](?!#|http://127\.0\.0\.1:5000/)""", html) == []
    assert "import(" not in html and "fetch(" not in html and "@import" not in html and "url(" not in html


def test_it_opens_without_errors_on_one_view(html, after):
    found = after(html, VISIBLE + "return {n: board.length, names: names(board[0]), heads: heads(board[0])};")
    assert found["trouble"] == []
    assert found["n"] == 1
    assert found["names"] == ["told", "gce", "ce"]
    assert found["heads"] == ["method", "rank", "mean of 2", "digits/symmetric-0.4", "digits/asymmetric-0.4"]


def test_filters_hide_and_change_no_number(html, after):
    script = """
    const text = () => document.querySelector('.block:not([hidden]) tbody td').textContent;
    const before = text();
    choose('noise', 'asymmetric');
    const noise = heads(document.querySelector('.block:not([hidden])'));
    choose('told', 'nothing');
    const told = names(document.querySelector('.block:not([hidden])'));
    choose('noise', 'all'); choose('told', 'all');
    const same = text() === before;
    choose('rule', 'oracle');
    const rules = [...document.querySelectorAll('.block')].filter(seen).map((b) => b.dataset.rule);
    choose('suite', 'mnist');
    const mnist = names(document.querySelector('.block:not([hidden])'));
    choose('group', 'track tuned, length fast, protocol 1');
    const tuned = [...document.querySelectorAll('.block')].filter(seen).map((b) => b.dataset.suite);
    return {noise, told, same, rules, mnist, tuned};"""
    found = after(html, VISIBLE + script)
    assert found == {
        "trouble": [],
        "noise": ["method", "rank", "mean of 2", "digits/asymmetric-0.4"],
        "told": ["gce", "ce"],
        "same": True,
        "rules": ["oracle"],
        "mnist": ["gce", "ce"],
        "tuned": ["digits"],  # mnist has no tuned runs, so the choice falls back
    }


def test_tables_sort_by_number_and_say_so(html, after):
    script = """
    const root = document.querySelector('.block:not([hidden])');
    const head = root.querySelectorAll('thead th')[3], button = head.querySelector('button');
    button.click();
    const down = [names(root), head.getAttribute('aria-sort')];
    button.click();
    const up = [names(root), head.getAttribute('aria-sort')];
    const missing = root.querySelectorAll('thead th')[5];
    missing.querySelector('button').click(); missing.querySelector('button').click();
    return {down, up, last: names(root).at(-1)};"""
    found = after(html, VISIBLE + script)
    assert found["down"] == [["told", "gce", "ce"], "descending"]
    assert found["up"] == [["ce", "gce", "told"], "ascending"]
    assert found["last"] == "told"  # what has no number stays last in both directions


def test_curves_are_drawn_and_told_in_numbers(html, after):
    script = """
    const lines = document.querySelectorAll('#curves polyline').length;
    const first = document.querySelector('#curve-numbers tr').textContent;
    const ticks = [...document.querySelectorAll('#curves text[text-anchor=end]')].map((t) => t.textContent);
    const form = document.querySelector('#curve-choice');
    form.elements.method.value = '=gce'; form.elements.quantity.value = 'memorised_online';
    form.dispatchEvent(new Event('change', {bubbles: true}));
    const memorised = document.querySelector('#curve-numbers tr').textContent;
    return {lines, first, ticks, memorised, fewer: document.querySelectorAll('#curves polyline').length,
      label: document.querySelector('#curves svg').getAttribute('aria-label')};"""
    found = after(html, script)
    assert (found["trouble"], found["lines"], found["fewer"]) == ([], 9, 3)
    assert found["ticks"] == ["50", "60", "70", "80"], "from 50 to 82"
    assert found["first"] == "ce050.0060.00260.00"  # method, replicate, first, highest, its epoch, last
    assert found["memorised"] == "gce010.0030.00330.00", "the curve that the label says"
    assert found["label"].startswith("memorised")


def test_it_is_made_for_keyboards_and_screen_readers(html, after):
    script = """
    const all = (q) => [...document.querySelectorAll(q)];
    return {
      captions: all('table').every((t) => t.caption && t.caption.textContent.trim()),
      scopes: all('thead th').every((h) => h.scope === 'col') && all('tbody th').every((h) => h.scope === 'row'),
      sortable: all('table.sortable thead th').every((h) => h.ariaSort && h.querySelector('button')),
      labels: all('select').every((s) => s.labels.length === 1),
      diagrams: all('svg').every((s) => s.getAttribute('role') === 'img' && s.getAttribute('aria-label')),
      scroll: all('.scroll').every((s) => s.tabIndex === 0 && s.getAttribute('aria-label')),
      levels: all('h1, h2').map((h) => h.tagName)[0], lang: document.documentElement.lang,
    };"""
    assert after(html, script) == {
        "trouble": [],
        **dict.fromkeys(("captions", "scopes", "sortable", "labels", "diagrams", "scroll"), True),
        "levels": "H1",
        "lang": "en",
    }


CONTRAST = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!c.endsWith(', 0)')) return c; } return 'rgb(255, 255, 255)'; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
let worst = 21, curves = 21;
for (const e of document.querySelectorAll('h1, h2, p, th, td, small, summary, caption, label, select, li, figcaption'))
  worst = Math.min(worst, ratio(getComputedStyle(e).color, ground(e)));
for (const e of document.querySelectorAll('#curves polyline'))
  curves = Math.min(curves, ratio(getComputedStyle(e).stroke, ground(e)));
return {worst, curves, dark: light(getComputedStyle(document.body).backgroundColor) < 0.1,
  wide: document.documentElement.scrollWidth - innerWidth};
"""


@pytest.mark.parametrize(
    ("flags", "dark"),
    [
        pytest.param(("--window-size=1200,900",), False, id="light"),
        pytest.param(("--window-size=1200,900", "--blink-settings=preferredColorScheme=0"), True, id="dark"),
        pytest.param(("--window-size=500,844",), False, id="narrow"),  # Chromium's narrowest window
    ],
)
def test_it_is_legible(html, after, flags, dark):
    found = after(html, CONTRAST, *flags)
    assert found["dark"] is dark
    assert found["worst"] >= 4.5 and found["curves"] >= 3  # WCAG 2.2, 1.4.3 and 1.4.11
    assert found["wide"] <= 0  # only tables scroll sideways


def test_names_are_never_run(make, after):
    runs = [
        make(
            label=f"{EVIL}{i}", setting=f"digits/{EVIL}", dataset=f"digits{EVIL}", noise=EVIL, told=(EVIL,), replicate=r
        )
        for i in range(2)
        for r in range(3)
    ]
    script = """return {title: document.title, images: document.images.length,
      seen: document.body.innerText.includes('onerror')};"""
    found = after(page(runs, {runs[0].key: f"http://x/{EVIL}"}), script)
    assert found == {"trouble": [], "title": "lnlbench leaderboard", "images": 0, "seen": True}


def test_runs_link_to_mlflow(html):
    assert html.count('href="http://127.0.0.1:5000/#/experiments/1/runs/abc"') == 1


def test_versions_of_the_protocol_are_never_ranked_together(make):
    runs = [make(label=label, protocol=p, replicate=i) for label in ("ce", "gce") for p in (1, 2) for i in range(2)]
    text = page(runs)
    assert {"protocol 1", "protocol 2"} <= set(re.findall(r'data-group="[^"]*(protocol \d)"', text))
    assert "protocol 1, protocol" not in text


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([{}], id="one run"),
        pytest.param([{}, {"label": "gce"}], id="one replicate"),
        pytest.param([{"diverged": True}, {"replicate": 1, "diverged": True, "label": "gce"}], id="diverged"),
        pytest.param([{}, {"label": "gce", "noise": "clean"}], id="no setting in common"),
        pytest.param([{"identity": {}, "cost": {}, "environment": {}}], id="nothing recorded"),
        pytest.param([{"diverged": True, "test": []}, {"label": "gce"}], id="diverged before the first epoch"),
    ],
)
def test_poor_boards_have_a_page(make, runs, after):
    made = [make(**({"report": 0} if run.get("test") == [] else {}), **run) for run in runs]
    assert after(page(made), "return {n: document.querySelectorAll('table').length > 3};") == {"trouble": [], "n": True}


def test_no_results_no_page():
    with pytest.raises(StoreError, match="no results"):
        page([])
