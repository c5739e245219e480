# MetaStore Bench. `make help` lists the targets; README.md tells the story.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The rocksdb engine is in the build if RocksDB's C header is there, and C++'s library,
# which RocksDB's is linked with: gcc alone brings none.
HAS_ROCKSDB = $(if $(wildcard /usr/include/rocksdb/c.h),$(filter /%,$(shell gcc -print-file-name=libstdc++.so)))
TAGS = $(if $(HAS_ROCKSDB),,norocksdb)
GOFLAGS_TAGS = $(if $(TAGS),-tags=$(TAGS))

# The commit of the sources, for the records of runs: what runs and reports write is no
# source.
REVISION = $(shell git rev-parse HEAD 2>/dev/null)$(if $(shell git status --porcelain -- . ':!results' ':!EXPERIMENTS.md' 2>/dev/null),-modified)

# SMOKE=1 proves that it works (under a minute), FULL=1 makes a reference run,
# neither takes about five minutes.
LEVEL = $(if $(SMOKE),smoke,$(if $(FULL),full,default))
EFFORT = --level $(LEVEL)$(if $(FULL), --reference)
ARGS ?=
BENCH_DIR := results/reference/bench

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | column -t -s $$'\t'

# The one place that installs packages. The two commands with which one begins, and
# lint, go there first; no other target does. DEV=1 is for who changes the store.
.PHONY: deps
deps: ## install what is missing, after saying what and why: RocksDB's library, with DEV=1 protoc, chromium and npm too
	@[ -n "$(HAS_ROCKSDB)" ] || ( $(call install,librocksdb-dev g++,RocksDB's headers and library$(comma) and C++'s: the engine rocksdb is built with them) ) || \
		echo "going on without: the engine rocksdb is left out, and its rows are skipped"
	@[ -z "$(DEV)" ] || command -v protoc >/dev/null || ( $(call install,protobuf-compiler,protoc: it makes the code of .proto files$(comma) and lint checks that code) )
	@[ -z "$(DEV)" ] || command -v "$(or $(CHROMIUM),chromium)" >/dev/null || ( $(call install,chromium,chromium: the tests of report.html run in it) )
	@[ -z "$(DEV)" ] || command -v npm >/dev/null || ( $(call install,nodejs npm,node and npm: the tests of report.html are driven by playwright-core$(comma) which npm fetches) )
	@go mod download

comma := ,
# A command that installs package $(1), which is needed for $(2).
install = command -v apt-get >/dev/null || { echo "$(1) is missing ($(2)); there is no apt-get here to install it with"; exit 1; }; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n "; \
	echo "installing $(1) with: $${sudo}apt-get install -y $(1)"; echo "needed for $(2)"; \
	$${sudo}apt-get install -y -q $(1) || { $${sudo}apt-get update -q && $${sudo}apt-get install -y -q $(1); } || \
	{ echo "$(1) could not be installed"; exit 1; }

# What goes on without RocksDB's library says so.
.PHONY: engines
engines: $(if $(filter phase1 test lint,$(MAKECMDGOALS)),deps)
	@[ -n "$(HAS_ROCKSDB)" ] || echo "RocksDB's library is not installed: building without the engine rocksdb. To have it: make deps"

.PHONY: build
build: engines ## build bin/metastore and bin/metabench; installs nothing
	go build $(GOFLAGS_TAGS) -ldflags '-X main.sourceRevision=$(REVISION)' -o bin/ ./cmd/metastore ./cmd/metabench

# Without goroutines the race detector finds nothing and takes five times as long:
# rules_test.go holds these packages to that.
SERIAL := ./core/wal ./core/apply ./variants/wal ./variants/apply/perop
# Packages wait for syncs and elections, so more of them run than there are processors,
# the longest first. With the race detector a process sleeps for a second before it
# ends, if it is not told otherwise. A test that hangs has its own bound; go test's is for
# an idle machine.
GOTEST := go test -p 4 -timeout 1h $(GOFLAGS_TAGS)
.PHONY: test
test: deps ## all tests, with the race detector in core and variants but for packages without goroutines
	GORACE=atexit_sleep_ms=0 $(GOTEST) -race $$(go list $(GOFLAGS_TAGS) ./variants ./core/... ./variants/... | grep -vxF "$$(go list $(GOFLAGS_TAGS) $(SERIAL))")
	$(GOTEST) $(SERIAL) $$(go list $(GOFLAGS_TAGS) ./cmd/... ./... | grep -v -e /core/ -e '/variants\(/\|$$\)')
	go test -tags=metastore_plant -run Plant ./core/plant ./core/api

