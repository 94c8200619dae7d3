"""Addresses of a site: they follow from names alone, so that they stay what they are."""

from __future__ import annotations

import hashlib

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.results.card import slug

TAKEN = ("index",)
"""Names that pages of a board have already."""


def address(name: str) -> str:
    """Return a name as a part of an address; where that loses something, a digest of the name tells it apart."""
    short = slug(name) or "x"
    return short if short == name and name not in TAKEN else f"{short}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def board_place(board: Board) -> str:
    """Return the folder of the boards of one suite, track, length and protocol version."""
    return f"boards/{address(board.suite)}/{board.track}-{board.length}-protocol{board.protocol}"
