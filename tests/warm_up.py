"""Compile what the tests import, once and on two cores: without it every process of a session compiles all of it.

pip is told not to compile 20,000 files of which the tests import a part (tox.ini). A script.
"""

import subprocess
import sys

HALVES = (
    "torchvision, timm, lnlbench.benchmark.engine.trainer, lnlbench.benchmark.bench.reference_loop",
    "mlflow.store.tracking.sqlalchemy_store, optuna.importance, optuna.visualization.matplotlib, sklearn.datasets, "
    "datasets, selenium.webdriver, typer",
)

if __name__ == "__main__":
    halves = [subprocess.Popen([sys.executable, "-P", "-c", f"import {half}"]) for half in HALVES]
    sys.exit(max(half.wait() for half in halves))
