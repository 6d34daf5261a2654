.PHONY: help run test sim lint walkthrough watch setup

VENV := .venv
TOOLS := $(CURDIR)/$(VENV)/bin
URL ?= http://127.0.0.1:8000

help: ## Show these commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## Serve the API at http://127.0.0.1:8000, with files in ./analysis_results
	cargo run --quiet -p design-analysis -- serve

test: setup ## Run every test, S3 and Lambda included
	cargo build --workspace --all-targets
	cargo test --workspace

sim: ## Run the simulation of the protocol with more seeds (SEEDS=...)
	SEEDS=$(or $(SEEDS),100000) cargo test -p analysis-storage --test simulation no_seed -- --nocapture

lint: ## Check format, lints, documentation and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo deny --log-level error check bans licenses sources

walkthrough: ## Save, load, list, count and delete an analysis on a running server (URL=...)
	examples/walkthrough.sh $(URL)

watch: setup ## Serve the Lambda functions at http://127.0.0.1:9000, built again whenever they change
	PATH="$(TOOLS):$$PATH" cargo lambda watch --invoke-address 127.0.0.1

setup: $(VENV)/.done ## Install what the tests need into ./.venv

$(VENV)/.done: requirements-dev.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
