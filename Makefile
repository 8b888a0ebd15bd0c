# Every command a person types. Each works alone, first, on a fresh machine with Python 3.11 or newer and make.
.DEFAULT_GOAL := help
.PHONY: help demo test check ui backfill marts doctor bench docs sheet-template lock clean

VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 3000
FOLDER ?= sheet
# Each python on the PATH that works and is of a version we support; the first one is taken.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $(p))))
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/runtime ## thirty days pulled, checked and built; a summary. Simulated unless a vendor key is set
	@$(PY) -m ai_usage.commands demo

ui: $(VENV)/runtime ## the Dagster UI on that data: make ui PORT=3000
	@exec $(PY) -m ai_usage.commands ui --port $(PORT)

backfill: $(VENV)/runtime ## a range of days in one run: make backfill FROM=2026-01-01 TO=2026-01-31
	@$(PY) -m ai_usage.commands backfill "$(FROM)" "$(TO)"

marts: $(VENV)/runtime ## every mart again from core, asking no vendor: make marts, or with FROM=… TO=…
	@$(PY) -m ai_usage.commands marts "$(FROM)" "$(TO)"

doctor: $(VENV)/runtime ## what each credential opens, in plain words
	@$(PY) -m ai_usage.commands doctor

test: check ## every check and test
	@$(PY) -m pytest

check: $(VENV)/dev ## lint, types, layers, SQL
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --config pyproject.toml
	@$(PY) -m sqlfluff lint --disable-progress-bar sql

bench: $(VENV)/runtime ## figures as JSON, in .data/bench.json; make bench ONLY=marts takes those alone
	@$(PY) -m ai_usage.commands bench $(if $(ONLY),--only $(ONLY))

docs: $(VENV)/runtime ## docs/tables.md, from the tables
	@$(PY) -m ai_usage.commands docs

sheet-template: $(VENV)/runtime ## the tabs people keep, as CSV files to fill in: make sheet-template FOLDER=sheet
	@$(PY) -m ai_usage.commands sheet_template "$(FOLDER)"

lock: ## the requirements files, from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements.txt
	uv pip compile --group dev --constraint requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-annotate --no-header --quiet --output-file requirements-dev.txt

clean: ## forget the environment; the data stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/runtime: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed, and none was found on the PATH." >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@
