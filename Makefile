# The two commands: `make run` starts the whole system here, `make test` proves it.
# Both set up everything they need on a fresh machine with Python 3.11 and make.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := $(wildcard libs/*) $(filter-out services/review-console,$(wildcard services/*)) deploy/local deploy/ncmec-simulator cli clients/python $(wildcard examples/*)

# Fall back to any python3 that is 3.11 or newer.
ifeq (,$(shell command -v $(PYTHON) 2>/dev/null))
PYTHON := python3
endif

# Compiled modules are kept, whatever the environment says: the tests start some two hundred
# processes, and one that has to compile all of its modules takes three times as long to start.
unexport PYTHONDONTWRITEBYTECODE

# Two workers; each has engines of its own, and who has nothing left takes from the other.
SPREAD := -n 2 --dist worksteal
# What fails beside servers is tried once more, a few tests at most, and told with its first failure:
# docs/decisions/0060-tried-again.md.
AGAIN := --reruns 1 --max-suite-reruns 5 --rerun-show-tracebacks -rR
# A journey has the machine to itself: a whole system is twenty processes, and two of them at a time
# take as long on two cores, each beyond its deadlines.
# The integration tests that meet a broker, run on its stand-in as well. Not those that kill a
# consumer in the middle of its work, or read the log back by time: Tansu gives a killed consumer's
# partitions away too late for their deadlines.
BROKER_TESTS := libs/runtime/tests/kafka services/ingest services/routing cli/tests/test_dlq.py \
	services/rules-engine/tests/process/test_engine.py \
	services/review-api/tests/process

