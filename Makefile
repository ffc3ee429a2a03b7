# make run    environment, then the quickstart: simulated data -> champion -> service
# make test   environment, then lint, types, layers and the tests
# make bento  environment, the wheel, and the bento that installs it
# All do their own set-up on a fresh machine and are quick the second time.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0

export HF_HUB_OFFLINE = 1
export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = true

.PHONY: install run test test-slow check format bento clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	@echo "--> environment in $(VENV) (first time: a few minutes, about 2.5 GB)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v.major}.{v.minor}; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "--> PyTorch first, so that pip takes the CPU build where its index offers one"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@echo "--> Adverdict and everything it needs"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train,dev]'
	@touch $@

run: install
	$(BIN)/adverdict quickstart

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest

test-slow: install
	$(BIN)/python -m pytest -m slow

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bento: install
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/bentoml build

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
