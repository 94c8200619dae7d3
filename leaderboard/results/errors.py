"""What can go wrong with stored results: one error and one warning, each a single line."""

import re

from lnlbench.leaderboard.results.text import visible


class StoreError(ValueError):
    """A store, a claim or a record cannot be used; the message is one line that says what to do."""


class ScoreError(ValueError):
    """A run whose scores do not follow from its predictions: it is not stored, and says nothing about other runs."""


class StoreAway(StoreError):
    """The store does not answer now, and may do so again: it is locked, restarted or cannot be reached."""


class StoreWarning(UserWarning):
    """A single stored run was left out; everything else was read."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """Return an exception's message as one line of `limit` visible characters at most, without any password."""
    text = visible(" ".join(without_password(str(error)).split())) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


_USER = re.compile(r"(?<=://)[^\s/?#'\"]*@|(?<=://)[^\s'\"]*:[^\s'\"]*@")
_QUERY = re.compile(r"(?i)([?&;\s](?:password|passwd|pwd|passfile|sslpassword|token)=)[^\s&;'\"]*")


def without_password(text: str) -> str:
    """Return a text without the user and password of any address in it."""
    return _QUERY.sub(r"\1…", _USER.sub("", text))