# The console: a TypeScript application; see its README.
CONSOLE := services/review-console
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/public -type f 2>/dev/null) \
	$(addprefix $(CONSOLE)/,index.html package.json tsconfig.json vite.config.ts) \
	$(wildcard docs/guide/*.md docs/images/console/*.webp)
MODULES := $(CONSOLE)/node_modules/.installed
BUILT := $(CONSOLE)/dist/.built
# In the console's folder, with a Node that is new enough.
NODE = cd $(CONSOLE) && PATH="$$($(CURDIR)/$(BIN)/python scripts/node.py):$$PATH"

# The libraries for platforms; their types are made of ingest's description. What makes the Python
# ones has an environment of its own: nothing else here needs it.
CLIENTS := clients
PYTHON_WIRE := $(CLIENTS)/python/src/coop_client/wire.py
TYPESCRIPT_WIRE := $(CLIENTS)/typescript/src/wire.ts
WIRE := $(CLIENTS)/openapi.json $(PYTHON_WIRE) $(TYPESCRIPT_WIRE)
CLIENT_MODULES := $(CLIENTS)/typescript/node_modules/.installed
GENERATOR := $(VENV)/generator
GENERATOR_INSTALLED := $(GENERATOR)/.installed
CLIENT_NODE = cd $(CLIENTS)/typescript && PATH="$$($(CURDIR)/$(BIN)/python $(CURDIR)/$(CONSOLE)/scripts/node.py):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check lint types imports unit bench bench-smoke contracts lock clean \
	console console-api console-check test-console screenshots test-deploy \
	clients clients-api clients-check

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

$(MODULES): $(CONSOLE)/package-lock.json $(STAMP)
	@$(NODE) npm ci --silent --no-audit --no-fund
	@touch $@

$(BUILT): $(MODULES) $(CONSOLE_SOURCES)
	@$(NODE) npm run --silent build -- --logLevel warn
	@touch $@

console: $(BUILT) ## Build the console, if its sources changed

console-api: $(MODULES) ## Write the console's types again from review-api's description
	@$(BIN)/python $(CONSOLE)/scripts/openapi.py $(CONSOLE)/openapi.json
	@$(NODE) npm run --silent gen:api > /dev/null

console-check: $(BUILT) ## The console: style, types, unit tests, sizes, and that its types are the API's
	@$(NODE) npm run --silent lint
	@$(NODE) npm run --silent typecheck
	@$(NODE) npm run --silent test
	@$(NODE) npm run --silent sizes
	@cp $(CONSOLE)/src/api/schema.d.ts $(CONSOLE)/node_modules/.schema.d.ts
	@$(MAKE) --no-print-directory console-api
	@cmp -s $(CONSOLE)/src/api/schema.d.ts $(CONSOLE)/node_modules/.schema.d.ts \
		|| { echo "The console's types are not the API's: commit what make console-api wrote"; exit 1; }

$(CLIENT_MODULES): $(CLIENTS)/typescript/package-lock.json $(STAMP)
	@$(CLIENT_NODE) npm ci --silent --no-audit --no-fund
	@touch $@

$(GENERATOR_INSTALLED): $(CLIENTS)/scripts/generator.lock $(STAMP)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(GENERATOR)
	@$(BIN)/uv pip install --quiet --python $(GENERATOR)/bin/python --require-hashes -r $<
	@touch $@

clients: $(CLIENT_MODULES) ## Build the client for TypeScript, and its example
	@$(CLIENT_NODE) npm run --silent build

clients-api: $(CLIENT_MODULES) $(GENERATOR_INSTALLED) ## Write the clients' types again from ingest's description
	@$(BIN)/python $(CLIENTS)/scripts/openapi.py $(CLIENTS)/openapi.json
	@$(GENERATOR)/bin/python $(CLIENTS)/scripts/python_wire.py $(CLIENTS)/openapi.json $(PYTHON_WIRE)
	@$(BIN)/ruff format --quiet $(PYTHON_WIRE)
	@$(CLIENT_NODE) npm run --silent gen:api > /dev/null

clients-check: $(CLIENT_MODULES) $(GENERATOR_INSTALLED) ## The clients: style and tests of TypeScript, and that their types are the API's
	@$(CLIENT_NODE) npm run --silent lint
	@$(CLIENT_NODE) npm run --silent test
	@rm -rf $(GENERATOR)/wire && mkdir -p $(GENERATOR)/wire && cp $(WIRE) $(GENERATOR)/wire
	@$(MAKE) --no-print-directory clients-api
	@for made in $(WIRE); do cmp -s $$made $(GENERATOR)/wire/$$(basename $$made) \
		|| { echo "The clients' types are not the API's: commit what make clients-api wrote"; exit 1; }; done

test-console: $(BUILT) ## The console in a browser, against the whole system
	@$(BIN)/python -m pytest $(CONSOLE)/browser $(PYTEST_ARGS)

screenshots: $(BUILT) ## Pictures of the console's pages, into docs/images/console
	@exec $(BIN)/python $(CONSOLE)/browser/screenshots.py

run: $(STAMP) $(BUILT) ## Start the whole system on this machine (Ctrl-C stops it)
	@exec $(BIN)/python -m coop_local run

demo: $(STAMP) ## Stream a corpus through the system and report (INPUT=file)
	@exec $(BIN)/python -m coop_local demo $(if $(INPUT),--input "$(INPUT)")

test: $(STAMP) $(BUILT) lint types imports console-check clients-check ## Run every check and every test
	@$(BIN)/python -m pytest --broker tansu -m "engines and not journey" $(SPREAD) $(AGAIN) $(BROKER_TESTS)
	@$(BIN)/python -m pytest -m "journey" $(AGAIN) --ignore $(CONSOLE)/browser $(PYTEST_ARGS)
	@$(BIN)/python -m pytest $(CONSOLE)/browser $(AGAIN) $(PYTEST_ARGS)
	@$(BIN)/python -m pytest -m "not journey" $(SPREAD) $(AGAIN) $(PYTEST_ARGS)

# With an engine of containers: the one that answers, or Docker's, started here by root. `make test`
# has the part that runs nothing, with the linters that are there.
test-deploy: $(STAMP) $(BUILT) ## The containers: the files that make them, and really run
	@$(BIN)/python -m tests.deploy $(PYTEST_ARGS)

check: lint types imports console-check clients-check unit ## What takes a minute: before each commit

unit: $(STAMP) ## Only the tests that need no server
	@$(BIN)/python -m pytest -m "not engines and not journey" $(SPREAD) $(PYTEST_ARGS)

lint: $(STAMP) ## Style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# Each folder of tests is a base of its own (`from .conftest import …`), so mypy reads them one by one.
types: $(STAMP) ## Types, strictly: the sources, then the tests of each package
	@$(BIN)/mypy $(addsuffix /src,$(PACKAGES))
	@$(BIN)/mypy --cache-dir .mypy_cache/tests tests conftest.py $(CONSOLE)/browser $(CONSOLE)/scripts $(CLIENTS)/scripts $(CLIENTS)/python/example
	@for tests in $(wildcard $(addsuffix /tests,$(PACKAGES))); do \
		MYPYPATH=$${tests%/tests} $(BIN)/mypy --no-error-summary --cache-dir .mypy_cache/tests $$tests \
			|| { echo "Types: the tests of $${tests%/tests} fail"; exit 1; }; \
	done

imports: $(STAMP) ## Who may import whom
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP) ## Benchmarks (ONLY=name for one)
	@exec $(BIN)/python -m tests.bench $(ONLY)

bench-smoke: $(STAMP) ## The ratios of the hot paths, shortly: information, not a gate
	@$(BIN)/python -m tests.bench.smoke

contracts: $(STAMP) ## Write the schemas and the event catalogue again from the code
	@$(BIN)/python -m coop_contracts.export
	@$(BIN)/python -m tests.metric_catalogue
	@$(BIN)/python -m tests.settings_catalogue
	@$(BIN)/python -m tests.retention_catalogue
	@$(BIN)/python -m tests.slice_picture
	@$(BIN)/python -m tests.observability

# What a container needs: the services and the command line, without what tests are made of.
IN_CONTAINER := ingest rules-engine hma-bridge routing review-api action-dispatcher ncmec-reporter \
	ncmec-simulator cli

lock: ## Resolve the dependencies again and write the three requirements…lock
	@test -x $(BIN)/uv || ($(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv)
	@$(BIN)/uv export --quiet --all-packages --all-groups --no-emit-workspace --no-header --format requirements-txt -o requirements.lock
	@$(BIN)/uv export --quiet --frozen --no-dev --no-emit-workspace --no-header --no-annotate --format requirements-txt $(addprefix --package coop-,$(IN_CONTAINER)) -o requirements.runtime.lock
	@echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url - -o requirements.build.lock

clean: ## Remove the environment and the local state (the data too)
	rm -rf $(VENV) .coop .mypy_cache .ruff_cache .pytest_cache .hypothesis
