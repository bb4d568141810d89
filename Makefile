# `make` alone lists what there is. `make demo` and `make test` need Go and npm
# (for ClickHouse's library, once); `make e2e` needs Java 17 and Maven besides.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What is built and tested is what go.mod says, not what lies beside it.
export GOWORK := off

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Analysing everything at once takes gigabytes a core; one core is enough.
LINT_FLAGS ?= --concurrency 1 --timeout 10m
# NO_SKIPS=1 makes a skipped test a failure.
SUMMARY := go run ./scripts/testsummary $(if $(NO_SKIPS),-no-skips)

##@ Run
.PHONY: build demo demo-check demo-doors library
build: ## Build bin/assay
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/assay ./services/assay

# ClickHouse's library is fetched while the binary is built.
demo: ## A company's quarter, judged and reported on this machine
	@$(MAKE) --no-print-directory -j2 build library
	bin/assay demo

demo-check: ## The same, compared with the verdicts that its story demands
	@$(MAKE) --no-print-directory -j2 build library
	bin/assay demo --check

demo-doors: ## The same, told by the vendors themselves through their doors, signed
	@$(MAKE) --no-print-directory -j2 build library
	bin/assay demo --check --doors

library:
	@scripts/fetch-clickhouse.sh

##@ Test
.PHONY: test race e2e browser api fuzz chaos bench bench-judge bench-ingest bench-record bench-period shards planted sim lint tidy-check
# A build tag of franz-go: its locks then don't stop the virtual time of testing/synctest.
TAGS := -tags synctests
test: ## All tests that need no Kafka; skipped ones are counted at the end
	go test $(TAGS) -timeout 15m -json ./... | $(SUMMARY)

race: ## The tests of what runs concurrently, under the race detector (needs a C compiler)
	CGO_ENABLED=1 ASSAY_TEST_SEEDS=50 go test $(TAGS) -race -timeout 15m -json ./pkg/stream/... ./pkg/daemon/... ./services/collector/... ./services/evaluator/... ./services/recorder/... | $(SUMMARY)

# What kills processes takes long and more than one run to trust: it is apart.
CHAOS := ^(TestKills|TestBrokerKilled|TestKill9)$$

e2e: ## The services as processes on real Kafka, which scripts/ start
	scripts/e2e.sh -json -skip '$(CHAOS)' | $(SUMMARY)

browser: ## The pages in Chromium, on the demonstration's data
	scripts/browser.sh -json -v | $(SUMMARY)

chaos: ## The same while evaluators, recorders and the broker are killed with -9
	scripts/e2e.sh -json -v -run '$(CHAOS)' | $(SUMMARY)

# Those that harm tables themselves can't do so through distributed ones.
SHARDED_RECORDER = ^(TestCrashAtEachPoint|TestCrashesInARow|TestRebalances|TestEventsAreRows|TestVerdictsReadBackExactly|TestMessagesAreRows|TestOffsetsAreLost|TestLateInsertOfAZombie)$$
SHARDED_REPORTS = TestDaysAndQuarters|TestPages|TestAsOfIsWhat|TestBoundaryIs|TestDataFlows|TestACertificate|TestCertificatesCount|TestCoverageByDay|TestExplainADev|TestRestated|TestReport
shards: ## Recording, recounts and reports on two ClickHouse shards (distributed tables, no replicas)
	ASSAY_TEST_SHARDS=1 go test -count=1 ./services/recorder -run '$(SHARDED_RECORDER)' -timeout 30m
	ASSAY_TEST_SHARDS=1 go test -count=1 -p 1 ./pkg/ask/listing ./pkg/ask/certificate ./pkg/ask/flows ./pkg/ask/coverage ./pkg/ask/explain ./pkg/report -run '$(SHARDED_REPORTS)' -timeout 30m

bench: bench-judge bench-ingest bench-record bench-period ## All of these, one after the other

bench-judge: ## The engine alone, in one process and on one core (two minutes)
	cd bench && GOWORK=off GOMAXPROCS=1 go run ./judge

bench-ingest: ## The doors beside plain franz-go and net/http, on real Kafka (ten minutes, and 12 GB of disk)
	scripts/bench.sh

bench-record: ## The recorder's inserts beside bare ones (two minutes)
	cd bench && GOWORK=off go run ./record

bench-period: ## Questions about a period over 10 and 100 million verdicts (an hour, and 20 GB of disk; goes on where it was)
	cd bench && GOWORK=off go run ./period

api: build ## The console's API held to its own description, by Schemathesis
	scripts/schemathesis.sh

FUZZTIME ?= 10s
fuzz: ## Every decoder and mapping, FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME)

planted: ## The engine's property test and the simulation against planted bugs, which they must catch
	scripts/planted.sh
	scripts/planted-sim.sh

SEEDS ?= 10000
TIMES ?= 1
sim: ## The evaluator from seeds 1 to SEEDS while things fail; SEED alone, TIMES over
	@scripts/sim.sh $(if $(SEED),-s $(SEED) -t $(TIMES),-n $(SEEDS))

lint: ## golangci-lint (pinned by scripts/tools.sh), its formatters, shellcheck where it is installed
	@tool=$$(scripts/tools.sh golangci-lint)
	"$$tool" config verify
	"$$tool" fmt --diff
	"$$tool" run $(LINT_FLAGS)
	if command -v shellcheck >/dev/null; then shellcheck --external-sources scripts/*.sh .ci/run; else echo 'shellcheck is not installed; the scripts were not checked'; fi

tidy-check: ## go.mod and go.sum say what the code needs, and bench/ builds
	go mod tidy -diff
	go mod verify
	cd bench
	go mod tidy -diff
	go vet ./...

##@ Work
.PHONY: fmt clean help
fmt: ## Format all Go code (gofumpt, gci)
	"$$(scripts/tools.sh golangci-lint)" fmt

clean: ## Remove what was built; caches outside the repository stay
	rm -rf bin var coverage

help: ## This list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
