# `make demo` runs the benchmark on scikit-learn's digits; `make test` runs what CI runs. Both need Python and make only.
PYTHON ?= python3
VENV := .venv
TOOLS := .venv-tools

.PHONY: demo install test clean gpu gpu-carry gpu-long gpu-test gpu-bench gpu-mnist gpu-cifar

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

# What only a GPU can say, within BUDGET seconds: docs/performance.md, "On a GPU". A second call goes on where the first
# ended. BIN has python, with torch and timm; OUT takes what is found; LNLBENCH_DATA names the data.
BIN ?= $(VENV)/bin
OUT ?= gpu
BUDGET ?= 540
# MiB that a machine takes at once, the checkout included.
CARRY ?= 64

gpu:
	@mkdir -p .gpu/path && ln -sfn "$(CURDIR)" .gpu/path/lnlbench
	PYTHONPATH=.gpu/path $(BIN)/python -P -m lnlbench.benchmark.bench.gpu --budget $(BUDGET) --out $(OUT)

gpu-carry:
	$(BIN)/python -m lnlbench.benchmark.bench.gpu.carry --budget $(BUDGET) --limit $(CARRY)

# The same questions in full, for hours: runs that are stored are not made again, and the parts can be asked for one by one.
GRID := ce, gce, dal, small_loss, co_teaching, label_noise_sgd, sam
CIFAR := $(addprefix cifar10-fast/,symmetric-0.2 symmetric-0.4 symmetric-0.6 asymmetric-0.4 human-worst clean)
CNN := $(addprefix mnist-cnn/,symmetric-0.2 symmetric-0.4 symmetric-0.6 asymmetric-0.2 asymmetric-0.4 pairflip-0.4 instance-0.4 clean)
STORE = LNLBENCH_HOME=$(abspath $(OUT))/home

gpu-long:
	$(MAKE) --keep-going gpu-test gpu-bench gpu-mnist gpu-cifar

gpu-test:
	@mkdir -p $(OUT)
	$(BIN)/python -m pytest tests/benchmark/engine/test_cuda.py -s --junitxml=$(OUT)/cuda.xml

gpu-bench: $(addprefix gpu-bench-,resnet18 resnet34 mlp cnn cifar-cnn)

gpu-bench-%:
	@mkdir -p $(OUT)
	$(STORE) $(BIN)/lnlbench bench --device cuda --rounds 3 --kind $* --axis graph --axis bound --axis dal --axis stack \
		--axis methods --axis diagnostics --out $(OUT)/bench-$*.json

gpu-mnist:
	@mkdir -p $(OUT)
	$(STORE) $(BIN)/lnlbench run mnist-mlp --methods "$(GRID)" --replicates 0-4 --device cuda --execution graph > $(OUT)/mnist-mlp.txt
	$(STORE) $(BIN)/lnlbench run $(CNN) --epochs 20 --methods "$(GRID)" --replicates 0-4 --device cuda --execution graph \
		> $(OUT)/mnist-cnn.txt

gpu-cifar:
	@mkdir -p $(OUT)
	$(STORE) $(BIN)/lnlbench run $(CIFAR) --methods "$(GRID)" --replicates 0-2 --device cuda --execution graph \
		--checkpoint-every 10 > $(OUT)/cifar10-fast.txt
	$(STORE) $(BIN)/lnlbench export $(OUT)/cifar10-fast.jsonl.xz cifar10-fast
	$(STORE) $(BIN)/lnlbench leaderboard cifar10-fast --format markdown > $(OUT)/cifar10-fast.md

clean:
	rm -rf $(VENV) $(TOOLS) .tox build dist lnlbench.egg-info
