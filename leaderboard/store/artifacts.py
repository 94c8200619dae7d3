"""Where the files of a run are on this machine."""

from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

SERVED = "mlflow-artifacts:/"
"""How the address of artifacts begins that are written through an MLflow server."""


def local(uri: str, artifacts: Path | None) -> Path | None:
    """Return the folder that an artifact URI names, None where only MLflow can reach it.

    Args:
        uri: of a run's artifacts.
        artifacts: the store's own folder of artifacts, None behind a server.
    """
    if artifacts is not None and uri.startswith(SERVED):  # by `serve`, whose artifacts are this store's
        return artifacts / uri.removeprefix(SERVED)
    if uri.startswith("file:"):
        return Path(url2pathname(urlparse(uri).path))
    return None if ":/" in uri else Path(uri)