# CHROMIUM names another browser; SHOTS is where the screenshots go.
SHOTS ?= results/screenshots
PAGE_BROWSER := harness/report/page/browser
.PHONY: page-test
page-test: ## tests of report.html in a headless chromium, with screenshots in SHOTS=results/screenshots; see make deps DEV=1
	@for tool in "$(or $(CHROMIUM),chromium)" npm; do command -v "$$tool" >/dev/null || { echo "$$tool is missing: make deps DEV=1 installs it"; exit 1; }; done
	@cd $(PAGE_BROWSER) && npm ci --silent --ignore-scripts --no-audit --no-fund
	@mkdir -p $(SHOTS)
	PAGE_SCREENSHOTS=$(abspath $(SHOTS)) go test -count 1 -v -run 'Browser|Small' ./harness/report/page ./harness/serve

# Modules of their own, so that what they depend on is not the store's.
NESTED_MODULES := harness/peer/etcd core/wal/walbench variants/logbench variants/rpc/conform

.PHONY: lint
lint: DEV := 1
lint: deps ## gofmt, vet, nested modules too, generated code, EXPERIMENTS.md against its records
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "not gofmt-clean: $$unformatted"; exit 1; }
	go vet $(GOFLAGS_TAGS) ./...
	go vet -tags=metastore_plant ./core/plant ./core/api
	for module in $(NESTED_MODULES); do (cd $$module && go vet $(GOFLAGS_TAGS) ./...) || exit 1; done
	go mod verify >/dev/null
	go mod tidy -diff
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory check-report

# protoc's plugins are tools of this module, so go.mod pins them.
# Commands, and the operations of streams, are encoded on the hot path and have
# vtprotobuf's code; the rest of the service has gRPC's.
COMMAND_PROTOS := core/kv/kv.proto
SERVICE_PROTOS := core/rpcpb/metastore.proto
.PHONY: generate
generate: protoc ## regenerate the protobuf code
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; $(MAKE) --no-print-directory generate-into OUT=. PLUGINS=$$dir

.PHONY: generate-into
generate-into:
	@go build -o $(PLUGINS)/ google.golang.org/protobuf/cmd/protoc-gen-go github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto google.golang.org/grpc/cmd/protoc-gen-go-grpc
	@PATH="$(PLUGINS):$$PATH" protoc \
		--go_out=$(OUT) --go_opt=module=metastorebench \
		--go-vtproto_out=$(OUT) --go-vtproto_opt=module=metastorebench,features=marshal+unmarshal+size \
		$(COMMAND_PROTOS)
	@PATH="$(PLUGINS):$$PATH" protoc \
		--go_out=$(OUT) --go_opt=module=metastorebench \
		--go-grpc_out=$(OUT) --go-grpc_opt=module=metastorebench \
		--go-vtproto_out=$(OUT) --go-vtproto_opt=module=metastorebench,features=marshal+unmarshal+unmarshal_unsafe+size \
		$(SERVICE_PROTOS)

.PHONY: protoc
protoc:
	@command -v protoc >/dev/null || { echo "protoc is not installed: make deps DEV=1"; exit 1; }

# Generated code is compared without its first lines, which name the version of
# protoc: any version makes the same code.
.PHONY: check-generated
check-generated: protoc
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir -p $$dir/out $$dir/plugins; \
	$(MAKE) --no-print-directory generate-into OUT=$$dir/out PLUGINS=$$dir/plugins; \
	for f in $$(cd $$dir/out && find . -name '*.pb.go'); do \
		diff <(grep -v '^//.*protoc' $$dir/out/$$f) <(grep -v '^//.*protoc' $$f) >/dev/null || { echo "$$f is not what its .proto makes: run 'make generate'"; exit 1; }; \
	done

.PHONY: phase1
phase1: build ## measure phase 1: verdicts and a page (SMOKE=1, FULL=1, ARGS="--only ...")
	@bin/metabench run phase1 $(EFFORT) $(ARGS)

.PHONY: phase2
phase2: build ## measure phase 2, on top of phase 1 (SMOKE=1, FULL=1, ARGS="--only ...")
	@bin/metabench run phase2 $(EFFORT) $(ARGS)

.PHONY: phase3 ladder
phase3: build ## measure phase 3, on top of phase 2 (SMOKE=1, FULL=1, ARGS="--only ...")
	@bin/metabench run phase3 $(EFFORT) $(ARGS)
