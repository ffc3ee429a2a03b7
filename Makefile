# make run    environment, then the quickstart: simulated data -> champion -> service
# make test   environment, then lint, types, layers and the tests, on all cores
# make quick  the inner loop: words, decisions, features and certificates, in under a minute
# make test-slow  the longer tests, and everything that draws examples with all of them
# make bento  the wheel, and the bento that installs it
# Each does its own set-up on a fresh machine and is quick the second time.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Not "python -m pytest", which puts this folder on the path; a file's tests share what they set up, so they stay with one worker.
PYTEST = $(BIN)/pytest -n auto --dist loadfile
TORCH ?= torch==2.13.0

export HF_HUB_OFFLINE = 1
export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = true

.PHONY: install native run test quick test-slow check map format bento lock clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	@echo "--> environment in $(VENV) (first time: a few minutes, about 2.5 GB)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v.major}.{v.minor}; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "--> PyTorch first, so that pip takes the CPU build where its index offers one"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@echo "--> Adverdict and everything it needs"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train,dev]'
	@$(MAKE) --no-print-directory native
	@touch $@

# The hottest loops in C++. Optional: where it cannot be built, Python does the same, slower.
native:
	@echo "--> the native core"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check ./native || echo "--> not built (is there a C++ compiler?): Python does its work, with the same results, slower"

run: install
	$(BIN)/adverdict quickstart

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(PYTEST)

quick: install
	$(PYTEST) -m "not slow and not sampled" tests/domain tests/decisions tests/features tests/certification

test-slow: install
	$(PYTEST) -m "slow or sampled" --hypothesis-profile=whole --timeout=1800

map: install
	$(BIN)/python docs/map.py

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bento: install
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/bentoml build

# What a scoring installation runs with, drivers and traces among it, in versions that hold on any machine.
lock: install
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra s3 --extra plan --extra otel --universal --python-version 3.11 --no-header --no-annotate -q -o deploy/requirements.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
