# `make demo` and `make test` do their own set-up: only Python 3.11 or later, make and a package registry are needed.
PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
MODEL ?= local
QUESTION ?=
BATCH ?=
WORKERS ?= 2
SAMPLE ?= 1
SEED ?= $(shell date -u +%Y%m%d)
DEPTH ?=
MINUTES ?= 30
SOURCE ?= bfcl
DATA ?=

.PHONY: help demo test search check types lint hooks format docs bench peers gateway support order soak agentdojo mcp models engines live planning paper clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing superscalar with the embedded model's engine ..."
	@$(PIP) install -c constraints.txt -e '.[local,demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing superscalar and what its tests need ..."
	@$(PIP) install -c constraints.txt -e '.[local,openai,mcp,demo,dev]'
	@touch $@

demo: $(VENV)/.demo ## a real model plans the daily brief of nine tickers; QUESTION="..." asks something else, BATCH=1 one request for all prices
	@$(BIN)/python -m examples.portfolio.demo --model '$(MODEL)' $(if $(BATCH),--batch) $(if $(QUESTION),"$$DEMO_QUESTION")
demo: export DEMO_QUESTION = $(QUESTION)

test search: export PYTHONDONTWRITEBYTECODE =  # what one worker compiles, the other and every process of a test read
test: $(VENV)/.dev ## all tests, offline, three minutes; PYTHON=python3.12 for another Python, WORKERS=8 for more cores
	@$(BIN)/python -m pytest -q -n $(WORKERS)

search: $(VENV)/.dev ## the tests that search, ten times as deep; SAMPLE=8 an eighth of them, SEED=1 which and where, DEPTH=30000 as deep
	@echo "Searching $(if $(filter-out 1,$(SAMPLE)),one test in $(SAMPLE) ,)from the seed $(SEED). Again: make search SAMPLE=$(SAMPLE) SEED=$(SEED)$(if $(DEPTH), DEPTH=$(DEPTH))"
	@$(if $(DEPTH),SUPERSCALAR_DEPTH=$(DEPTH) )$(BIN)/python -m pytest -q -n $(WORKERS) -m search --hypothesis-profile=search --hypothesis-seed=$(SEED) --sample=$(SAMPLE)

check: $(VENV)/.dev lint types ## format, lint, strict types
	@$(PIP) check

types: $(VENV)/.dev ## strict types, here and in the documentation's examples, which mypy and pyright check as a user's own
	@$(BIN)/mypy
	@$(BIN)/python -m tests.support.doc_blocks build/examples
	@$(BIN)/mypy --config-file= --strict --cache-dir .mypy_cache/examples build/examples tests/typing
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

lint: $(VENV)/.dev ## the fast half of check: format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

hooks: $(VENV)/.dev ## run `make lint` before each commit in this clone
	@printf '#!/bin/sh\n# Made by `make hooks`; git commit --no-verify goes past it.\nexec make --no-print-directory lint\n' > "$$(git rev-parse --git-path hooks)/pre-commit"
	@chmod +x "$$(git rev-parse --git-path hooks)/pre-commit"
	@echo "Before each commit: format and lint"

format: $(VENV)/.dev ## put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## write the pages anew that are made from the source: events, failures, diagnostics, options, commands, public names
	@SUPERSCALAR_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_reference.py tests/test_options.py tests/plan/test_table.py

bench: $(VENV)/.dev ## what the scheduler costs beside a bare event loop, labels beside none, a long plan beside short ones, limits beside a provider's, pipelines beside their bounds, a thousand tools
	@$(BIN)/python benchmarks/overhead.py
	@$(BIN)/python -m benchmarks.labels
	@$(BIN)/python -m benchmarks.journal
	@$(BIN)/python benchmarks/parse.py
	@$(BIN)/python benchmarks/hostile.py
	@$(BIN)/python benchmarks/provider.py
	@$(BIN)/python benchmarks/pipelines.py --check
	@$(BIN)/python benchmarks/many_tools.py --check
	@$(BIN)/python benchmarks/chosen_examples.py --check

peers: $(VENV)/.dev ## cost, order and memory beside other schedulers, into docs/benchmarks.md; installs them, half an hour
	@$(BIN)/python -m benchmarks.peers --page docs/benchmarks.md

