# `make demo` runs the benchmark on scikit-learn's digits; `make test` runs what CI runs. Both need Python and make only.
PYTHON ?= python3
VENV := .venv
TOOLS := .venv-tools

.PHONY: demo install test clean

demo: install
	$(VENV)/bin/lnlbench run digits
	$(VENV)/bin/lnlbench leaderboard
	@printf '\nEvery run, curve and table in the browser:  $(VENV)/bin/lnlbench ui\n'

install: $(VENV)/installed

# Editable: what you change in the clone is what runs.
$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("lnlbench needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + "; try: make PYTHON=python3.12")'
	@echo 'Installing into $(VENV): a few minutes, 6 GB with PyTorch for Linux and its CUDA libraries'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable .
	@touch $@

test: $(TOOLS)/installed
	$(TOOLS)/bin/tox run

$(TOOLS)/installed:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet 'tox>=4.23'
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) .tox build dist lnlbench.egg-info
