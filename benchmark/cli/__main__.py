"""Run the command line as `python -m lnlbench.benchmark.cli`."""

from lnlbench.benchmark.cli.app import main

main()