ladder: build ## baseline, phase 1, 2 and 3 in one interleaved run, against the plan's targets
	@bin/metabench run ladder $(EFFORT) $(ARGS)

# The objective of `make capacity`; more flags by ARGS.
SLO ?= p99=5ms
.PHONY: capacity scaling
capacity: build ## find the highest rate that meets SLO=p99=5ms, compare latency there
	@bin/metabench capacity --slo $(SLO) --variant baseline --variant phase1 $(EFFORT) $(ARGS)
scaling: build ## throughput against 1 to 256 clients, with the Universal Scalability Law
	@bin/metabench run scaling $(EFFORT) $(ARGS)

# Plans that go over one size each.
SWEEPS := sweep-clients sweep-values sweep-keys large batch indexes reads pipelining
.PHONY: sweep
sweep: build ## cost against size: PLAN=sweep-clients, sweep-values, sweep-keys, large, batch, indexes, reads or pipelining
	@[ -n "$(filter $(SWEEPS),$(PLAN))" ] || { echo "PLAN is '$(PLAN)'; accepted: $(SWEEPS)"; exit 1; }
	@bin/metabench run $(PLAN) $(EFFORT) $(ARGS)

# The revision to compare with, and the one to judge: the working tree by default.
# The gate builds both by itself; its own program is this tree's.
BASE ?= HEAD~1
.PHONY: gate gate-short gate-power gate-regressions
gate: build ## is the working tree (or HEAD_REF=...) slower or costlier than BASE=HEAD~1? (metabench exits with 1 if so, 3 if it cannot tell)
	@bin/metabench gate --base $(BASE) $(if $(HEAD_REF),--head $(HEAD_REF)) $(if $(SMOKE),--level smoke --steady-only) $(ARGS)
# For CI: counts alone, since others may use the machine. Inconclusive is no failure,
# and a clone without the parent has nothing to compare.
gate-short: build ## is HEAD costlier than its parent, by counts alone? about three minutes; inconclusive is no failure
	@bin/metabench gate --base HEAD~1 --head HEAD --level smoke --steady-only --budget 3m --skip-without-base $(ARGS) || \
		{ status=$$?; [ $$status = 3 ] || exit $$status; echo "inconclusive: this machine could not tell, which is no failure here"; }
# Up to nine minutes a run, its budget; with SMOKE=1 the steady metrics alone, up to three.
RUNS ?= 50
gate-power: build ## false alarms and detection rates of the gate on this machine, from RUNS=50 runs (SMOKE=1: steady metrics alone)
	@bin/metabench gate --power $(RUNS) $(if $(SMOKE),--level smoke --steady-only --budget 3m) $(ARGS)
# Each case of cmd/metabench/regressions_test.go in a clone of HEAD of its own; CASE=
# is a regular expression that picks some by name.
gate-regressions: engines ## does the gate find real regressions, and let harmless changes pass? a table of both (CASE=name); about an hour
	@GATE_REGRESSIONS='$(or $(CASE),.)' go test $(GOFLAGS_TAGS) ./cmd/metabench -run '^TestRegressions$$' -count 1 -timeout 6h -v

.PHONY: report check-report
report: build ## remake the reports of results/reference, and EXPERIMENTS.md from its template
	@bin/metabench report --all results/reference
check-report: build
	@bin/metabench report --all results/reference --check

# A peer is a module of its own: its dependencies are not the store's.
.PHONY: peers test-peers peer
peers: ## build bin/peer-etcd, etcd v3.7, which plan "peer" compares the store with
	cd harness/peer/etcd && go build -o ../../../bin/peer-etcd .
test-peers: ## tests of the peers: real trials against them
	cd harness/peer/etcd && go test -timeout 5m ./...
peer: build peers ## the store against etcd v3.7: puts, reads, limited ranges
	@bin/metabench run peer $(EFFORT) $(ARGS)

# conform is a module of its own: it depends on h2spec and on grpc-go's interop client.
.PHONY: rpc-conformance
rpc-conformance: deps ## h2spec, interop, attacks and equal answers, for every value of --rpc, with and without TLS
	go test $(GOFLAGS_TAGS) -count 1 ./core/api/lean ./core/api ./variants/rpc
	cd variants/rpc/conform && go test -count 1 -timeout 20m ./...

.PHONY: test-perf test-perf-memory test-perf-rocksdb
test-perf: build ## the plan's own workloads, baseline against best, on memory and RocksDB
	@bin/metabench run perf $(EFFORT) $(ARGS)
test-perf-memory: build ## the same on the memory engine only
	@bin/metabench run perf $(EFFORT) --only engine=memory $(ARGS)
