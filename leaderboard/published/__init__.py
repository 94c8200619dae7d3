"""Published accuracies with their sources, and what of them can be compared with results of ours."""

from lnlbench.leaderboard.published.beside import Beside as Beside
from lnlbench.leaderboard.published.beside import beside as beside
from lnlbench.leaderboard.published.beside import to_markdown as to_markdown
from lnlbench.leaderboard.published.literature import Published as Published
from lnlbench.leaderboard.published.literature import literature as literature

__all__ = ["Beside", "Published", "beside", "literature", "to_markdown"]
