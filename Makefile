# The same commands as CI runs. `make help` lists them.
GO       ?= go
TOOL      = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 300000x
BENCHTIME ?= 1s
COUNT    ?= 4
BINFLAGS  = -trimpath -ldflags='-s -w'

.PHONY: site release release-check help check test api race debug conformance wss integration routers acme chaos chaos-long ratchet bench-fanout fuzz bench build floor load truth bench-peers clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/' | expand -t 16

check: ## gofmt, vet, staticcheck, the builds for other platforms, known vulnerabilities
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'not gofmt-ed'; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags wsedge_debug ./reactor ./pool
	$(TOOL) staticcheck ./...
	GOOS=darwin GOARCH=arm64 $(GO) build ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./reactor ./frame ./pool
	GOOS=linux GOARCH=arm64 $(GO) build ./...
	./.ci/govulncheck $(TOOL) govulncheck ./...

test: ## all tests that need nothing but Go
	$(GO) test ./...

race: ## all tests under the race detector, in random order
	$(GO) test -race -shuffle=on ./...

debug: ## the tests of the lower packages with ownership asserted and released buffers poisoned
	$(GO) test -tags wsedge_debug ./pool ./frame ./reactor

conformance: ## the table of the conformance cases; COUNT messages each in families 12 and 13, URL=ws://… for another server
	$(GO) test -count=1 -timeout 3h ./test/conformance -run 'TestConformance$$' -v -conformance.count $(COUNT) $(if $(URL),-conformance.url $(URL))

wss: ## the conversations of the reactor, and the conformance cases, over TLS: 1.3 in both layers, and 1.2
	@set -e; for tls in std compact 1.2; do \
	  $(GO) test -count=1 ./reactor -reactor.tls $$tls; \
	  $(GO) test -count=1 ./internal/edge -edge.tls $$tls; \
	  $(GO) test -count=1 ./test/conformance -run 'TestConformance$$' -conformance.tls $$tls -conformance.count $(COUNT); \
	done

integration: ## the tests with Node, Python, curl, OpenSSL, Chromium, haproxy and Prometheus, which must be installed
	WSEDGE_INTEGRATION=1 $(GO) test -count=1 ./test/integration

routers: ## the reactor behind the routers that Go programs use, and their middleware
	cd test/routers && $(GO) vet ./... && $(GO) test -race -count=1 ./...

acme: ## certificates from a real ACME server, which is fetched and run in the test
	cd test/acme && $(GO) vet ./... && $(GO) test -race -count=1 ./...

chaos: ## clusters whose processes are killed, stopped and cut off, with a ledger of what clients were promised: a short run; ARGS="-seed 7" for another
	$(GO) run ./test/chaos $(if $(ARGS),$(ARGS),-seed 20261121 -serve 30s)

chaos-long: ## the same with 5,000 clients, 1,000,000 publications and 200 faults: about an hour; a new seed each time
	$(GO) run ./test/chaos -long $(ARGS)

ratchet: ## the instructions of a delivery, an echo and an opening, counted by valgrind, against what they were
	WSEDGE_RATCHET=1 $(GO) test -count=1 -v ./test/ratchet

bench-fanout: ## the table that wsedge is held to: beside the floor, and beside slow and large channels; an hour; ARGS="--rounds 1 --rows one" for less
	./loadtest/bench-fanout.sh $(ARGS)

api: ## record anew what the public packages export; without that a test fails when it changes
	$(GO) test -count=1 ./test/api -update

fuzz: ## every fuzz target, FUZZTIME each: a count such as 300000x, or a time
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$pkg; \
	  done; done

bench: ## the Go benchmarks
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./...

build: ## the release binaries, into bin/
	CGO_ENABLED=0 $(GO) build $(BINFLAGS) -o bin/ ./cmd/...

release: ## archives for all platforms into dist/, with checksums; the same bytes for the same commit
	GOTOOLCHAIN=go$$($(GO) list -m -f '{{.GoVersion}}') $(GO) run ./packaging/release

release-check: ## archives built twice, in two places, are the same; the systemd unit; the container's files in an empty root
	WSEDGE_PACKAGING=1 $(GO) test -count=1 -timeout 30m ./packaging/release ./test/packaging

site: ## the pages of docs/ as HTML, into dist/site
	cd tools/site && $(GO) run . -root ../.. -out ../../dist/site

floor: ## the C program that shows what the kernel alone costs
	$(MAKE) -C loadtest/peers/floor

truth: ## wsload's figures against what a proxy did, in long runs: eleven minutes on a machine that does nothing else
	$(GO) test -count=1 -timeout 1h -v ./loadtest -run Truth -loadtest.truth 60s

load: ## wsedge and the floor side by side
	./loadtest/compare.sh

bench-peers: ## wsedge beside the floor and five other libraries, two hours; ARGS="--rounds 2 --conns 500" for less
	./loadtest/bench-peers.sh $(ARGS)

clean: ## what the other targets have built
	rm -rf bin dist
	$(MAKE) -C loadtest/peers/floor clean
