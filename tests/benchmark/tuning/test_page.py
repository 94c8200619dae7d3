"""The page of a report: a section is made again in place, and nothing of the user's or of other searches is lost."""

import pytest

from lnlbench.benchmark.protocol.settings import find
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.page import refuse_to_lose, renewed, section_name
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.methods._parse import parse

NOISY, FLIPS = (find([name])[0] for name in ("digits/symmetric-0.4", "digits/asymmetric-0.4"))
SEARCH = """### The search at digits/symmetric-0.4 by window

| method | trials | failed |
|---|---|---|
| ce | 20 | 0 |
| gce | 20 | 0 |

| method | best epoch: τ, regret |
|---|---|
| **mean** | 0.68, 0.37 |
"""


def spec(label, setting=NOISY, tuning="tune"):
    run = Run(setting, parse(label), label, 0, fingerprint="")
    return SearchSpec(f"{tuning}/{setting.name}/{label}", run, classes=10, size=144)


def test_a_section_is_made_again_in_place(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Mine\n\nbefore\n", encoding="utf-8")
    for section in ("first ü", "second"):
        page.write_text(renewed(page, "digits by window", section), encoding="utf-8")
        page.write_text(
            page.read_text(encoding="utf-8") + ("behind\n" if section == "first ü" else ""), encoding="utf-8"
        )
    block = "<!-- tune digits by window -->\n\nsecond\n<!-- end tune digits by window -->"
    assert page.read_text(encoding="utf-8") == f"# Mine\n\nbefore\n\n## digits by window\n\n{block}\nbehind\n"


def test_other_objectives_and_tunings_have_sections_of_their_own():
    names = {
        section_name([spec("ce"), spec("gce", FLIPS)], Budget()),
        section_name([spec("ce")], Budget(objective="epoch")),
        section_name([spec("ce", tuning="other")], Budget()),
    }
    assert names == {"digits by window", "digits by epoch", "digits by window, other"}


def test_a_section_that_holds_other_searches_is_refused(tmp_path):
    """One method of two, or another setting: the tables of the section would be of these alone."""
    page = tmp_path / "page.md"
    page.write_text(renewed(page, "digits by window", SEARCH), encoding="utf-8")
    refuse_to_lose(page, [spec("ce"), spec("gce"), spec("sam")], Budget())
    refuse_to_lose(page, [spec("sam", tuning="other")], Budget())
    refuse_to_lose(page, [spec("sam")], Budget(objective="epoch"))
    with pytest.raises(TuneError, match=r"would lose them: gce at digits/symmetric-0\.4; name all in one command"):
        refuse_to_lose(page, [spec("ce"), spec("sam")], Budget())
    with pytest.raises(TuneError, match=r"lose them: ce at digits/symmetric-0\.4 and gce at digits/symmetric-0\.4; "):
        refuse_to_lose(page, [spec("ce", FLIPS), spec("gce", FLIPS)], Budget())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            "<!-- tune digits by window -->\nmine\n", "has no <!-- end tune digits by window -->", id="no end"
        ),
        pytest.param(
            "<!-- tune digits by window -->\nmine\n<!-- tune digits by window -->\n<!-- end tune digits by window -->",
            "has no <!-- end tune digits by window -->",
            id="an end that is of the next",
        ),
        pytest.param("# T\xfcning\n", "cannot be read: it is not UTF-8", id="not UTF-8"),
    ],
)
def test_a_page_that_would_be_harmed_is_refused_before_and_after(tmp_path, content, said):
    page = tmp_path / "page.md"
    page.write_bytes(content.encode("latin-1"))
    with pytest.raises(TuneError, match=said):
        refuse_to_lose(page, [spec("ce")], Budget())
    with pytest.raises(TuneError, match=said):
        renewed(page, "digits by window", "new")
    assert page.read_bytes() == content.encode("latin-1")


def test_values_keep_the_name_of_their_part_where_the_short_one_is_not_enough():
    from lnlbench.benchmark.tuning.space import values_text

    values = {"lr": 0.03, "weight_decay": 0.0, "volminnet.lr": 0.01, "gce.q": 0.7}
    assert values_text(values) == "lr 0.03, weight_decay 0.0, volminnet.lr 0.01, q 0.7"
