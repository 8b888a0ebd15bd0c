# Every command that people run. Each works by itself on a fresh machine with Python 3.11 or newer and make.
.DEFAULT_GOAL := help
.PHONY: help demo test digest test-alert google-answers pytest check lint types layers sql-lint ui watch backfill build as-of doctor close reopen statements bench docs dashboards metabase \
	bigquery-setup bigquery-check sheet-template export-focus reset backup restore erase-person lock clean python

# A misspelled argument would be ignored: FORM=2026-11-20 would pull every day.
ARGUMENTS := FROM TO AT MONTH PORT FOLDER ONLY ONCE SEND APPLY YES ADDRESS BY NOTE PROVIDER UNEXPLAINED PYTHON FOCUS_PYTHON
SETTINGS := AI_USAGE_% ALERT_% ANTHROPIC_% CURSOR_% DAGSTER_% GOOGLE_% METABASE_% # the commands look at their names
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $(v))),$(v)))
UNKNOWN := $(filter-out $(ARGUMENTS) $(SETTINGS),$(GIVEN))
$(if $(strip $(UNKNOWN)),$(error There is no argument $(strip $(UNKNOWN)). There are: $(ARGUMENTS)))

VENV := .venv
PY := $(VENV)/bin/python
GOOGLESQL := .venv-googlesql
BIGQUERY := .venv-bigquery
PACKAGE := .venv-package
PORT ?= 3000
FOLDER ?= sheet
# The first python on the PATH that works and has a supported version.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)
# The locks are complete, so pip installs what they list and resolves nothing: with its resolver, a newer release of a
# package that has an extra stops the install. `pip check` then proves that nothing is missing. Warnings are off: pip
# prints one for each index entry that it cannot use. Python may write bytecode whatever the machine's setting is;
# otherwise each process compiles every import again. pip does not compile: it would compile every file of each package.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := -m pip install -qq --disable-pip-version-check --no-deps --no-compile --require-hashes
CHECK := -m pip check --disable-pip-version-check
# The environment of the FOCUS validator: its numpy has wheels for these two versions only.
FOCUS := .venv-focus
FOCUS_PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

demo: $(VENV)/runtime ## pull, check and build a month, and print a summary; simulated unless a provider's key is set
	@$(PY) -m ai_usage.commands demo

ui: $(VENV)/runtime ## run the Dagster UI and the daemon on that data: make ui PORT=3000
	@exec $(PY) -m ai_usage.commands ui --port $(PORT)

watch: $(VENV)/runtime ## run the watchdog beside a deployed daemon; ONCE=1 checks once, for cron
	@exec $(PY) -m ai_usage.commands watch $(if $(filter 1,$(ONCE)),--once)

backfill: $(VENV)/runtime ## pull, build and check days, by default all since the start date: make backfill FROM=2026-01-01 TO=2026-01-31
	@$(PY) -m ai_usage.commands backfill "$(FROM)" "$(TO)"

as-of: $(VENV)/runtime ## show spend as it was known at an instant: make as-of AT=2026-11-05T06:00:00Z FROM=2026-10-01 TO=2026-10-31
	@$(PY) -m ai_usage.commands as_of "$(AT)" "$(FROM)" "$(TO)"

build: $(VENV)/runtime ## rebuild core, marts and boards from the ledger, without a request: make build, or with FROM=… TO=…
	@$(PY) -m ai_usage.commands build "$(FROM)" "$(TO)"

dashboards: $(VENV)/runtime ## write the boards' pages from the warehouse as it is; they open without a server or network
	@$(PY) -m ai_usage.commands dashboards

doctor: $(VENV)/runtime ## show what each credential can read, and check the warehouse
	@$(PY) -m ai_usage.commands doctor

digest: $(VENV)/runtime ## print the weekly digest as of now; SEND=1 sends it to the alert channels
	@$(PY) -m ai_usage.commands digest $(if $(filter 1,$(SEND)),--send)

test-alert: $(VENV)/runtime ## send one message to each alert channel, to see whether it arrives
	@$(PY) -m ai_usage.commands test_alert

