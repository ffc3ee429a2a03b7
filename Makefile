# make run    environment, then the quickstart: simulated data -> champion -> service
# make test   environment, then lint, types, layers and the tests, on all cores
# make quick  the inner loop: words, decisions, features and certificates, in under a minute
# make test-slow  the longer tests, and everything that draws examples with all of them
# make docs   the documentation as a site in build/site, every link checked
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

.PHONY: install native run test quick test-slow check map reference docs format bento lock audit sbom clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@echo "--> environment in $(VENV) (first time: a few minutes, about 2.5 GB)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v.major}.{v.minor}; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "--> PyTorch first, so that pip takes the CPU build where its index offers one"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	@echo "--> Adverdict and everything it needs, in the versions of constraints.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,dev]'
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

# The pages of docs/reference/, from the code; docs/settings.md comes of a test.
reference: install
	$(BIN)/python docs/generate.py

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "--> build/site/index.html; to search in it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site"

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bento: install
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/bentoml build

# Versions that everything is installed with, on any system: those the tests ran with, kept until somebody upgrades on purpose
# (`make lock UPGRADE=--upgrade`). PyTorch by hand: a CPU build of another version may not be offered.
# Then what a scoring installation runs with, drivers and traces among it, in the same versions; but for OpenTelemetry's, of which Ray wants others.
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --no-annotate --quiet $(UPGRADE)
lock: install
	@mkdir -p build
	@echo "$(TORCH)" > build/torch.txt
	$(LOCK) --extra train --extra dev --constraint build/torch.txt --output-file constraints.txt
	@grep -v '^opentelemetry' constraints.txt > build/without.txt
	$(LOCK) --extra postgres --extra s3 --extra plan --extra otel --constraint build/without.txt --output-file deploy/requirements.txt

# Known weaknesses of what the service is installed with. The list of them is asked for over the network.
audit: install
	@bash .ci/audit

# A bill of materials of the scoring installation, for a release.
sbom: install
	@mkdir -p dist
	PYTHONWARNINGS=ignore::UserWarning $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json deploy/requirements.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
