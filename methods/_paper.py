"""The publication of a method, as data, as BibTeX and in one line."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

FAMILIES = ("loss", "correction", "selection", "regularisation", "semi-supervised", "optimisation", "stopping")
"""What a method mainly changes: the loss; labels or predictions, by what is known or learnt of the noise; which
samples count; memorisation, in other ways; what relabelled samples teach; how weights move; when training ends."""

ORIGINS = ("paper", "code", "other code", "ours")
"""Where a default is from: the paper, its official code, the code of a paper that compares with it, or this project."""

VENUES = {
    "AAAI": "Proceedings of the AAAI Conference on Artificial Intelligence",
    "AISTATS": "International Conference on Artificial Intelligence and Statistics",
    "CVPR": "Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition",
    "ICCV": "Proceedings of the IEEE/CVF International Conference on Computer Vision",
    "ICLR": "International Conference on Learning Representations",
    "ICLR Workshop": "International Conference on Learning Representations, Workshop Track",
    "ICML": "International Conference on Machine Learning",
    "IJCAI": "Proceedings of the International Joint Conference on Artificial Intelligence",
    "NeurIPS": "Advances in Neural Information Processing Systems",
}
"""Proceedings by the short names of the field."""

JOURNALS = {
    "JRSS B": "Journal of the Royal Statistical Society: Series B",
    "SIAM J. Control Optim.": "SIAM Journal on Control and Optimization",
    "Pattern Recognition": "Pattern Recognition",
}
"""Journals by their short names."""

COMMON = {"a", "an", "are", "can", "for", "how", "in", "is", "of", "on", "the", "to", "when", "with"}


@dataclass(frozen=True)
class Paper:
    """A publication.

    Attributes:
        title: as printed.
        authors: full names in the order of the paper, joined by commas.
        venue: a key of `VENUES` or `JOURNALS`, "arXiv", or any other text.
        year: of publication.
        arxiv: identifier, as in "1805.07836"; empty where there is none.
        doi: as in "10.1000/182"; empty where there is none.
        url: another address, where there is neither.
        code: address of the authors' code; empty where there is none.
    """

    title: str
    authors: str
    venue: str
    year: int
    arxiv: str = ""
    doi: str = ""
    url: str = ""
    code: str = ""

    @property
    def names(self) -> list[str]:
        """The authors."""
        return [name.strip() for name in self.authors.split(",")]

    @property
    def link(self) -> str:
        """The address of the paper; empty if unknown."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def short(self) -> str:
        """Its first authors and the venue: "Zhang and Sabuncu, NeurIPS"."""
        family = [name.split()[-1] for name in self.names]
        who = " and ".join(family) if len(family) < 3 else f"{family[0]} et al."
        return f"{who}, {self.venue}"

    @property
    def key(self) -> str:
        """Its BibTeX key: "zhang2018generalized"."""
        words = [_plain(word) for word in re.split(r"[\s\-:]+", self.title)]
        first = next((word for word in words if word and word not in COMMON), "")
        return f"{_plain(self.names[0].split()[-1])}{self.year}{first}"

    def bibtex(self) -> str:
        """Return its BibTeX entry."""
        kind, place = self._place()
        fields = {
            "title": f"{{{self.title}}}",  # in double braces, so that capitals stay
            "author": " and ".join(self.names),
            **place,
            "year": str(self.year),
            "doi": self.doi,
            "eprint": self.arxiv,
            "archivePrefix": "arXiv" if self.arxiv else "",
            "url": self.url,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])

    def _place(self) -> tuple[str, dict[str, str]]:
        if self.venue == "arXiv":
            return "misc", {}
        if self.venue in JOURNALS:
            return "article", {"journal": JOURNALS[self.venue]}
        return "inproceedings", {"booktitle": VENUES.get(self.venue, self.venue)}


def _plain(word: str) -> str:
    """Return the letters and digits of a word, in lower case and without accents."""
    letters = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", letters.lower())