test-perf-rocksdb: build ## the same on RocksDB only
	@bin/metabench run perf $(EFFORT) --only engine=rocksdb $(ARGS)

.PHONY: ceilings
ceilings: build ## what this machine can do at best: gRPC, device, loopback, codecs (SMOKE=1, ARGS="--data-dir ...")
	@bin/metabench ceilings --level $(LEVEL) $(ARGS)

.PHONY: bench
bench: engines ## Go benchmarks: puts in process, codecs, engines, log
	go test $(GOFLAGS_TAGS) -run '^$$' -bench . -benchtime 1s ./variants/... ./core/...

.PHONY: power-cuts
power-cuts: engines ## acknowledged writes that each --wal loses over 1,000 simulated power cuts
	@go test $(GOFLAGS_TAGS) -run '^$$' -bench PowerCuts -benchtime 1000x ./variants

# The benchmarks that EXPERIMENTS.md shows, six repeats each. A file's first
# lines say how it was made; benchstat reads the rest.
define bench-reference
	@mkdir -p $(BENCH_DIR)
	@{ echo "command: go test -run ^$$ $(2)"; echo "commit: $(REVISION)"; echo "date: $$(date -u +%F)"; \
	   go test $(GOFLAGS_TAGS) -run '^$$' $(2); } | tee $(BENCH_DIR)/$(1).txt
endef

# The same, in six rounds of everything. What a table compares was then measured in
# turn, and is paired by round. $(3) is the folder of another module.
define bench-rounds
	@mkdir -p $(BENCH_DIR)
	@{ echo "command: six rounds of go test -run ^$$ $(2)"; echo "commit: $(REVISION)"; echo "date: $$(date -u +%F)"; \
	   for round in 1 2 3 4 5 6; do (cd $(or $(3),.) && go test $(GOFLAGS_TAGS) -run '^$$' -count 1 $(2)); done; } | tee $(BENCH_DIR)/$(1).txt
endef

# walbench is a module of its own: it depends on the logs that it compares with.
.PHONY: bench-wal
bench-wal: engines ## the log against the device, hashicorp/raft-wal and etcd's log, as a benchmark record
	$(call bench-rounds,wal-device,-bench Save -benchtime 200ms ./...,core/wal/walbench)

# logbench is one too. DISK is a folder of the disk to measure: the temporary one's
# without it. A system that loses a put fails the run.
.PHONY: bench-commit-log test-commit-log
bench-commit-log: engines ## the commit log in process beside hashicorp/raft, etcd's raft and tidwall/wal, as a benchmark record (DISK=folder; about twelve minutes)
	$(call bench-rounds,commit-log,-bench CommitLog -benchtime 1s ./... $(if $(DISK),-dir $(abspath $(DISK))),variants/logbench)
test-commit-log: engines ## tests of that benchmark: every system keeps what it acknowledged, and a loss is found
	cd variants/logbench && go test $(GOFLAGS_TAGS) -timeout 5m ./...

.PHONY: bench-reference
bench-reference: engines ## remake the committed benchmark records, without bench-wal and bench-commit-log (about twelve minutes)
	$(call bench-reference,codec,-bench Codec -count 6 -benchtime 200ms ./variants/codec/...)
	$(call bench-reference,in-process-put,-bench Put -count 6 -benchtime 300ms ./variants)
	$(call bench-reference,in-process-put-saturated,-bench Put/variant=best/.*/clients=1000 -count 6 -benchtime 300000x ./variants)
	$(call bench-rounds,wal-policy,-bench WALPolicy -benchtime 200ms ./variants)
	$(call bench-reference,wal-one-client,-bench OneClient -count 6 -benchtime 1000x ./variants)
	$(call bench-reference,power-cuts,-bench PowerCuts -benchtime 1000x ./variants)
	$(call bench-reference,restart,-bench Restart -count 6 -benchtime 1x -timeout 30m ./variants)
	$(call bench-reference,memory-per-key,-bench HeapPerKey -count 6 -benchtime 1x ./variants/index/hash)
	$(call bench-rounds,index-range,-bench Index -benchtime 20ms ./variants/index/...)
	$(call bench-reference,generator-paced,-bench Paced -cpu 1 -count 6 -benchtime 4x ./harness/load)
	$(call bench-reference,generator-record,-bench Record -cpu 1 -count 6 -benchtime 200ms ./harness/load)

.PHONY: clean
clean: ## remove what was built and all results that are not committed
	rm -rf bin metastore-data
	git clean -fdqX results