# Linters run while other environments are set up, which mostly wait; so a core is idle less often.
test: ## run every check and test
	@$(MAKE) --no-print-directory -j5 $(GOOGLESQL)/ready $(BIGQUERY)/ready $(FOCUS)/ready $(VENV)/compiled check
	@$(MAKE) --no-print-directory pytest

pytest: $(VENV)/dev
	@$(PY) -m pytest

check: lint types layers sql-lint ## check lint, types, import layers and SQL

lint: $(VENV)/dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .

types: $(VENV)/dev
	@$(PY) -m mypy

layers: $(VENV)/dev
	@$(VENV)/bin/lint-imports --config pyproject.toml

sql-lint: $(VENV)/dev
	@$(PY) -m sqlfluff lint --disable-progress-bar sql

bench: $(VENV)/runtime ## run the benchmarks and write .data/bench.json; make bench ONLY=graph, or marts, dashboards, forecast, anomalies, scale
	@$(PY) -m bench $(if $(ONLY),--only $(ONLY))

docs: $(VENV)/runtime ## write the generated pages of docs/ and tables of README.md
	@$(PY) -m ai_usage.commands docs

sheet-template: $(VENV)/runtime ## write the sheet's tabs as CSV files to fill in: make sheet-template FOLDER=sheet
	@$(PY) -m ai_usage.commands sheet_template "$(FOLDER)"

export-focus: $(VENV)/runtime ## export a month in FOCUS 1.2 as Parquet and CSV, by default the month of yesterday: make export-focus MONTH=2026-01
	@$(PY) -m ai_usage.commands export_focus "$(MONTH)"

close: $(VENV)/runtime ## close a month and keep a copy of its figures; PROVIDER= closes that of one, UNEXPLAINED=accept needs a NOTE: make close MONTH=2026-09 BY=ada@example.com
	@$(PY) -m ai_usage.commands close "$(MONTH)" "$(BY)" "$(PROVIDER)" "$(NOTE)" "$(UNEXPLAINED)"

reopen: $(VENV)/runtime ## open a closed month again, for the reason in NOTE: make reopen MONTH=2026-09 BY=ada@example.com NOTE="a late invoice"
	@$(PY) -m ai_usage.commands reopen "$(MONTH)" "$(BY)" "$(PROVIDER)" "$(NOTE)"

statements: $(VENV)/runtime ## write a month's showback statement for each team and cost center, as pages to print and as CSV: make statements MONTH=2026-09
	@$(PY) -m ai_usage.commands statements "$(MONTH)"

reset: $(VENV)/runtime ## delete what these commands wrote in the data folder; asks first (YES=1, simulated data only)
	@$(PY) -m ai_usage.commands reset $(if $(filter 1,$(YES)),--yes)

erase-person: $(VENV)/runtime ## remove a person's identity, keeping their cost; it asks first (YES=1): make erase-person ADDRESS=ada@example.com
	@$(PY) -m ai_usage.commands erase_person "$(ADDRESS)" $(if $(filter 1,$(YES)),--yes)

backup: $(VENV)/runtime ## make a verified copy of the warehouse and of the sent alerts: make backup TO=/mnt/backups
	@$(PY) -m ai_usage.commands backup "$(TO)"

restore: $(VENV)/runtime ## replace the warehouse by a backup; it asks first (YES=1): make restore FROM=/mnt/backups/ai_usage_…
	@$(PY) -m ai_usage.commands restore "$(FROM)" $(if $(filter 1,$(YES)),--yes)

metabase: $(VENV)/runtime ## show what would change in Metabase to have the boards there; APPLY=1 changes it
	@$(PY) -m ai_usage.commands metabase "$(APPLY)"

bigquery-setup: $(VENV)/runtime ## show what a BigQuery project needs for runs and readers; APPLY=1 makes it
	@$(PY) -m ai_usage.commands bigquery_setup "$(APPLY)"

bigquery-check: $(VENV)/runtime ## dry-run every statement on the BigQuery project; shows bytes, changes nothing
	@$(PY) -m ai_usage.commands bigquery_check

google-answers: $(VENV)/compiled $(GOOGLESQL)/ready ## ask Google's SQL engine about every text anew, and keep its answers in the repository
	@$(PY) -m ai_usage_tests.googlesql.record

