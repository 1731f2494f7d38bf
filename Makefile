# Everything that is done with this tree, by name. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build demo test lint generate fuzz bench acme screenshots

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/standfast
	go build -trimpath -o bin/standfast ./cmd/standfast

demo: ## run everything with seeded data; nothing is kept (DEMO="--data DIR" keeps it)
	go run ./cmd/standfast demo $(DEMO)

test: ## lint, then every test on both engines and in a browser; starts its own PostgreSQL
	@scripts/test.sh

upgrade: ## replace edge, core and stand-in under load by real processes; every failed request is counted
	go run ./cmd/standfast gameday 19 --healthy --members 200 $(UPGRADE)

lint: ## gofmt, go vet, staticcheck, generated files, shell syntax
	@scripts/lint.sh

generate: ## write the Go files that the .templ files stand for
	go tool templ generate

fuzz: ## every fuzz target for FUZZTIME each (10s), and the properties with new cases
	@scripts/fuzz.sh

bench: ## the figures of the README; starts its own PostgreSQL (BENCH="ledger" for one of them)
	@scripts/bench.sh $(BENCH)

acme: ## an edge gets its certificate from a test authority by itself (fetches pebble)
	@scripts/acme.sh

screenshots: ## docs/dashboard.png and the other pictures of docs/
	@scripts/screenshots.sh
