"""The leaderboard as one HTML file that needs nothing else: no server, no network, no other file."""

from lnlbench.leaderboard.show.page.page import page as page

__all__ = ["page"]
