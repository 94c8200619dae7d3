"""A large page stays quick: 40 methods × 25 settings × 5 replicates, opened and filtered in a real browser."""

import random

import pytest

from lnlbench.leaderboard.show.page import page

METHODS, SETTINGS, REPLICATES = 40, 25, 5
LOOKS = 5  # the quickest of several: other work may share the processor


@pytest.fixture(scope="module")
def large(make):
    source = random.Random(0)
    runs = []
    for method in range(METHODS):
        for setting in range(SETTINGS):
            noise = f"{'symmetric' if setting % 2 else 'asymmetric'}-0.{1 + setting // 2:02d}"
            base = 0.6 + 0.3 * method / METHODS
            for replicate in range(REPLICATES):
                curve = [base + 0.02 * source.gauss(0, 1) * (20 - epoch) / 20 for epoch in range(20)]
                runs.append(
                    make(
                        key=f"{method} {setting} {replicate}",
                        label="ce" if method == 0 else f"method_{method}",
                        setting=f"mnist/{noise}",
                        noise=noise,
                        replicate=replicate,
                        test=curve,
                        more={"memorised_online": curve, "corrected_online": curve},
                    )
                )
    return page(runs)


QUICK = f"""
const least = (work) => Math.min(...Array.from({{length: {LOOKS}}}, (_, i) => {{
  const begin = performance.now(); work(i); document.body.offsetHeight; return performance.now() - begin; }}));
const choose = (name, value) => {{ const field = FORM.elements[name]; field.value = value;
  field.dispatchEvent(new Event('input', {{bubbles: true}})); }};
const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
return {{first,
  noise: least((i) => choose('noise', i % 2 ? '' : 'symmetric')),
  search: least((i) => choose('q', i % 2 ? '' : 'method_1')),
  by: least((i) => choose('by', BOARD_SETTINGS[i])),
  pair: least((i) => {{ STATE.pair = `method_${{i + 1}}|ce`; changed('pair'); }}),
  rows: (clearFilters(), document.querySelectorAll('#ranking tbody tr').length),
  best: document.querySelector('#pair .lead').textContent}};
""".replace("BOARD_SETTINGS", "board().columns.map((column) => column.setting)")


@pytest.mark.slow
def test_a_large_page_paints_and_filters_quickly(large, real_time):
    quick = real_time(large, QUICK)
    assert quick["trouble"] == [] and quick["rows"] == METHODS and "method_5" in quick["best"]
    assert quick["first"] < 1500  # milliseconds
    assert {
        name: spent for name, spent in quick.items() if name in ("noise", "search", "by", "pair") and spent > 300
    } == {}