gateway: $(VENV)/.dev build/mcp/.installed ## a gateway beside two code modes over the same servers, and fifty clients at one; installs them, six minutes
	@$(BIN)/python -m benchmarks.gateway --check
	@$(BIN)/python -m benchmarks.gateway.clients --check

support: $(VENV)/.dev ## a support agent with approvals beside Pydantic AI and LangGraph: lines, model calls, seconds; installs them
	@$(BIN)/python -m benchmarks.peers.support --install

order: $(VENV)/.dev ## how good the order of calls is where slots are scarce; wants asynchow_dev.json in ../shared/data
	@$(BIN)/python benchmarks/order.py

soak: $(VENV)/.dev ## ten minutes of runs against a faulty provider, and what they leave behind
	@$(BIN)/python benchmarks/soak.py --check

agentdojo: $(VENV)/.dev ## what attackers get who write into what tools return; installs AgentDojo, ten minutes and more
	@$(BIN)/python benchmarks/agentdojo.py --check

build/mcp/.installed: tests/servers/node/package.json
	@mkdir -p build/mcp && cp $< build/mcp/
	@if command -v npm >/dev/null; then npm install --prefix build/mcp --silent --no-audit --no-fund && touch $@; \
	 else echo "Node.js is not installed: what needs its servers is left out."; fi

mcp: $(VENV)/.dev build/mcp/.installed ## MCP servers of npm and of the SDK in both revisions: one plan, 500 calls at once, one killed, injections
	@SUPERSCALAR_MCP=1 $(BIN)/python -m pytest -q tests/servers
	@$(BIN)/python -m benchmarks.mcp_servers --check

# In an environment of its own: botocore wants an older dateutil than what else is installed.
build/models/.installed: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing the SDKs of providers in build/models ..."
	@$(BIN)/python -m venv build/models
	@grep -v '^python-dateutil==' constraints.txt >build/models/constraints.txt
	@build/models/bin/python -m pip --disable-pip-version-check --quiet install -c build/models/constraints.txt \
	   -e '.[openai,models,dev]' 'pydantic-ai-slim[anthropic,bedrock,google,groq,mistral,openai]'
	@touch $@

models: build/models/.installed ## replies and whole runs in the wire of each provider, by servers on this machine; installs their SDKs
	@build/models/bin/python -m pytest -q -n $(WORKERS) tests/providers

# The oldest release that is in use, the last one before 1.1, and the newest: wheels without dependencies.
build/llguidance/.installed: $(VENV)/.python
	@rm -rf build/llguidance && mkdir -p build/llguidance
	@for release in 0.7.0 1.0.0 1.9.1; do \
	   $(PIP) install --no-deps --only-binary :all: --target build/llguidance/$$release llguidance==$$release || exit 1; done
	@touch $@

engines: $(VENV)/.dev build/llguidance/.installed ## the grammars of ten toolsets in three releases of llguidance, and in lark
	@SUPERSCALAR_LLGUIDANCE=build/llguidance $(BIN)/python -m pytest -q tests/plan/test_grammars_in_llguidance.py

live: $(VENV)/.dev ## the embedded model as a server that plans, joins and extracts through the OpenAI adapter; six minutes
	@SUPERSCALAR_LIVE=1 $(BIN)/python -m pytest -q tests/models/test_live_server.py

planning: $(VENV)/.demo ## how well a model plans, on questions of five sources: DATA=folder of the public files, or SOURCE=bfcl; hours with the embedded one
	@$(BIN)/python benchmarks/planning.py --model '$(MODEL)' --source '$(SOURCE)' --baseline $(if $(DATA),--data '$(DATA)')

paper: $(VENV)/.dev ## the questions of the LLMCompiler paper, into docs/paper.md: an oracle's schedule, and MODEL for MINUTES=30; wants DATA=../shared/data
	@$(BIN)/python -m benchmarks.paper --model '$(MODEL)' --minutes $(MINUTES) $(if $(DATA),--data '$(DATA)')

clean: ## remove the venv and caches; the model's weights stay in the user's cache
	@rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
