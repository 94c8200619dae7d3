"""The page in a real browser: it answers what a reader asks, needs nothing else, and never runs a name as code."""

import re
from dataclasses import replace

import pytest

from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.standing import Standing
from lnlbench.leaderboard.show.page import page
from lnlbench.leaderboard.show.page.about import About
from lnlbench.leaderboard.show.words import interval, percent

EVIL = "<img src=x onerror=\"document.title='pwned'\"></script><script>document.title='pwned'</script>"
ABOUT = {
    "ce": About(family="loss", idea="Cross-entropy.", formula="−log p_y"),
    "gce": About(
        family="loss", idea="Between CE and MAE.", paper="Zhang 2018", paper_url="https://arxiv.org/abs/1805.07836"
    ),
    "told": About(family="selection", code_url="https://example.org/code"),
}


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
    links = {results[0].key: "http://127.0.0.1:5000/#/experiments/1/runs/abc"}
    return page(results, links, about=ABOUT, date="2026-01-31")


TOOLS = """
const all = (q, root = document) => [...root.querySelectorAll(q)];
const names = () => all('#ranking tbody tr:not(.about) th button').map((b) => b.textContent.replace('● ', ''));
const heads = () => all('#ranking thead th').map((head) => head.querySelector('button').textContent);
const choose = (name, value) => { const field = FORM.elements[name]; field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true})); };
const everything = () => { for (let twice = 0; twice < 2; twice += 1) { for (const body of BODIES) build(body);
  for (const d of all('details')) { d.open = true; d.dispatchEvent(new Event('toggle')); } } };
"""


def test_the_page_asks_for_nothing_else(html):
    outside = re.findall(r"""(?:src|href)=["'](?!#|http://127\.0\.0\.1:5000/)""", html)
    assert outside == []
    assert "import(" not in html and "fetch(" not in html and "@import" not in html and "url(" not in html


def test_it_opens_on_the_board_with_most_to_say(html, after):
    found = after(html, TOOLS + "return {names: names(), heads: heads(), lead: all('.lead')[0].textContent};")
    assert found["trouble"] == []
    assert found["names"] == ["told", "gce", "ce"]
    assert found["heads"] == ["method", "mean of 2", "gap", "rank", "vs ce", "sym 0.4", "asym 0.4"]
    assert found["lead"].startswith("told is first")


def test_the_first_screen_has_the_intervals_in_order(html, after):
    script = """return {order: all('#ranking svg g text:first-of-type').map((t) => t.textContent),
      best: all('#ranking svg g.best').length, label: all('#ranking svg')[0].getAttribute('aria-label')};"""
    found = after(html, TOOLS + script)
    assert found["order"] == ["told", "gce", "ce"]
    assert found["best"] == 1 and found["label"].startswith("Ranked intervals of 3 methods")


def test_filters_hide_and_change_no_number(html, after):
    script = """
    const text = () => document.querySelector('#ranking tbody td').textContent;
    const before = text();
    choose('noise', 'asymmetric'); const noise = heads();
    choose('told', 'nothing'); const told = names();
    choose('noise', ''); choose('told', ''); const same = text() === before;
    choose('q', 'GC'); const search = names();
    choose('q', 'nobody'); const none = all('#ranking table').length;
    clearFilters(); choose('family', 'selection'); const family = names();
    choose('family', ''); choose('rule', 'oracle'); const rule = document.querySelector('#ranking caption').textContent;
    return {noise, told, same, search, none, family, rule};"""
    found = after(html, TOOLS + script)
    assert found["noise"] == ["method", "mean of 2", "gap", "rank", "vs ce", "asym 0.4"]
    assert (found["told"], found["same"]) == (["gce", "ce"], True)
    assert (found["search"], found["none"], found["family"]) == (["gce"], 0, ["told"])
    assert "oracle" in found["rule"] and found["trouble"] == []


