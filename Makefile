# Thin names over the command line; what they need is installed first, from committed locks.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run build serve site airflow dashboards test lint format scan docs doctor bench lock environment

ARGS ?=
BIN := $(or $(TRENDHOUSE_VENV),.venv)/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  ARGS=\"…\" is passed on, as in: make run ARGS=\"--advance 1\""

run: ## Land, deduplicate, build, check and publish
	@bin/environment run
	@$(BIN)/trendhouse run $(ARGS)

build: ## Clean lake to marts by dbt; only what a change touches: ARGS="--state FOLDER"
	@bin/environment run
	@$(BIN)/trendhouse build $(ARGS)

serve: ## Pages, feeds, charts and API over the published marts, until Ctrl-C
	@bin/environment run
	@exec $(BIN)/trendhouse serve $(ARGS)

site: ## The main views as files for any static host: ARGS=FOLDER
	@bin/environment run
	@$(BIN)/trendhouse site $(ARGS)

airflow: ## Airflow with all of it on schedule, until Ctrl-C
	@bin/environment airflow
	@exec $(BIN)/trendhouse airflow $(ARGS)

dashboards: ## Superset with every dashboard over the published marts, until Ctrl-C
	@bin/environment run
	@bin/environment superset
	@exec $(BIN)/trendhouse dashboards $(ARGS)

test: ## Prove that it all works
	@bin/environment test
	@bin/environment emulator
	@bin/environment superset
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: ## Check style of Python and SQL, and that imports point downwards
	@bin/environment test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd dbt_project && $(abspath $(BIN))/sqlfluff lint --processes 2 --disable-progress-bar models tests

format: ## Mend style of Python
	@bin/environment test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

scan: ## Look for secrets and registry addresses in what is committed
	@bin/environment test
	@$(BIN)/python .ci/scan.py

docs: ## Write the documentation as one site; ARGS=--serve shows it
	@bin/environment run
	@$(BIN)/trendhouse docs $(ARGS)

doctor: ## Say what is missing on this machine
	@bin/environment run
	@$(BIN)/trendhouse doctor $(ARGS)

bench: ## Run every benchmark; one alone: .venv/bin/python -m benchmarks.NAME
	@bin/environment test
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
		echo "== $$file" && $(BIN)/python -m benchmarks.$$(basename $$file .py) $(ARGS) || exit 1; done

environment: ## Create .venv with everything that run and test need
	@bin/environment test

lock: ## Resolve requirements/*.lock again from pyproject.toml
	@bin/environment run
	@bin/environment lock
