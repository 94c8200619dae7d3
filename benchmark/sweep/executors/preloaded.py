"""What the processes of a sweep need, imported once by the server that they are forked from.

No Python thread may be started and no GPU asked: neither survives a fork.
"""

import sys

sys.path[:] = [path for path in sys.path if path]  # not the current folder, whose queue.py would pass for Python's

try:
    import lnlbench.benchmark.sweep.worker  # noqa: F401
    from lnlbench.leaderboard.store import tracking

    tracking.preload()
except Exception as error:  # the server passes over this one, and each process then fails, or not, for itself
    raise ImportError(str(error)) from error
