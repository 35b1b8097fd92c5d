# The commands a newcomer needs. `make` alone lists them.

.DEFAULT_GOAL := help
SWIFT_FLAGS := --explicit-target-dependency-import-check error

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

.PHONY: run
run: prepare ## install what is missing, build, serve, make the sample video, keep serving
	scripts/run.sh

.PHONY: demo
demo: prepare ## the same, but check the video and stop
	scripts/run.sh --demo

.PHONY: prepare
prepare:
	scripts/prepare.sh

.PHONY: setup
setup: ## install what the tests need
	scripts/setup.sh test

.PHONY: build
build: ## debug build of everything
	swift build --build-tests $(SWIFT_FLAGS)

.PHONY: release
release: ## optimised build of the program
	swift build -c release --product animato

.PHONY: test
test: setup ## every check: format, build, Swift tests, Python tests, end to end
	scripts/test.sh

.PHONY: lint
lint: setup ## format and style, without building
	scripts/lint.sh

.PHONY: docs
docs: ## the documentation as a site in var/site; a link that leads nowhere fails it
	scripts/docs.sh

.PHONY: contract
contract: setup build ## the HTTP contract at length: at least 20,000 cases made by schemathesis
	ANIMATO_FUZZ_EXAMPLES=400 ANIMATO_FUZZ_LEAST_CASES=20000 .venv/bin/python -m pytest -s Tests/EndToEnd/test_contract.py

.PHONY: bench
bench: release ## the numbers of docs/benchmarks.md
	scripts/setup.sh bench
	.venv/bin/python Benchmarks/service.py --binary .build/release/animato
	.venv/bin/python Benchmarks/many_machines.py --binary .build/release/animato

FUZZ_REQUESTS ?= 1000000

.PHONY: fuzz
fuzz: release setup ## FUZZ_REQUESTS (default 1,000,000) damaged requests against a server of its own
	ANIMATO_BINARY=.build/release/animato .venv/bin/python Tests/Fuzz/fuzz_http.py --requests $(FUZZ_REQUESTS)

CHAOS_SECONDS ?= 600

.PHONY: chaos
chaos: setup build ## CHAOS_SECONDS (default 600) of load on a deployment whose processes are killed and cut off at random
	.venv/bin/python Tests/EndToEnd/chaos.py --seconds $(CHAOS_SECONDS)

RUN ?= var/train

.PHONY: train-tiny
train-tiny: setup ## train the tiny checkpoint in RUN (default var/train), hours on two cores; again to go on
	scripts/train-tiny.sh $(abspath $(RUN))

.PHONY: eval-tiny
eval-tiny: setup ## score the committed weights; the judge is trained in RUN if it is not there
	scripts/eval-tiny.sh $(abspath $(RUN))

.PHONY: format
format: ## bring the sources into the house format
	swift format --in-place --recursive Package.swift Sources Tests
	.venv/bin/ruff format engine models scripts Tests Benchmarks docs/examples deploy
