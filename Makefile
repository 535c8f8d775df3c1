# `make run` and `make test` do all their own set-up. `make help` lists the rest.

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.DEFAULT_GOAL := help
.PHONY: help run cluster roll test pages pages-test pages-weight safety chaos fuzz bench lint screenshots

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: pages ## Builds everything and starts a demo room; the links are printed at the end
	$(CARGO) build --release --bin apricot
	target/release/apricot serve --demo

cluster: pages ## NODES (2) nodes, PostgreSQL, Redis (CLUSTER=1: a Redis Cluster), a payment provider and nginx on this machine, thrown away on Ctrl-C
	$(CARGO) build --release --bin apricot
	deploy/cluster.sh

roll: ## Restarts the nodes of `make cluster`, one after the other
	deploy/roll.sh

test: ## Installs what the tests need, then runs all of them
	tests/run.sh

pages: web/dist/index.html ## Builds the web pages into web/dist

web/dist/index.html: $(shell find web/src proto/apricot -type f -not -path 'web/src/gen/*') docs/openapi.json web/package-lock.json web/vite.config.ts web/shapes.mjs web/buf.gen.yaml
	@# Standard output is for what a target prints, as pages-weight does.
	(cd web && npm ci --no-audit --no-fund && npm run build) >&2

lint: ## Formatter and clippy, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings

safety: ## A rush at 100 times the stock, checked; then 50 kills in a rush, checked
	$(CARGO) build --release -p apricot -p loadtest
	target/release/loadtest rush --spawn --stock 1000 --demand 100 --json
	target/release/loadtest rush --spawn --stock 300 --demand 20 --kill 50 --json

chaos: ## Every fault of docs/chaos.md in a rush over two nodes, checked; SEED=n repeats one
	$(CARGO) build --release -p apricot -p loadtest
	$(CARGO) build --release -p apricot --features sabotage --bin apricot-sabotaged
	target/release/loadtest chaos --json $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE)) $(if $(WRITE),--write $(WRITE))

fuzz: ## Every decoder for SECONDS (30) under libFuzzer; needs cargo-fuzz
	fuzz/run.sh $(or $(SECONDS),30)

bench: ## The figures of docs/benchmarks.md
	$(CARGO) bench --bench gate -- --json
	$(CARGO) bench -p apricot-tlog --bench log -- --json

# A release build has the pages inside.
BROWSER = cd tests/browser && npm ci --no-audit --no-fund --loglevel=error >&2 && APRICOT_BIN="$(CURDIR)/target/release/apricot"

pages-test: pages ## The browser tests alone
	$(CARGO) build --release --bin apricot
	$(BROWSER) node --test --test-concurrency=2

pages-weight: pages ## Compressed bytes and load times of each page on a slow phone, as JSON
	@$(CARGO) build --release --bin apricot
	@$(BROWSER) node weight.mjs

screenshots: pages ## docs/pages/*.png from a demo server
	$(CARGO) build --release --bin apricot
	$(BROWSER) node screenshots.mjs
