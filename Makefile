# Every command a person types. Each works alone, first, on a fresh machine with Python 3.11 or newer and make.
.DEFAULT_GOAL := help
.PHONY: help demo test pytest check lint types layers sql-lint ui watch backfill build as-of doctor bench docs dashboards metabase \
	sheet-template export-focus reset backup restore erase-person lock clean python

# A misspelled argument would be no argument: FORM=2026-11-20 would pull every day.
ARGUMENTS := FROM TO AT MONTH PORT FOLDER ONLY ONCE APPLY YES ADDRESS PYTHON FOCUS_PYTHON
SETTINGS := AI_USAGE_% ALERT_% ANTHROPIC_% CURSOR_% DAGSTER_% GOOGLE_% METABASE_% # the commands look at their names
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $(v))),$(v)))
UNKNOWN := $(filter-out $(ARGUMENTS) $(SETTINGS),$(GIVEN))
$(if $(strip $(UNKNOWN)),$(error There is no argument $(strip $(UNKNOWN)). There are: $(ARGUMENTS)))

VENV := .venv
PY := $(VENV)/bin/python
GOOGLESQL := .venv-googlesql
PORT ?= 3000
FOLDER ?= sheet
# Each python on the PATH that works and is of a version we support; the first one is taken.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $(p))))
# The locks are complete, so pip installs what they list and resolves nothing: with its resolver on, a newer release of
# a package that has an extra stops the install. `pip check` then proves that nothing is missing. Warnings are off:
# pip prints one for each package of each index entry that it cannot use. Python compiles what it imports, once, though
# the machine says otherwise: else each process compiles everything again. pip would compile all there is.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := -m pip install -qq --disable-pip-version-check --no-deps --no-compile --require-hashes
CHECK := -m pip check --disable-pip-version-check
# The FOCUS validator's own environment: its numpy has wheels for these two only.
FOCUS := .venv-focus
FOCUS_PYTHON ?= $(firstword $(foreach p,python3.12 python3.11 python3,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $(p))))

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/runtime ## a month pulled, checked and built; a summary. Simulated unless a provider's key is set
	@$(PY) -m ai_usage.commands demo

ui: $(VENV)/runtime ## the Dagster UI on that data: make ui PORT=3000
	@exec $(PY) -m ai_usage.commands ui --port $(PORT)

watch: $(VENV)/runtime ## the watchdog beside a deployed daemon: alerts where no run can; make watch ONCE=1 looks once, for cron
	@exec $(PY) -m ai_usage.commands watch $(if $(filter 1,$(ONCE)),--once)

backfill: $(VENV)/runtime ## a range of days, or all since the start date: make backfill FROM=2026-01-01 TO=2026-01-31
	@$(PY) -m ai_usage.commands backfill "$(FROM)" "$(TO)"

as-of: $(VENV)/runtime ## spend as it was known then, or is now: make as-of AT=2026-11-05T06:00:00Z FROM=2026-10-01 TO=2026-10-31
	@$(PY) -m ai_usage.commands as_of "$(AT)" "$(FROM)" "$(TO)"

build: $(VENV)/runtime ## core, marts and boards again from the ledger, asking no provider: make build, or with FROM=… TO=…
	@$(PY) -m ai_usage.commands build "$(FROM)" "$(TO)"

dashboards: $(VENV)/runtime ## the boards' pages from the warehouse as it is, for a browser without a network
	@$(PY) -m ai_usage.commands dashboards

doctor: $(VENV)/runtime ## what each credential opens, in plain words
	@$(PY) -m ai_usage.commands doctor

test: ## every check and test
	@$(MAKE) --no-print-directory -j3 $(GOOGLESQL)/ready $(FOCUS)/ready $(VENV)/dev
	@$(MAKE) --no-print-directory -j2 pytest check

pytest: $(VENV)/dev
	@$(PY) -m pytest

check: lint types layers sql-lint ## lint, types, layers, SQL

lint: $(VENV)/dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .

types: $(VENV)/dev
	@$(PY) -m mypy

layers: $(VENV)/dev
	@$(VENV)/bin/lint-imports --config pyproject.toml

sql-lint: $(VENV)/dev
	@$(PY) -m sqlfluff lint --disable-progress-bar sql