def test_a_setting_orders_the_board_and_says_who_is_first_there(html, after):
    script = """choose('by', 'digits/symmetric-0.4');
    return {lead: all('.lead')[0].textContent, heads: heads(), at: location.hash,
      caption: document.querySelector('#ranking caption').textContent};"""
    found = after(html, TOOLS + script)
    assert found["lead"].startswith("told is first in digits/symmetric-0.4 (8")
    assert found["heads"][1] == "mean" and "digits/symmetric-0.4" in found["caption"]
    assert found["at"] == "#by=digits%2Fsymmetric-0.4"


def test_the_address_brings_everything_back(html, after):
    script = """
    location.hash = '#q=gce&open=gce&pair=told%7Cgce&sort=mean+ascending&by=digits%2Fclean&view=77&rule=nothing';
    readAddress(); fillForm(); changed(); everything();
    return {names: names(), about: all('tr.about').length, pair: all('#pair .lead')[0].textContent, by: STATE.by,
      rule: STATE.rule, sorted: all('#ranking th[aria-sort=ascending]').length};"""
    found = after(html, TOOLS + script)
    assert (found["names"], found["about"], found["sorted"]) == (["gce"], 1, 1)
    assert found["pair"].startswith("told is") and "surely above" in found["pair"]
    assert found["by"] == "" and found["rule"] == "noisy_val", "what is not there is ignored"
    assert found["trouble"] == []


def test_tables_sort_by_number_and_say_so(html, after):
    script = """
    const head = () => all('#ranking thead th')[1], press = () => head().querySelector('button').click();
    press(); const down = [names(), head().getAttribute('aria-sort')];
    press(); const up = [names(), head().getAttribute('aria-sort'), document.getElementById('said').textContent];
    all('#ranking thead th')[4].querySelector('button').click();
    const missing = names().at(-1);
    return {down, up, missing};"""
    found = after(html, TOOLS + script)
    assert found["down"] == [["told", "gce", "ce"], "descending"]
    assert found["up"] == [["ce", "gce", "told"], "ascending", "sorted by mean of 2, ascending"]
    assert found["missing"] == "ce", "what has no number stays last"


@pytest.fixture(scope="module")
def package_page(package):
    """The page of one setting, with the standings that the package has, and its board."""
    runs = [run for run in package if run.setting == "mnist-mlp/symmetric-0.5"]
    standings = {run.key: Standing(by="Ada", date=f"2026-01-3{int(run.label != 'ce')}") for run in runs}
    return page(runs, standings=standings), build(runs, "noisy_val", suite="mnist-mlp", standings=standings)


def test_the_table_has_the_numbers_that_python_writes(make, after):
    """Ties that are none in binary, and one that is: 91.125 is 91.12, as every other table has it. Two are cut."""
    levels = {"ce": (0.5930, 0.5931), "gce": (0.8625, 0.8626), "tie": (0.9112, 0.91130), "sam": (0.59114, 0.59115)}
    levels |= {"wild": (0.4, 0.9), "high": (0.991, 0.999)}
    runs = [
        make(label=label, replicate=i, test=[value]) for label, row in levels.items() for i, value in enumerate(row)
    ]
    board = build(runs, "noisy_val")
    script = """return {cells: all('#ranking tbody tr').map((r) => r.children[1].textContent.trim()),
      gaps: board().rows.map((r) => r.score.gap ? percent(r.score.gap[0]) : '')};"""
    found = after(page(runs), TOOLS + script)
    assert found["cells"] == [interval(row.score) for row in board.rows]
    assert found["gaps"] == [percent(row.score.gap.points) if row.score.gap else "" for row in board.rows]


def test_the_numbers_of_the_package_are_those_that_python_writes(package_page, after):
    html, board = package_page
    script = "return {cells: all('#ranking tbody tr').map((r) => r.children[1].textContent.trim())};"
    rows = [*board.rows, *board.below]
    shown = [text.partition(" !")[0].removesuffix(" =") for text in after(html, TOOLS + script)["cells"]]
    assert shown == [interval(row.cells[board.columns[0].setting]) for row in rows] and len(rows) > 50


