# Every task of this repository. `make` alone prints this menu.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

SERVICE ?= ports
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
PACKAGES := $(dir $(wildcard packages/*/pyproject.toml services/*/pyproject.toml platform/*/pyproject.toml))
SOURCES := packages services platform/slo platform/stack platform/promote tests

.PHONY: help
help: ## Print this menu
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Develop
.PHONY: setup run test test-load lint fmt lock
setup: .venv/.stamp ## Make .venv with everything that is needed, from hash-pinned locks

.venv/.stamp: requirements/dev.txt $(addsuffix pyproject.toml,$(PACKAGES))
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	@# Without --no-deps pip looks at releases newer than a lock that names a package with an extra, and stops.
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES:%/=./%))
	$(BIN)/pip check --quiet
	touch $@

run: setup ## Serve SERVICE (ports) on localhost:8080
	cd services/$(SERVICE) && exec $(BIN)/gunicorn

test: setup ## Run every test that needs only Python (and PostgreSQL's programs)
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=
	$(BIN)/coverage report --include='services/*' --fail-under=95

test-load: setup ## Measure what telemetry does under load and without its Collector (minutes)
	$(BIN)/pytest -s tests/load

lint: setup ## Check style, types and the hexagon's arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

fmt: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## Resolve requirements/*.in anew into hash-pinned locks
	for group in runtime dev load build live ansible workstation; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command 'make lock' \
			requirements/$$group.in --output-file requirements/$$group.txt; \
	done

##@ Generate
.PHONY: generate check-generated
SETTINGS_TABLES := $(patsubst %/manage.py,%/CONFIGURATION.md,$(wildcard services/*/manage.py))
generate: setup ## Write anew everything that is generated
	$(BIN)/slo generate
	$(BIN)/python -m telemetry.reference docs/telemetry-reference.md
	for table in $(SETTINGS_TABLES); do $(BIN)/python $${table%/*}/manage.py settings_table > $$table; done

check-generated: setup ## Fail when what is committed differs from a fresh generation
	$(BIN)/slo validate
	$(BIN)/slo check
	diff docs/telemetry-reference.md <($(BIN)/python -m telemetry.reference /dev/stdout)
	for table in $(SETTINGS_TABLES); do diff $$table <($(BIN)/python $${table%/*}/manage.py settings_table); done

##@ SLOs
.PHONY: test-slo mutate-slo
test-slo: setup ## Prove the generated rules on real promtool, Prometheus, Alertmanager and Sloth
	@$(MAKE) --no-print-directory tools TOOLS="promtool amtool sloth"
	$(BIN)/pytest -n 2 --dist loadgroup -rP tests/platform/slo

mutate-slo: setup ## Break each rule on purpose and see that a test notices
	@$(MAKE) --no-print-directory tools TOOLS=promtool
	$(BIN)/python -m tests.platform.slo.mutate

##@ Image and chart
ENGINE ?= $(firstword $(foreach engine,docker podman,$(shell command -v $(engine))))
TARGET ?= runtime
TAG ?= $(shell git describe --always --dirty --abbrev=12)
adopted = $(shell sed -n 's/^$(1): *//p' platform/adopt.yaml)
IMAGE = $(call adopted,registry)/$(SERVICE):$(TAG)
.PHONY: build deploy fault image-test chart-test chart-golden
build: ## Build SERVICE's image with docker or podman; TARGET=dev for Tilt's, BUILD_FLAGS for more
	@test -n '$(ENGINE)' || { echo 'make build needs docker or podman (or ENGINE=...)' >&2; exit 1; }
	$(ENGINE) build --file services/$(SERVICE)/Dockerfile --target $(TARGET) --tag $(IMAGE) \
		--build-arg VERSION=$(TAG) --build-arg REVISION=$(shell git rev-parse HEAD) \
		--build-arg REPOSITORY=$(call adopted,repository) \
		--build-arg ORGANISATION=$(call adopted,organisation) \
		$(if $(findstring podman,$(ENGINE)),--timestamp=0,--build-arg SOURCE_DATE_EPOCH=0) \
		$(BUILD_FLAGS) .

deploy: ## Release SERVICE's image TAG to a local cluster by helm; other contexts by ALLOW_CONTEXT
	@SERVICE=$(SERVICE) TAG=$(TAG) platform/local/deploy.sh

fault: ## Make SERVICE on the local cluster fail: FAULT=errors|latency|db-down|off SHARE=0.2
	@SERVICE=$(SERVICE) FAULT=$(FAULT) SHARE=$(SHARE) platform/local/fault.sh

image-test: setup ## Build the image, run it read-only, drain it, and update the dev one live (podman, root)
	@$(MAKE) --no-print-directory tools TOOLS=helm
	$(BIN)/pytest -s tests/platform/image

chart-test: setup ## Check what the service chart renders and refuses, the Tiltfile, and local releases
	@$(MAKE) --no-print-directory tools TOOLS="helm kubeconform kustomize podsecurity"
	$(BIN)/pytest tests/platform/chart tests/platform/tilt tests/platform/local

chart-golden: setup ## Write anew what the chart's tests expect, to be read in the diff
	@$(MAKE) --no-print-directory tools TOOLS=helm
	$(BIN)/python -m tests.platform.chart.render

##@ Tools
.PHONY: tools
tools: ## Build the pinned Go tools that are missing (TOOLS="promtool helm" for just these)
	@$(PYTHON) tools/build.py $(TOOLS)

##@ Benchmarks
.PHONY: bench-import bench-memory
bench-import: setup ## Import RECORDS (1,000,000, then 5,000,000) generated ports into PostgreSQL
	$(BIN)/python -m tests.bench.bench_import $(RECORDS)

bench-memory: setup ## Fill the memory store with RECORDS (1,000,000) generated ports
	$(BIN)/python -m tests.bench.bench_memory $(RECORDS)

##@ Run the whole platform
STACK_TOOLS := prometheus alertmanager otelcol jaeger loki
.PHONY: stack run-jaeger e2e gameday load chaos panels
stack: setup ## Run everything as local processes, the service included; Ctrl-C stops
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	@$(BIN)/python -m stack up

run-jaeger: setup ## Run Jaeger alone, and a service that sends its traces there
	@$(MAKE) --no-print-directory tools TOOLS=jaeger
	@$(BIN)/python -m stack jaeger

e2e: setup ## Assert every signal end to end on the whole stack, one line per scenario
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e

gameday: setup ## Break the stack on purpose: alerts, runbooks, queues; REPORT=1 writes docs/gameday.md
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest tests/gameday $(if $(REPORT),--report docs/gameday.md)

SHARE ?= 1
chaos: setup ## Make the stack's service fail: FAULT=errors|latency|db-down|off SHARE=0.2
	@$(BIN)/python -m stack chaos $(or $(FAULT),--help) --share $(SHARE)

MINUTES ?= 15
panels: setup tools/panels/node_modules/.stamp ## Draw the running stack's dashboards to .stack/panels (Node, Chromium); MINUTES=15
	@$(BIN)/python -m stack panels --minutes $(MINUTES)

tools/panels/node_modules/.stamp: tools/panels/package-lock.json
	cd tools/panels && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

LOAD_URL ?= http://localhost:8080
load: .venv-load/.stamp ## Drive LOAD_URL (the local service) for LOAD_SECONDS=60; WEB=1 for a page
	LOAD_WEB=$(WEB) .venv-load/bin/locust -f tests/load/locustfile.py --host $(LOAD_URL) \
		$(if $(WEB),,--headless --only-summary)

.venv-load/.stamp: requirements/load.txt
	$(PYTHON) -m venv --clear .venv-load
	.venv-load/bin/pip install --quiet --no-deps --require-hashes -r requirements/load.txt
	touch $@

##@ GitOps
CLUSTER_TOOLS := kubernetes kwok argocd helm kustomize prometheus
.PHONY: promote e2e-cluster cluster workstation test-workstation lint-ansible
promote: setup ## Move SERVICE's image FROM=staging TO=prod in a branch, if error budget is left
	@$(BIN)/promote --service $(SERVICE) --from $(FROM) --to $(TO) $(if $(PROMETHEUS),--prometheus $(PROMETHEUS)) \
		$(if $(OVERRIDE),--override '$(subst ','\'',$(OVERRIDE))') $(if $(PUSH),--push)

e2e-cluster: setup .venv-ansible/.stamp ## Prove GitOps on a real Kubernetes API and Argo CD, a line per scenario
	@$(MAKE) --no-print-directory tools TOOLS="$(CLUSTER_TOOLS)"
	$(BIN)/pytest -s tests/cluster

PLAYBOOK := .venv-ansible/bin/ansible-playbook
cluster: .venv-ansible/.stamp ## Install Argo CD and the root application (ARGS="-e cluster_context=NAME", --check)
	@$(MAKE) --no-print-directory tools TOOLS="helm kind"
	cd platform/ansible && $(CURDIR)/$(PLAYBOOK) cluster.yml $(ARGS)

workstation: .venv-ansible/.stamp ## Install what development needs on this Debian machine (ARGS=--check)
	cd platform/ansible && $(CURDIR)/$(PLAYBOOK) workstation.yml $(ARGS)

test-workstation: setup .venv-ansible/.stamp ## Run workstation.yml for real in a clean Debian root (as root)
	$(BIN)/pytest -s tests/workstation --timeout 900

lint-ansible: .venv-ansible/.stamp ## Check the playbooks by ansible-lint's strictest profile
	cd platform/ansible && $(CURDIR)/.venv-ansible/bin/ansible-lint --offline --strict

.venv-ansible/.stamp: requirements/ansible.txt
	$(PYTHON) -m venv --clear .venv-ansible
	.venv-ansible/bin/pip install --quiet --no-compile --no-deps --require-hashes -r requirements/ansible.txt
	touch $@
