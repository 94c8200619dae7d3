"""A static site of results: files that need no server, no network and no script."""

from lnlbench.leaderboard.show.site.site import site as site

__all__ = ["site"]
