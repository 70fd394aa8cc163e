# The two commands: `make run` starts the whole system here, `make test` proves it.
# Both set up everything they need on a fresh machine with Python 3.11 and make.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := $(wildcard libs/*) $(filter-out services/review-console,$(wildcard services/*)) deploy/local cli $(wildcard examples/*)

# Fall back to any python3 that is 3.11 or newer.
ifeq (,$(shell command -v $(PYTHON) 2>/dev/null))
PYTHON := python3
endif

# Compiled modules are kept, whatever the environment says: the tests start some two hundred
# processes, and one that has to compile all of its modules takes three times as long to start.
unexport PYTHONDONTWRITEBYTECODE

# Two workers; each has engines of its own, and who has nothing left takes from the other.
SPREAD := -n 2 --dist worksteal
# Journeys wait more than they compute: two stacks at a time, each with files of its own.
JOURNEYS := -n 2 --dist loadfile
# The integration tests that meet a broker, run on its stand-in as well. Not those that kill a
# consumer in the middle of its work, or read the log back by time: Tansu gives a killed consumer's
# partitions away too late for their deadlines.
BROKER_TESTS := libs/runtime/tests/kafka services/ingest services/routing cli/tests/test_dlq.py \
	services/rules-engine/tests/process/test_engine.py \
	services/review-api/tests/process

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check lint types imports unit bench contracts lock clean

help: ## Say what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit("Coop needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(addprefix -e ,$(PACKAGES))
	@touch $@

setup: $(STAMP) ## Make the environment

run: $(STAMP) ## Start the whole system on this machine (Ctrl-C stops it)
	@exec $(BIN)/python -m coop_local run

demo: $(STAMP) ## Stream a corpus through the system and report (INPUT=file)
	@exec $(BIN)/python -m coop_local demo $(if $(INPUT),--input "$(INPUT)")

test: $(STAMP) lint types imports ## Run every check and every test
	@$(BIN)/python -m pytest --broker tansu -m "engines and not journey" $(SPREAD) $(BROKER_TESTS)
	@$(BIN)/python -m pytest -m "journey" $(JOURNEYS) $(PYTEST_ARGS)
	@$(BIN)/python -m pytest -m "not journey" $(SPREAD) $(PYTEST_ARGS)

check: lint types imports unit ## What takes a minute: before each commit

unit: $(STAMP) ## Only the tests that need no server
	@$(BIN)/python -m pytest -m "not engines and not journey" $(SPREAD) $(PYTEST_ARGS)

lint: $(STAMP) ## Style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# Each folder of tests is a base of its own (`from .conftest import …`), so mypy reads them one by one.
types: $(STAMP) ## Types, strictly: the sources, then the tests of each package
	@$(BIN)/mypy $(addsuffix /src,$(PACKAGES))
	@$(BIN)/mypy --cache-dir .mypy_cache/tests tests conftest.py
	@for tests in $(wildcard $(addsuffix /tests,$(PACKAGES))); do \
		MYPYPATH=$${tests%/tests} $(BIN)/mypy --no-error-summary --cache-dir .mypy_cache/tests $$tests \
			|| { echo "Types: the tests of $${tests%/tests} fail"; exit 1; }; \
	done

imports: $(STAMP) ## Who may import whom
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP) ## Benchmarks (ONLY=name for one)
	@exec $(BIN)/python -m tests.bench $(ONLY)

contracts: $(STAMP) ## Write the schemas and the event catalogue again from the code
	@$(BIN)/python -m coop_contracts.export
	@$(BIN)/python -m tests.metric_catalogue
	@$(BIN)/python -m tests.retention_catalogue

lock: ## Resolve the dependencies again and write requirements.lock
	@test -x $(BIN)/uv || ($(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv)
	@$(BIN)/uv export --quiet --all-packages --all-groups --no-emit-workspace --no-header --format requirements-txt -o requirements.lock

clean: ## Remove the environment and the local state (the data too)
	rm -rf $(VENV) .coop .mypy_cache .ruff_cache .pytest_cache .hypothesis