bench: $(VENV)/runtime ## figures as JSON, in .data/bench.json; make bench ONLY=marts, or ONLY=dashboards, takes those alone
	@$(PY) -m bench $(if $(ONLY),--only $(ONLY))

docs: $(VENV)/runtime ## docs/tables.md, from the tables
	@$(PY) -m ai_usage.commands docs

sheet-template: $(VENV)/runtime ## the tabs people keep, as CSV files to fill in: make sheet-template FOLDER=sheet
	@$(PY) -m ai_usage.commands sheet_template "$(FOLDER)"

export-focus: $(VENV)/runtime ## a month's spend in FOCUS 1.2, as Parquet and CSV; this month's, or MONTH=2026-01
	@$(PY) -m ai_usage.commands export_focus "$(MONTH)"

reset: $(VENV)/runtime ## delete what these commands made in the data folder, to start afresh; it asks first (YES=1: simulated data)
	@$(PY) -m ai_usage.commands reset $(if $(filter 1,$(YES)),--yes)

erase-person: $(VENV)/runtime ## a person's identity out of the data folder; money stays. It asks first (YES=1): make erase-person ADDRESS=ada@example.com
	@$(PY) -m ai_usage.commands erase_person "$(ADDRESS)" $(if $(filter 1,$(YES)),--yes)

backup: $(VENV)/runtime ## a checked copy of the warehouse and of what alerts remember: make backup TO=/mnt/backups
	@$(PY) -m ai_usage.commands backup "$(TO)"

restore: $(VENV)/runtime ## put a backup in the warehouse's place; it asks first (YES=1): make restore FROM=/mnt/backups/ai_usage_…
	@$(PY) -m ai_usage.commands restore "$(FROM)" $(if $(filter 1,$(YES)),--yes)

metabase: $(VENV)/runtime ## the dashboards in Metabase: shows what would change; make metabase APPLY=1 changes it
	@$(PY) -m ai_usage.commands metabase "$(APPLY)"

lock: ## the requirements files, from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements.txt
	uv pip compile --group dev --constraint requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-annotate --no-header --quiet --output-file requirements-dev.txt
	uv pip compile --group focus --universal --python-version 3.12 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements-focus.txt
	uv pip compile --group googlesql --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements-googlesql.txt

clean: ## forget the environments; the data stays
	rm -rf $(VENV) $(GOOGLESQL) $(FOCUS) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed, and none was found on the PATH." >&2; exit 2; }

$(VENV)/runtime: requirements.txt | python
	@echo "Setting up $(VENV) with $(PYTHON) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) $(INSTALL) -r requirements.txt
	@$(PY) $(CHECK)
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	@$(PY) $(INSTALL) -r requirements-dev.txt
	@$(PY) $(CHECK)
	@touch $@

# The validator says it needs Python 3.12; on 3.11 ai_usage_tests/validate_focus.py respells the one line that does.
# It comes as source: what it is built with is installed first, from the same lock.
$(FOCUS)/ready: requirements-focus.txt
	@python="$(FOCUS_PYTHON)"; set -e; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or 3.12 on the PATH: the official FOCUS validator's tests will be SKIPPED." >&2; exit 0; \
	fi; \
	echo "Setting up $(FOCUS) with $$python (about a minute, once)"; \
	$$python -m venv $(FOCUS); \
	awk '/^[a-z]/ {wheel = !/^focus-validator/} wheel' $< > $(FOCUS)/wheels.txt; \
	$(FOCUS)/bin/python $(INSTALL) -r $(FOCUS)/wheels.txt; \
	$(FOCUS)/bin/python $(INSTALL) --no-build-isolation --ignore-requires-python -r $<; \
	$(FOCUS)/bin/python $(CHECK); \
	touch $@

$(GOOGLESQL)/ready: requirements-googlesql.txt | python
	@echo "Setting up $(GOOGLESQL) (about a minute, once)"
	@$(PYTHON) -m venv $(GOOGLESQL)
	@$(GOOGLESQL)/bin/python $(INSTALL) -r requirements-googlesql.txt
	@$(GOOGLESQL)/bin/python $(CHECK)
	@$(GOOGLESQL)/bin/python ai_usage_tests/googlesql/worker.py < /dev/null # compiles the engine, and ends
	@touch $@
