# Everything one does with Bottega. `make` lists it.

CARGO ?= cargo
export BOTTEGA_DATA_DIR ?= ./bottega-data

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## build and start the whole suite embedded: SQLite, local disk, nothing else
	@scripts/need cc
	$(CARGO) build --bin bottega
	exec target/debug/bottega up

.PHONY: build
build: ## build the optimised binary, target/release/bottega
	@scripts/need cc
	$(CARGO) build --release --bin bottega

.PHONY: test
test: api-lint ## run every test, with a private PostgreSQL and Redis on free ports, and lint the OpenAPI document
	@scripts/need cc nextest npm chromium venv
	scripts/with-servers $(CARGO) nextest run --workspace --no-fail-fast

.PHONY: prove
prove: ## end processes at every step of an order, and print what came of each
	@scripts/need cc
	BOTTEGA_PROVE=1 scripts/with-servers $(CARGO) nextest run --workspace --no-capture -E 'package(bottega) & test(kill_grid)'

SECONDS ?= 60
SEED ?= $(shell date +%s)

.PHONY: fuzz
fuzz: ## send the gateway noise for SECONDS=60, from SEED=now: paths, queries, JSON, forms, envelopes
	@scripts/need cc nextest
	BOTTEGA_FUZZ_SECONDS=$(SECONDS) BOTTEGA_FUZZ_SEED=$(SEED) scripts/with-servers $(CARGO) nextest run --workspace --profile fuzz \
		-E '(package(transcoding) & test(hostile)) | (package(gateway) & test(noise))'

.PHONY: schemathesis
schemathesis: ## send the gateway requests made from its OpenAPI document, for SECONDS=60, from SEED=now, and compare the answers
	@scripts/need cc nextest venv
	BOTTEGA_FUZZ_SECONDS=$(SECONDS) BOTTEGA_FUZZ_SEED=$(SEED) scripts/with-servers $(CARGO) nextest run --workspace --profile fuzz \
		-E 'package(bottega) & test(schemathesis)'

.PHONY: bench
bench: ## measure orders, the quota path, rate limits (on a private PostgreSQL with fsync) and transcoding beside Envoy
	@scripts/need cc
	$(CARGO) build --release -p bench -p bottega
	BOTTEGA_TEST_DURABLE=1 scripts/with-servers target/release/bench

.PHONY: lint
lint: fmt-check clippy proto-lint ## formatting, clippy, and the contracts' linter

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt --all
	scripts/buf format -w proto

.PHONY: fmt-check
fmt-check:
	$(CARGO) fmt --all --check

.PHONY: clippy
clippy:
	@scripts/need cc
	$(CARGO) clippy --workspace --all-targets -- -D warnings

.PHONY: proto-lint
proto-lint: ## lint the contracts, and compare them with main for breaking changes
	scripts/buf lint proto
	scripts/buf format --diff --exit-code proto
	scripts/proto-breaking

# The binary is the one the tests build: another form of the command would build half the graph again.
.PHONY: api-lint
api-lint: ## lint the OpenAPI document
	@scripts/need cc nextest
	$(CARGO) nextest run --workspace --no-run
	target/debug/bottega openapi > target/openapi.json
	scripts/redocly lint target/openapi.json

.PHONY: ci
ci: ## what CI runs
	.ci/run

.PHONY: clean-data
clean-data: ## forget the embedded suite's data
	rm -rf $(BOTTEGA_DATA_DIR)
