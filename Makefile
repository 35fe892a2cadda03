# What people do with this repository. `make` alone lists it.
#
# Nothing needs to be installed beforehand but Python 3.11+, make, git, for the server Go (or a `temporal`
# binary), and for all tests npm. What is fetched stays in .tools and .venv here, and in ~/.cache/perdure.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
COVERAGE_MINIMUM ?= 95
TESTS ?= tests
FUZZ_SECONDS ?= 60
UV := $(or $(shell command -v uv 2>/dev/null),$(CURDIR)/.tools/bin/uv)
BIN := $(CURDIR)/.venv/bin
READY := .venv/.ready

.PHONY: help demo test check fix bench fuzz pictures lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) server ## run a definition on a sample repository, with a real server, an approval and a cached second run
	@$(BIN)/python -m tools.demo

test: $(READY) server s3-server ## run all tests; branch coverage must reach COVERAGE_MINIMUM
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest $(TESTS) --cov --cov-branch --cov-report=term --cov-fail-under=$(COVERAGE_MINIMUM)

check: $(READY) ## formatting, lint, types, import rules, dead links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_links

fix: $(READY) ## repair what the formatter and the linter can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) server s3-server ## measure what docs/performance.md states
	$(BIN)/python -m tests.bench.bench
	$(BIN)/python -m tests.bench.cost
	$(BIN)/python -m tests.bench.cached
	$(BIN)/python -m tests.bench.trees
	$(BIN)/python -m tests.bench.store

fuzz: $(READY) ## throw mutated texts at the loader and the expressions for FUZZ_SECONDS each (brings atheris)
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(UV) pip install --quiet --python $(BIN)/python 'atheris>=3'
	@$(BIN)/python -m tests.fuzz.loader $(FUZZ_SECONDS)
	@mkdir -p .fuzz && cd .fuzz && $(BIN)/python ../tests/fuzz/expressions.py -max_total_time=$(FUZZ_SECONDS) -verbosity=0

pictures: $(READY) server ## take the pictures of the Web UI for docs/ (needs Chromium)
	$(BIN)/python -m tools.pictures

lock: $(UV) ## remake the locks from pyproject.toml, with today's versions
	$(UV) pip compile $(LOCK_OPTIONS) --output-file locks/runtime.txt pyproject.toml
	$(UV) pip compile $(LOCK_OPTIONS) --output-file locks/dev.txt --group dev pyproject.toml

clean: ## remove what was made here (not the cache folder)
	rm -rf .venv .tools .demo .fuzz .coverage .coverage.* coverage.xml dist build
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the targets above stand on ------------------------------------------------------------------

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --upgrade --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate

# pip with `--target` also works where the system's Python is externally managed (it installs nothing into it);
# a Python without pip (Debian has it apart) can often make a virtual environment that has one.
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-warn-script-location --upgrade
$(CURDIR)/.tools/bin/uv:
	@if $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		PIP_ROOT_USER_ACTION=ignore $(PYTHON) $(PIP_INSTALL) --target .tools uv; \
	elif $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv .tools/pip && .tools/pip/bin/python $(PIP_INSTALL) uv && \
		mkdir -p .tools/bin && ln -sf ../pip/bin/uv .tools/bin/uv; \
	else \
		echo "this Python can fetch nothing: install pip or venv for it (Debian: apt install python3-venv) or uv, then run make again" >&2; \
		exit 1; \
	fi

$(READY): pyproject.toml locks/dev.txt | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python '>=3.11' .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes locks/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: server s3-server

server: $(READY)
	@$(BIN)/python -m tools.bring_server

# Built by Go into ~/.cache/perdure/bin; without Go, tests on S3 have moto's server only.
s3-server: $(READY)
	@$(BIN)/python -m tests.support.s3_gateway
