# Every task of the project: `make help` lists them.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help:  ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/run: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: run
run: .venv/run  ## Start the service on http://127.0.0.1:8000
	@exec $(BIN)/python manage.py serve

.PHONY: test
test: .venv/dev  ## Run the tests and the acceptance suite on SQLite
	$(BIN)/pytest
	$(BIN)/python tests.py

.PHONY: lint
lint: .venv/dev  ## Check style, types and the house's floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