def test_how_far_rows_were_checked_is_said_once_where_it_is_the_same(package_page, after, make):
    script = "return {heads: heads(), caption: document.querySelector('#ranking caption').textContent};"
    found = after(package_page[0], TOOLS + script)
    assert "checked" not in found["heads"]
    assert found["caption"].endswith("; every row claimed by Ada, 2026-01-30 to 2026-01-31")
    runs = [make(label=label, replicate=i) for label in ("ce", "gce") for i in range(2)]
    standings = {run.key: Standing(by=f"somebody {run.label}", date="2026-01-30") for run in runs}
    script = """return {heads: heads(), caption: document.querySelector('#ranking caption').textContent,
      high: all('#ranking tbody tr').map((r) => r.offsetHeight)};"""
    found = after(page(runs, standings=standings), TOOLS + script, "--window-size=500,844")
    assert found["heads"][-1] == "checked" and "every row" not in found["caption"]
    assert max(found["high"]) < 60, "one line"


def test_two_methods_are_compared_in_words_that_fit(html, after):
    script = """STATE.pair = 'told|ce'; changed('pair');
    const titles = all('#pair thead th button').map((button) => button.textContent);
    const cells = all('#pair tbody tr')[0].children, caption = document.querySelector('#pair caption').textContent;
    return {lead: all('#pair .lead')[0].textContent, heads: titles, caption,
      holm: cells[5].textContent, chance: cells[6].textContent, most: [chanceOf(1), chanceOf(0.992), chanceOf(0.5),
      chanceOf(0)], many: (1540).toLocaleString('en')};"""
    found = after(html, TOOLS + script)
    assert "; p < 0.001): surely above" in found["lead"] and "= <" not in found["lead"]
    assert found["heads"][4:] == ["p", "p, Holm over 3 pairs", "chance"] and " of " not in found["holm"]
    assert "percentage points" in found["caption"] and "share of the difference's t distribution" in found["caption"]
    assert found["chance"] == "> 99 %" and found["most"] == ["> 99 %", "> 99 %", "50 %", "< 1 %"]
    assert found["many"] == "1,540"


def test_no_interval_leaves_what_can_be(make, after):
    levels = {"ce": (0.1, 0.9), "gce": (0.85, 0.95), "sam": (0.901, 0.902)}
    runs = [
        make(label=label, replicate=i, test=[value]) for label, row in levels.items() for i, value in enumerate(row)
    ]
    script = """STATE.pair = 'gce|ce'; changed('pair'); const line = document.querySelector('#pair line.span');
    const box = document.querySelector('#pair svg').viewBox.baseVal;
    return {lead: all('.lead').map((p) => p.textContent), cell: all('#pair tbody td')[2].textContent,
      right: Number(line.getAttribute('x2')) <= box.width,
      titles: all('#ranking [title]').map((e) => e.title).join()};"""
    found = after(page(runs), TOOLS + script)
    assert "; 95 % interval −100.00 to +100.00; " in found["lead"][1]
    assert found["cell"] == "+40.00 [−100, +100]" and found["right"]
    assert "50.00 [0, 100], n = 2" in found["titles"] and found["trouble"] == []


def test_it_says_whether_the_test_set_changes_the_winner(html, make, after):
    script = """everything(); return {head: document.querySelector('#rules h2').textContent,
      said: all('#rules p').map((p) => p.textContent), rules: all('#rules p code').map((c) => c.textContent)};"""
    found = after(html, TOOLS + script)
    assert found["head"] == "Would choosing the epoch on the test set change the winner?"
    assert found["said"][0] == "No: in every setting the same method is first under noisy_val and oracle."
    assert found["rules"] == ["noisy_val", "oracle"]
    curves = {"falls": [0.5, 0.9, 0.6], "stays": [0.5, 0.8, 0.8]}
    runs = [make(label=label, replicate=i, test=test) for label, test in curves.items() for i in range(2)]
    said = after(page(runs), TOOLS + script)["said"]
    assert said[1] == "Under final another method is first at digits/symmetric-0.4 (stays instead of falls)."


