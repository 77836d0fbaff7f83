.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup run test prove check format bench bench-self bench-core lock wheel clean

help: ## Show what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

# The stamp is newer than the locked requirements once they are installed.
.venv/.installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.installed ## Make .venv with everything in it, and .venv/bin/harness

run: setup ## Load, profile and compare two variants of the core on real servers; prints the report's path
	$(BIN)/harness run asset-read --variant baseline --variant optimised --profile cpu,memory

test: setup ## Run all tests but the proofs: side by side, then alone what measures (ARGS="tests/truth -x")
	@$(BIN)/python -m tests.running.phases $(ARGS)

prove: setup ## Run the long proofs that have not passed on this state of the source; results in proofs/ (ARGS="-k readme")
	@$(BIN)/python -m tests.running.proofs $(ARGS)

check: setup ## Lint, type-check and hold the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: setup ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup ## Run the micro-benchmarks and print their table
	$(BIN)/harness bench

bench-self: setup ## What the harness itself costs, as ratios measured side by side
	$(BIN)/python -m scenarios.micro.bench_self

bench-core: setup ## How fast the asset core is: each figure as the ratio to its floor in the same run
	$(BIN)/python -m scenarios.micro.bench_core

wheel: setup ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: setup ## Write the hashed requirements again from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra embedded --extra dev pyproject.toml -o requirements-dev.txt

clean: ## Remove the virtual environment, caches and builds; runs/ stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
