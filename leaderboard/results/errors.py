"""What can go wrong with stored results: one error and one warning, each a single line."""


class StoreError(ValueError):
    """A store, a claim or a record cannot be used; the message is one line that says what to do."""


class StoreWarning(UserWarning):
    """A single stored run was left out; everything else was read."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """Return an exception's message as one line of at most `limit` characters, never empty."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
