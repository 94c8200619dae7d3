"""The site in a real browser: nothing is cut without a sign of it, on a wide screen and on a narrow one."""

import re

import pytest

from lnlbench.leaderboard.results.submission import Collection
from lnlbench.leaderboard.show.site import site

BOARD = "boards/digits/default-fast-protocol1/index.html"
NOISES = ("symmetric-0.4", "asymmetric-0.4", "instance-0.4", "human-worst", "clean")
DOUBTFUL = ["instance-0.4", "human-worst"]
METHODS = {"ce": (), "clean_early_stopping": (), "label_noise_sgd": (), "forward": ("transition_matrix (estimated)",)}
WIDE, NARROW = "--window-size=1400,900", "--window-size=500,844"  # 500: Chromium's narrowest window
SIZES = """
const box = document.querySelector('.scroll'), cells = [...box.querySelectorAll('td')];
box.scrollLeft = 9999;
const alpha = (e) => Number(getComputedStyle(e).backgroundColor.match(/[\\d.]+/g)[3] ?? 1);
return {more: box.scrollWidth - box.clientWidth, moved: box.scrollLeft > 0,
  tints: cells.filter((e) => alpha(e) > 0).length, opaque: cells.filter((e) => alpha(e) === 1).length,
  grounds: getComputedStyle(box).backgroundAttachment,
  head: box.querySelector('th').getBoundingClientRect().left - box.getBoundingClientRect().left,
  caption: box.querySelector('caption span')?.getBoundingClientRect().right,
  row: box.querySelector('tbody tr').offsetHeight,
  order: [...box.querySelectorAll('thead th')].map((e) => e.innerText)};
"""


@pytest.fixture(scope="module")
def files(make):
    """A site of five settings, with wide intervals and replicates that lack here and there, as boards have them."""
    runs = [
        make(
            label=label, replicate=i, noise=noise, told=told,
            identity=make().identity | {"noise": {"realised_rate": 0.4, "guaranteed": noise not in DOUBTFUL}},
            test=[0.5, 0.5 + 0.07 * ((3 * i + k) % 4)], validation=[0.1, 0.2],
        )
        for k, (label, told) in enumerate(METHODS.items())
        for noise in NOISES
        for i in range(2 if k == 3 else 3)
    ]  # fmt: skip
    return site(Collection(tuple(runs), {}, {}))


@pytest.fixture(scope="module")
def look(files, after):
    """Open a page of the site with its style, and return what there is to see."""

    def opened(name: str, size: str) -> dict:
        return after(re.sub("<link [^>]*>", f"<style>{files['style.css']}</style>", files[name]), SIZES, size)

    return opened


def test_five_settings_fit_on_a_wide_screen(look):
    assert look(BOARD, WIDE)["more"] == 0


def test_a_table_that_is_cut_has_a_shade_at_its_edge_that_no_cell_hides(look):
    found = look(BOARD, NARROW)
    assert found["more"] > 0 and found["moved"]
    assert found["grounds"] == "local, scroll" and found["tints"] > 0 and found["opaque"] == 0
    assert found["head"] == 0  # stays above the names


@pytest.mark.parametrize("page", [BOARD, BOARD.replace("index", "ce")])
def test_a_caption_breaks_where_the_screen_ends(page, look):
    assert look(page, NARROW)["caption"] <= 500


def test_the_index_is_readable_on_a_narrow_screen(look):
    found = look("index.html", NARROW)
    assert found["row"] < 60 and found["order"][:2] == ["suite", "highest"]


def test_settings_of_doubtful_validation_have_a_dagger_at_their_head(files):
    first, final = (re.search("<thead>.*?</thead>", text, re.S)[0] for text in files[BOARD].split("Under final"))
    assert [noise for noise in NOISES if f"{noise} †" in first] == DOUBTFUL
    assert "†" not in final