def test_it_opens_on_the_rule_that_is_asked_for(results, after):
    found = after(page(results, rule="final"), TOOLS + "return {rule: STATE.rule, at: location.hash};")
    assert found == {"trouble": [], "rule": "final", "at": ""}


def test_the_first_is_called_so_whatever_is_filtered(html, after):
    script = "const gaps = () => all('#ranking tbody tr').map((r) => r.children[2].textContent); choose('q', 'gce');"
    found = after(html, TOOLS + script + "const filtered = gaps(); choose('q', ''); return {filtered, all: gaps()};")
    assert "first" not in found["filtered"] and found["all"][0] == "first" and found["all"].count("first") == 1


def test_a_row_says_where_it_comes_from_and_how_to_make_it(html, after):
    script = """all('#ranking tbody th button').find((b) => b.textContent.includes('gce')).click();
    const row = document.querySelector('tr.about');
    return {text: row.textContent, links: all('a', row).map((a) => a.href),
      command: row.querySelector('.command code').textContent};"""
    found = after(html, TOOLS + script)
    assert "Between CE and MAE." in found["text"] and "(loss)" in found["text"]
    assert found["links"] == ["https://arxiv.org/abs/1805.07836"]
    made_by = (
        'lnlbench run digits/symmetric-0.4 digits/asymmetric-0.4 --methods "gce" --replicates 0-2 --precision fp32'
    )
    assert found["command"] == made_by


def test_a_pair_is_the_same_from_both_sides(html, after):
    script = """
    const row = () => all('#pair tbody tr').map((r) => all('td', r).map((d) => d.textContent));
    STATE.pair = 'told|ce'; changed('pair'); const one = [all('#pair .lead')[0].textContent, row()];
    all('#pair button')[0].click(); const other = [all('#pair .lead')[0].textContent, row()];
    return {one, other, words: STATE.pair};"""
    found = after(html, TOOLS + script)
    (lead, rows), (swapped, back) = found["one"], found["other"]
    assert lead.startswith("told is 20.") and "above ce (mean of 2; 95 % interval" in lead
    assert swapped.startswith("ce is 20.") and "below told" in swapped
    assert len(rows) == 3 and [r[2].lstrip("+") for r in rows] == [r[2].lstrip("−") for r in back]
    assert [r[3:5] for r in rows] == [r[3:5] for r in back], "p and family"
    assert found["words"] == "ce|told"


def test_curves_show_the_reference_and_the_best_until_the_reader_chooses(html, after):
    script = """everything();
    const pressed = () => all('#curves .legend button[aria-pressed=true]').map((b) => b.textContent);
    const first = pressed(), bands = all('#curves .band').length;
    const label = document.querySelector('#curves svg').getAttribute('aria-label');
    all('#curves .legend button').find((b) => b.textContent === 'gce').click();
    const fewer = pressed();
    STATE.quantity = 'memorised_online'; changed('curves'); everything();
    const numbers = all('#curves tbody tr').map((r) => [...r.children].map((d) => d.textContent));
    return {first, bands, label, fewer, numbers};"""
    found = after(html, TOOLS + script)
    assert sorted(found["first"]) == ["ce", "gce", "told"] and found["bands"] == 3
    assert found["label"].startswith("test accuracy, percent")
    assert sorted(found["fewer"]) == ["ce", "told"]
    assert found["numbers"][0][1:] == ["3", "10.00", "30.00", "3", "30.00"] and found["trouble"] == []