lock: ## write the requirements files from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements.txt
	uv pip compile --group dev --constraint requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-annotate --no-header --quiet --output-file requirements-dev.txt
	uv pip compile --group focus --universal --python-version 3.12 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements-focus.txt
	uv pip compile --group googlesql --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements-googlesql.txt
	uv pip compile --group bigquery --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --quiet --output-file requirements-bigquery.txt

clean: ## delete the environments; the data stay
	rm -rf $(VENV) $(GOOGLESQL) $(BIGQUERY) $(FOCUS) $(PACKAGE) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed, and none was found on the PATH." >&2; exit 2; }

# Its pip also installs into the other environments, which have none: installing pip into each takes seconds.
$(VENV)/made: | python
	@echo "Setting up $(VENV) with $(PYTHON) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime: requirements.txt | $(VENV)/made
	@$(PY) $(INSTALL) -r requirements.txt
	@$(PY) $(CHECK)
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt | $(PACKAGE)/ready
	@$(PY) $(INSTALL) -r requirements-dev.txt
	@$(PY) $(CHECK)
	@touch $@

# One process compiles every imported package and test first; otherwise all test processes would do so at once.
$(VENV)/compiled: $(VENV)/dev
	@$(PY) -m pytest --collect-only -qq -n 0 > /dev/null || true # what cannot be imported is reported by the tests
	@touch $@

# Only what a company installs: a test builds the wheel and puts it there. Before $(VENV) has the tests' own packages, it
# has exactly these files, so links to them are enough.
$(PACKAGE)/ready: requirements.txt | $(VENV)/runtime
	@rm -rf $(PACKAGE) && $(PYTHON) -m venv --without-pip $(PACKAGE)
	@if [ -e $(VENV)/dev ] || ! cp -al $(VENV)/lib/. $(PACKAGE)/lib/ 2> /dev/null; then \
		echo "Setting up $(PACKAGE) (half a minute, once)"; \
		PIP_PYTHON=$(PACKAGE)/bin/python $(PY) $(INSTALL) -r requirements.txt; \
	fi
	@PIP_PYTHON=$(PACKAGE)/bin/python $(PY) $(CHECK)
	@touch $@

# The validator requires Python 3.12; on 3.11 ai_usage_tests/validate_focus.py replaces the one line that does.
# It is distributed as source, so its build requirements are installed first, from the same lock.
$(FOCUS)/ready: requirements-focus.txt | $(VENV)/made
	@python="$(FOCUS_PYTHON)"; set -e; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or 3.12 on the PATH: the official FOCUS validator's tests will be SKIPPED." >&2; exit 0; \
	fi; \
	echo "Setting up $(FOCUS) with $$python (about a minute, once)"; \
	$$python -m venv --without-pip $(FOCUS); \
	export PIP_PYTHON=$(FOCUS)/bin/python; \
	awk '/^[a-z]/ {wheel = !/^focus-validator/} wheel' $< > $(FOCUS)/wheels.txt; \
	$(PY) $(INSTALL) -r $(FOCUS)/wheels.txt; \
	$(PY) $(INSTALL) --no-build-isolation --ignore-requires-python -r $<; \
	$(PY) $(CHECK); \
	touch $@

$(GOOGLESQL)/ready: requirements-googlesql.txt | $(VENV)/made
	@echo "Setting up $(GOOGLESQL) (about a minute, once)"
	@$(PYTHON) -m venv --without-pip $(GOOGLESQL)
	@PIP_PYTHON=$(GOOGLESQL)/bin/python $(PY) $(INSTALL) -r requirements-googlesql.txt
	@PIP_PYTHON=$(GOOGLESQL)/bin/python $(PY) $(CHECK)
	@rm -f $(GOOGLESQL)/compiled
	@touch $@

$(BIGQUERY)/ready: requirements-bigquery.txt | $(VENV)/made
	@echo "Setting up $(BIGQUERY) (about half a minute, once)"
	@$(PYTHON) -m venv --without-pip $(BIGQUERY)
	@PIP_PYTHON=$(BIGQUERY)/bin/python $(PY) $(INSTALL) -r requirements-bigquery.txt
	@PIP_PYTHON=$(BIGQUERY)/bin/python $(PY) $(CHECK)
	@touch $@
