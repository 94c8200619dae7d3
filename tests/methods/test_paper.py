"""Papers as data: their BibTeX, and that every method of ours says where it and its defaults are from."""

import re

import pytest

from lnlbench.methods import FAMILIES, ORIGINS, Paper, methods
from lnlbench.methods._paper import JOURNALS, VENUES

OURS = {name: method for name, method in methods().items() if not method.source}


def test_an_entry_has_the_fields_of_the_paper():
    paper = Paper("A Study: of *B*", "Ann Müller, Bo de la Cruz", "ICML", 2021, arxiv="2101.00001", code="https://x.y")
    assert (
        paper.bibtex()
        == """@inproceedings{muller2021study,
  title = {{A Study: of *B*}},
  author = {Ann Müller and Bo de la Cruz},
  booktitle = {International Conference on Machine Learning},
  year = {2021},
  eprint = {2101.00001},
  archivePrefix = {arXiv},
}"""
    )
    assert paper.short == "Müller and Cruz, ICML"
    assert paper.link == "https://arxiv.org/abs/2101.00001"


@pytest.mark.parametrize(
    ("venue", "kind", "place"),
    [
        ("JRSS B", "article", "journal = {Journal of the Royal Statistical Society: Series B}"),
        ("arXiv", "misc", None),
        ("A workshop", "inproceedings", "booktitle = {A workshop}"),
    ],
)
def test_the_kind_of_an_entry_is_that_of_its_venue(venue, kind, place):
    entry = Paper("T", "A B, C D, E F", venue, 2020, doi="10.1/x").bibtex()
    assert entry.startswith(f"@{kind}{{b2020t,")
    assert place is None or f"  {place}," in entry.splitlines()
    assert "doi = {10.1/x}" in entry


def test_three_authors_are_et_al_and_a_doi_is_a_link():
    paper = Paper("T", "A B, C D, E F", "ICML", 2020, doi="10.1/x")
    assert (paper.short, paper.link) == ("B et al., ICML", "https://doi.org/10.1/x")


@pytest.mark.parametrize("name", OURS)
def test_every_method_says_where_it_is_from(name):
    method = OURS[name]
    assert method.family in FAMILIES
    paper = method.paper
    assert paper.venue in {*VENUES, *JOURNALS}
    assert 1950 < paper.year <= 2026 and len(paper.title) > 10 and all(paper.names)
    assert re.fullmatch(r"(\d{4}\.\d{4,5})?", paper.arxiv) and paper.link.startswith("https://")
    assert {span.origin for span in method.space().values()} <= set(ORIGINS)


def test_one_key_is_one_paper():
    papers = {method.paper for method in OURS.values()}
    assert len({paper.key for paper in papers}) == len(papers)