def test_it_is_made_for_keyboards_and_screen_readers(html, after):
    script = """everything();
    return {
      captions: all('table').every((t) => t.caption && t.caption.textContent.trim()),
      scopes: all('thead th').every((h) => h.scope === 'col')
        && all('tbody tr:not(.about) > :first-child').every((h) => h.scope === 'row'),
      sortable: all('.script thead th').every((h) => h.ariaSort && h.querySelector('button')),
      labels: all('select, input').every((s) => s.labels.length === 1),
      diagrams: all('svg').every((s) => s.getAttribute('role') === 'img' && s.getAttribute('aria-label')),
      scroll: all('.scroll').every((s) => s.tabIndex === 0 && s.getAttribute('aria-label')),
      levels: all('h1, h2').map((h) => h.tagName)[0], lang: document.documentElement.lang,
    };"""
    assert after(html, TOOLS + script) == {
        "trouble": [],
        **dict.fromkeys(("captions", "scopes", "sortable", "labels", "diagrams", "scroll"), True),
        "levels": "H1",
        "lang": "en",
    }


CONTRAST = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
// The ground of a text: what is translucent lies on what is behind it.
const ground = (e) => { const [r, g, b, alpha = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
  if (alpha === 1) return `rgb(${r}, ${g}, ${b})`;
  const behind = e.parentElement ? ground(e.parentElement).match(/[\\d.]+/g).map(Number) : [255, 255, 255];
  return `rgb(${[r, g, b].map((c, i) => alpha * c + (1 - alpha) * behind[i]).join(', ')})`; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
everything();
let worst = 21, curves = 21, where = '';
const TEXTS = 'h1, h2, p, th, td, small, summary, caption, label, select, li, figcaption, button, span';
for (const e of document.querySelectorAll(TEXTS)) {
  if (!e.textContent.trim()) continue;
  const now = ratio(getComputedStyle(e).color, ground(e));
  if (now < worst) [worst, where] = [now, e.outerHTML.slice(0, 90)];
}
for (const e of document.querySelectorAll('#curves polyline'))
  curves = Math.min(curves, ratio(getComputedStyle(e).stroke, ground(e)));
return {worst, where, curves, dark: light(getComputedStyle(document.body).backgroundColor) < 0.1,
  wide: document.documentElement.scrollWidth - innerWidth};
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "dark"),
    [
        pytest.param(("--window-size=1200,900",), False, id="light"),
        pytest.param(("--window-size=1200,900", "--blink-settings=preferredColorScheme=0"), True, id="dark"),
        pytest.param(("--window-size=500,844",), False, id="narrow"),  # Chromium's narrowest window
    ],
)
def test_it_is_legible(html, after, flags, dark):
    found = after(html, TOOLS + CONTRAST, *flags)
    assert found["dark"] is dark
    assert found["worst"] >= 4.5 and found["curves"] >= 3, found["where"]  # WCAG 2.2, 1.4.3 and 1.4.11
    assert found["wide"] <= 0  # only tables scroll sideways


@pytest.mark.parametrize("width", [500, 1280])  # 500: Chromium's narrowest window
def test_long_names_of_ones_own_data_stay_on_the_page(width, make, after):
    dataset = "my-data@b205cdfcbc8d,epochs=3,model=cnn_folded_small"
    name = "dal(alpha=0.125) + mixup(alpha=0.25) + sam(rho=0.0625)"
    runs = [
        make(
            label=label, replicate=i, test=[level + i / 100], dataset="my-data@b205cdfcbc8d", noise="given",
            setting=f"{dataset}/given", cost={"train_seconds": 10 * level, "forward_passes": 1.0, "epochs": 1},
        )
        for label, level in (("ce", 0.5), ("gce", 0.6), (name, 0.7))
        for i in range(2)
    ]  # fmt: skip
    runs += [replace(run, key=f"{run.key}+", setting=run.setting.replace("epochs=3", "epochs=4")) for run in runs]
    script = """everything(); choose('by', 'DATA/given'); everything();
    const outside = (e) => { const r = e.getBoundingClientRect(), s = e.closest('svg').getBoundingClientRect();
      return r.left < s.left - 1 || r.right > s.right + 1; };
    const [title, rank] = all('#ranking svg > text').slice(-2).map((t) => t.getBoundingClientRect());
    return {wide: document.documentElement.scrollWidth - innerWidth, heads: heads(),
      outside: all('svg text').filter(outside).map((t) => t.textContent), apart: title.right < rank.left};"""
    found = after(page(runs), TOOLS + script.replace("DATA", dataset), f"--window-size={width},900")
    assert found["trouble"] == [] and found["outside"] == [] and found["wide"] <= 0
    assert found["apart"] and found["heads"][1] == "mean"


