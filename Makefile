# Every task of the project: `make help` lists them.
SHELL := bash
PYTHON ?= python3
NEWEST ?= $(firstword $(foreach version,3.14 3.13,$(wildcard $(HOME)/.pyenv/versions/$(version).*/bin/python) $(shell command -v python$(version))))
BIN := .venv/bin
# Some environments forbid compiled files; here every server and every test process would compile anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/run: requirements.txt
	@echo "Installing the packages, about a minute..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: run
run: .venv/run  ## Start the service on http://127.0.0.1:8000
	@exec $(BIN)/python manage.py serve

.PHONY: demo
demo: .venv/run  ## Start it on a throw-away database with a month of incidents
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && DATA_DIR="$$folder" DATABASE_URL= $(BIN)/python manage.py demo

.PHONY: test
test: .venv/dev  ## Run the tests and the acceptance suite on SQLite
	$(BIN)/pytest --numprocesses 2 --dist worksteal
	$(BIN)/python tests.py

.PHONY: test-postgres
test-postgres: .venv/dev  ## Run what meets the database on a private PostgreSQL, where its programs are installed
	.ci/postgres sh -c '$(BIN)/pytest --numprocesses 2 --dist worksteal --deselect server/ -m "not browser" && $(BIN)/python tests.py'

.PHONY: test-gthread
test-gthread: .venv/dev  ## Run the acceptance suite with gunicorn's own thread worker instead of server/
	GUNICORN_CMD_ARGS="--worker-class gthread" $(BIN)/python tests.py

.PHONY: test-newest
test-newest:  ## Run the tests on the newest Django and Python, where Python 3.14 or 3.13 can be had
	.ci/newest "$(NEWEST)"

.PHONY: lint
lint: .venv/dev  ## Check style, types and the layers of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo

.PHONY: check-django
check-django: .venv/dev  ## Check migrations, the deployment's settings and the OpenAPI document
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	HTTPS=true $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --lang en --validate --fail-on-warn | diff docs/openapi.yaml -

.PHONY: check
check: .venv/dev  ## Everything above, side by side
	@echo "make check: all side by side, for about eight minutes; the output comes as each part ends"
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=line lint check-django test test-postgres
	@echo "make check: all is well"

.PHONY: format
format: .venv/dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: openapi
openapi: .venv/dev  ## Write docs/openapi.yaml from the code
	$(BIN)/python manage.py spectacular --lang en --validate --fail-on-warn --file docs/openapi.yaml

.PHONY: messages
messages: .venv/dev  ## Collect the texts to translate (needs gettext) and compile the translations
	$(BIN)/python manage.py makemessages -l ru --no-location --ignore .venv
	$(BIN)/pybabel compile -d locale -D django

.PHONY: audit
audit: .venv/dev  ## Look the locked requirements up among known vulnerabilities (needs the internet)
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.txt

.PHONY: lock
lock: .venv/dev  ## Lock requirements.txt and requirements-dev.txt anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

.PHONY: bench
bench: .venv/dev  ## Measure everything and write docs/performance.md (half an hour; wants wrk and a quiet machine)
	$(BIN)/python -m bench.run

.PHONY: bench-quick
bench-quick: .venv/dev  ## Measure the load in three minutes; BESIDE=../other: beside another checkout, as ratios
	$(BIN)/python -m bench.run --quick $(addprefix --beside ,$(BESIDE))

.PHONY: resilience
resilience: .venv/dev  ## Inject faults: kills, full disks, floods (a quarter of an hour, loopback only)
	$(BIN)/python -m resilience all
