"""The boards on the result pages are those of the files that they name."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "boards.py"


def test_the_boards_of_the_pages_are_up_to_date():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "out of date: nothing\n"), done.stderr