def test_no_dot_lies_on_the_name_of_another(make, after):
    cheap = "of_a_long_name"
    levels = {"fast": (0.75, 50), cheap: (0.8, 100), "ce": (0.799, 112), "best": (0.85, 200), "lost": (0.1, 90)}
    runs = [
        make(label=label, replicate=i, test=[level], cost={"train_seconds": seconds, "epochs": 1})
        for label, (level, seconds) in levels.items()
        for i in range(2)
    ]
    script = """everything();
    const labels = all('#cost g.best text').map((t) => [t.textContent, t.getBoundingClientRect()]);
    const dots = all('#cost circle:not(.hit)').map((c) => c.getBoundingClientRect());
    const on = (t, d) => d.left < t.right && d.right > t.left && d.top < t.bottom && d.bottom > t.top;
    return {names: labels.map(([name]) => name), dots: dots.length,
      crossed: labels.filter(([, t]) => dots.some((d) => on(t, d))).map(([name]) => name),
      words: all('#cost figcaption')[0].textContent};"""
    found = after(page(runs), TOOLS + script, "--window-size=1200,900")
    assert sorted(found["names"]) == ["best", "fast", cheap] and found["dots"] == 4 and found["crossed"] == []
    assert "and 1 method far below." in found["words"]


def test_a_text_without_room_keeps_both_ends(html, after):
    found = after(html, "return {short: fitted('abcdefghij', 40), whole: fitted('abc', 400), least: fitted('abc', 0)};")
    assert re.fullmatch("ab?c?…h?i?j", found["short"])
    assert (found["whole"], found["least"]) == ("abc", "a…c")


def test_names_are_never_run(make, after):
    runs = [
        make(
            label=f"{EVIL}{i}", setting=f"digits/{EVIL}", dataset=f"digits{EVIL}", noise=EVIL, told=(EVIL,), replicate=r
        )
        for i in range(2)
        for r in range(3)
    ]
    script = """everything(); toggleRow(board().rows[0].name);
      return {title: document.title, images: document.images.length,
        seen: document.body.innerText.includes('onerror')};"""
    found = after(page(runs, {runs[0].key: f"http://x/{EVIL}"}), TOOLS + script)
    assert found == {"trouble": [], "title": "lnlbench leaderboard", "images": 0, "seen": True}


def test_runs_link_to_mlflow(html, after):
    script = "everything(); return {links: all('#runs a').map((a) => a.href)};"
    assert after(html, TOOLS + script)["links"] == ["http://127.0.0.1:5000/#/experiments/1/runs/abc"]


def test_the_page_says_when_and_with_what_it_was_made(html, after):
    made = after(html, "return {made: document.querySelector('.made').textContent};")["made"]
    assert made.startswith("26 runs · 3 methods · 3 settings · lnlbench") and made.endswith("2026-01-31")


def test_versions_of_the_protocol_are_never_ranked_together(make, after):
    runs = [make(label=label, protocol=p, replicate=i) for label in ("ce", "gce") for p in (1, 2) for i in range(2)]
    found = after(page(runs), TOOLS + "return {views: [...FORM.elements.view.options].map((o) => o.text)};")
    assert [view.rpartition(", ")[2] for view in found["views"]] == ["protocol 1", "protocol 2"]


@pytest.mark.slow
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
    script = "everything(); return {n: all('table').length > 2, names: names().length};"
    found = after(page(made), TOOLS + script)
    assert found == {"trouble": [], "n": True, "names": len({run.get("label", "ce") for run in runs})}


def test_no_results_no_page():
    with pytest.raises(StoreError, match="no results"):
        page([])
