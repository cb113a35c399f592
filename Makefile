# `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.

SHELL := /bin/sh
CARGO ?= cargo
DATA ?= ./data
LISTEN ?= 127.0.0.1:8080
BENCH ?= fanout --help
FUZZ_SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help run build test test-embedded test-rust check-deploy lint sockjs-test-server fmt bench bench-cluster docs deny fuzz simulate test-faults test-faults-short test-faults-long test-rolling prepare prepare-tests clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: prepare ## Build and start Madang at http://127.0.0.1:8080 with its data in ./data.
	$(CARGO) run --package madang-server -- serve --listen $(LISTEN) --data $(DATA)

build: prepare ## Build target/release/madang and target/release/madang-bench.
	$(CARGO) build --release

test: prepare prepare-tests lint test-rust check-deploy test-faults-short ## Everything that CI runs: lints, unit, property, conformance and end-to-end tests.

# Their tests start brokers and databases, but without the feature `servers`.
WITH_SERVERS = madang-bus madang-presence madang-store madang-e2e

test-embedded: prepare ## What needs no broker and no database: as `make test`, without their tests and the fault suite.
	@scripts/prepare embedded
	$(CARGO) build --package madang-server
	$(CARGO) test --quiet --workspace $(addprefix --exclude ,$(WITH_SERVERS) madang-faults madang-test-servers)
	@# One by one: together they would give each other their features.
	set -e; for package in $(WITH_SERVERS); do $(CARGO) test --quiet --no-default-features --package $$package; done

test-rust:
	$(CARGO) build --workspace --all-targets
	$(CARGO) test --workspace --quiet

check-deploy: prepare-tests ## Have the files of deploy/ judged by Helm, Compose, HAProxy, hadolint and systemd.
	scripts/check-deploy

lint: prepare ## Formatting, clippy without warnings, licences and duplicate dependencies.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	scripts/deny

fmt: ## Format the sources.
	$(CARGO) fmt --all

bench: build ## Run madang-bench; BENCH='fanout --with-ceiling …' says what. See docs/benchmarks.md.
	target/release/madang-bench $(BENCH)

bench-cluster: build prepare-tests ## Measure sends and deliveries on one to three nodes of each store and bus.
	MADANG_BIN=$(CURDIR)/target/release/madang target/release/madang-bench-cluster

docs: ## Write the generated references again; a test fails when one is stale.
	$(CARGO) run --quiet --package madang-server -- config example > madang.example.toml
	$(CARGO) run --quiet --package madang-server -- config reference > docs/reference/configuration.md
	$(CARGO) run --quiet --package madang-server -- config reference metrics > docs/reference/metrics.md
	MADANG_BLESS=1 $(CARGO) test --quiet --package madang-server --lib reference
	MADANG_BLESS=1 $(CARGO) test --quiet --package madang-loadgen reference
	node web/client/scripts/generate.mjs

deny: ## Install cargo-deny and check licences, sources and duplicates.
	scripts/deny --install

sockjs-test-server: prepare ## Serve what the public SockJS suites test, at LISTEN. See docs/sockjs.md.
	$(CARGO) run --release --package madang-server --example sockjs_test_server -- --listen $(LISTEN)

fuzz: ## Fuzz the codecs for FUZZ_SECONDS each (nightly toolchain, cargo-fuzz).
	cd fuzz && $(CARGO) +nightly fuzz run websocket_decode -- -max_total_time=$(FUZZ_SECONDS)
	cd fuzz && $(CARGO) +nightly fuzz run stomp_decode -- -dict=stomp.dict -max_len=1024 -max_total_time=$(FUZZ_SECONDS)
	cd fuzz && $(CARGO) +nightly fuzz run sockjs_decode -- -dict=sockjs.dict -max_len=1024 -max_total_time=$(FUZZ_SECONDS)

simulate: ## Run SEEDS seeds of the cluster simulation (default 20000).
	MADANG_SIM_SEEDS=$(or $(SEEDS),20000) $(CARGO) test --release --package madang-engine --test simulation -- --nocapture

# Flags of the fault suite, of those variables that are set.
FAULTS = $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(FIRST),--first $(FIRST)) \
	$(if $(STORE),--store $(STORE)) $(if $(BUS),--bus $(BUS)) $(if $(PLAN),--plan '$(PLAN)')

test-faults: prepare prepare-tests ## Break nodes, bus and database under load; SEED, ROUNDS, STORE, BUS. See docs/reliability.md.
	@$(CARGO) build --quiet --release --package madang-server --package madang-faults
	@MADANG_BIN=$(CURDIR)/target/release/madang target/release/madang-faults $(FAULTS)

# Each combination of store and bus twice, with the build that the other tests use.
test-faults-short: prepare-tests
	@$(CARGO) build --quiet --package madang-server --package madang-faults
	@MADANG_BIN=$(CURDIR)/target/debug/madang target/debug/madang-faults --rounds 8

test-faults-long: ROUNDS = 120
test-faults-long: test-faults ## The same for 120 rounds: each fault twice on each combination.

# Flags of the rolling restarts, of those variables that are set.
ROLLING = $(if $(MINUTES),--minutes $(MINUTES)) $(if $(EVERY),--every $(EVERY)) \
	$(if $(STORE),--store $(STORE)) $(if $(BUS),--bus $(BUS))

test-rolling: prepare prepare-tests ## Restart nodes one after the other under load; MINUTES, EVERY, STORE, BUS. See docs/reliability.md.
	@$(CARGO) build --quiet --release --package madang-server --package madang-faults
	@MADANG_BIN=$(CURDIR)/target/release/madang target/release/madang-faults rolling $(ROLLING)

prepare:
	@scripts/prepare build

prepare-tests:
	@scripts/prepare test

clean: ## Remove what was built. ./data stays.
	$(CARGO) clean
