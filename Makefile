# Every task of this repository. `make` alone prints this menu.
SHELL := /bin/bash
# GNU Make 3.81, which macOS has, ignores this line: no recipe relies on it.
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# Two parallel setups would make one environment twice.
.NOTPARALLEL:

SERVICE ?= ports
PYTHON ?= python3
# Relative, so that a blank in the path of the checkout does no harm.
BIN := .venv/bin
# The packages that a service needs to run, and those of development.
SERVED := $(wildcard packages/*/pyproject.toml services/*/pyproject.toml)
PACKAGES := $(SERVED) $(wildcard platform/*/pyproject.toml)
# The parts of a new service are found by their place: the root of its code, and its contracts of imports.
comma := ,
space := $() $()
SERVICES := $(patsubst services/%/pyproject.toml,%,$(sort $(wildcard services/*/pyproject.toml)))
export MYPYPATH := $(subst $(space),:,platform/backstage $(SERVICES:%=services/%))
CONTRACTS := $(shell grep -l '^.tool.importlinter.$$' services/*/pyproject.toml)
# Stop with one line if PROGRAM is missing: $(call needs,PROGRAM,HOW TO GET IT)
needs = @command -v $(1) >/dev/null || { echo '$(1) is missing: $(2)' >&2; exit 1; }
NODE := install Node.js 20 or later
BROWSER := tests/browser
PODMAN := install podman, buildah, runc and mmdebstrap (Debian: make packages)
SOURCES := packages services platform/slo platform/sizing platform/stack platform/promote platform/demo \
	platform/backstage/codeowners.py platform/backstage/taken_names.py tools tests

.PHONY: help
help: ## Print this menu
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Develop
.PHONY: packages setup run try-run test test-stress test-newcomer coverage test-stock test-ipv6 test-browser test-wheels test-database test-fuzz test-load lint lint-workflows fmt lock
packages: ## Install the Debian packages that tests need (as root, or by sudo)
	.ci/packages

export PYTHON
setup: .venv/.dev ## Make .venv with everything for development, from hash-pinned locks
	@echo 'Ready. Next: make run (serves on http://localhost:8080), make test, or make for the menu.'

# A new service is installed beside what is there.
.venv/.run: requirements/uv.txt requirements/runtime.txt requirements/build.txt $(SERVED)
	@tools/install add .venv requirements/runtime.txt requirements/build.txt $(SERVED:/pyproject.toml=)
	@touch $@

.venv/.dev: requirements/uv.txt requirements/dev.txt $(PACKAGES)
	@tools/install sync .venv requirements/dev.txt $(PACKAGES:/pyproject.toml=)
	@touch .venv/.run $@

STORE ?= memory
# The prefix of the service's own settings.
PREFIX = $(shell echo '$(SERVICE)_' | tr a-z- A-Z_)
run: $(if $(filter postgresql,$(STORE)),.venv/.dev,.venv/.run) ## Serve SERVICE (ports) on localhost:8080; STORE=postgresql starts and uses a database
ifeq ($(STORE),postgresql)
	@test -d services/$(SERVICE)/*/adapters/store/postgres || { echo 'STORE=postgresql: $(SERVICE) has no database' >&2; exit 1; }
	@$(BIN)/python -m stack postgresql --service $(SERVICE)
else
	@test '$(STORE)' = memory || { echo 'STORE=$(STORE): must be memory or postgresql' >&2; exit 1; }
	cd services/$(SERVICE) && export $(PREFIX)REPOSITORY_URL='$(call adopted,repository)' && \
		exec ../../$(BIN)/python -m service.gunicorn
endif

try-run: ## Check that `make run` starts, answers and stops
	@tools/try-run $(MAKE) --no-print-directory run

# The tests start the service about a hundred times. Cached bytecode avoids a compilation at each start.
unexport PYTHONDONTWRITEBYTECODE
# One more worker process than cores, because many tests wait. pytest starts files in the order of
# `testpaths`, slow ones first, so that the workers finish together.
PYTEST_ALL = $(BIN)/pytest -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist loadfile --no-loadscope-reorder
test: .venv/.dev ## Run the tests that need only Python, git and make (THOROUGH=1: eight times as many generated examples)
	$(PYTEST_ALL) $(if $(DURATIONS),--durations $(DURATIONS))

test-stress: .venv/.dev ## Run the tests that load, attack or starve the service: generated requests, full queues, lost databases
	$(PYTEST_ALL) tests/stress

OF_PROCESSES := $(foreach kind,stress integration,tests/$(kind)/service tests/$(kind)/telemetry)
PYTEST_STOCK = TELEMETRY_FAST=false $(PYTEST_ALL) $(OF_PROCESSES)

# Percent of lines and branches. The rest of platform/stack starts programs that these tests do not have:
# `make e2e`, `make stack-image-test`, `make e2e-cluster` and `make e2e-node` run the rest.
COVERED := $(SERVED:/pyproject.toml=:95) platform/slo:95 platform/sizing:95 platform/promote:95 platform/demo:95 platform/stack:73
coverage: .venv/.dev ## Run `make test`, `test-stress` and `test-stock` under coverage; fail below the threshold of a package
	$(PYTEST_ALL) $(addprefix tests/,stress integration contract unit architecture) --cov --cov-report=
	$(PYTEST_STOCK) --cov --cov-append --cov-report=
	@failed=; for each in $(COVERED); do \
		echo "$${each%:*}: at least $${each#*:} %"; \
		$(BIN)/coverage report --include="$${each%:*}/*" --fail-under="$${each#*:}" || failed=1; \
	done; test -z "$$failed"

test-newcomer: .venv/.dev ## Type the README's two commands in a clean Debian root (as root, with mmdebstrap)
	$(call needs,mmdebstrap,$(PODMAN))
	$(BIN)/pytest -s tests/newcomer --timeout 1800

test-stock: .venv/.dev ## Run the tests of the server's processes without the accelerator
	$(PYTEST_STOCK)

test-ipv6: .venv/.dev ## Serve, and run the backends, in a network namespace that has IPv6 alone (Linux, root)
	@$(MAKE) --no-print-directory tools TOOLS="otelcol jaeger loki"
	unshare --net sh -c 'ip link set lo up && ip address add fd00::1/128 dev lo && exec $(BIN)/pytest tests/network'

test-browser: .venv/.dev $(BROWSER)/node_modules/.stamp ## Look at the services' pages in Chromium without internet (Node)
	$(BIN)/pytest $(BROWSER)

test-wheels: .venv/.dev ## Install each distribution's wheel alone, from the package index, and import it
	$(BIN)/pytest tests/wheels --timeout 600

test-database: .venv/.dev ## Break PostgreSQL and the shared cache under the service; run it behind PgBouncer; count stale reads
	$(call needs,/usr/sbin/pgbouncer,make packages)
	$(call needs,redis-server,make packages)
	PORTS_TEST_STORES='shared postgresql' $(BIN)/pytest tests/contract --timeout 300
	$(BIN)/pytest -s tests/database --timeout 300

test-fuzz: .venv/.dev ## Send 50,000 hostile requests to each of the two workers; print what came of them (REQUESTS=)
	FUZZ_REQUESTS=$(or $(REQUESTS),50000) $(BIN)/pytest -s tests/stress/seaports/test_fuzz.py

test-load: .venv/.dev ## Measure telemetry under load and without a Collector (minutes)
	$(BIN)/pytest -s tests/load

lint: .venv/.dev ## Check style, types, the import layers and the language of texts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	for config in $(CONTRACTS); do $(BIN)/lint-imports --config $$config || exit; done
	$(BIN)/python tools/prose.py

lint-workflows: .venv/.dev ## Check the GitHub workflows with actionlint and zizmor
	@$(MAKE) --no-print-directory tools TOOLS=actionlint
	tools/bin/actionlint -shellcheck= -pyflakes=
	$(BIN)/zizmor --offline --pedantic --quiet --config .github/zizmor.yml .github

fmt: .venv/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Each lock names its command, which Renovate repeats: its options are those that Renovate knows.
lock: .venv/.dev ## Update the lock files, with hashes, from requirements/*.in
	for group in requirements/runtime.in $(filter-out requirements/runtime.in,$(wildcard requirements/*.in)); do \
		$(BIN)/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes \
			$$group --output-file=$${group%.in}.txt || exit; \
	done

##@ Generate
.PHONY: generate check-generated
SETTINGS_TABLES := $(patsubst %/catalog-info.yaml,%/CONFIGURATION.md,$(wildcard services/*/catalog-info.yaml))
OPENAPI := $(patsubst %/catalog-info.yaml,%/openapi.json,$(wildcard services/*/catalog-info.yaml))
FLOWS := runtime delivery slo
# The OpenAPI document of a service, as it serves it without any setting.
openapi = $(BIN)/python $(1)manage.py export_openapi_schema --indent 2 --api $(notdir $(patsubst %/urls.py,%,$(wildcard $(1)*/urls.py))).urls.api
# The services that a new one can call.
of_services = printf '%s\n' '\# Generated by `make generate`: do not edit.' $(SERVICES:%='- %')
generate: .venv/.dev ## Write all generated files
	@# First the routes: SLOs are checked against them.
	$(foreach file,$(OPENAPI),$(call openapi,$(dir $(file))) > $(file) &&) true
	$(BIN)/slo generate
	$(BIN)/python tools/reference.py docs/telemetry-reference.md
	for table in $(SETTINGS_TABLES); do $(BIN)/python $${table%/*}/manage.py settings_table > $$table || exit; done
	$(BIN)/python platform/backstage/codeowners.py > .github/CODEOWNERS
	$(BIN)/python platform/backstage/taken_names.py > platform/backstage/template/taken.yaml
	$(of_services) > platform/backstage/template/services.yaml
	$(BIN)/python -m tools.architecture > docs/architecture.svg
	for flow in $(FLOWS); do $(BIN)/python tools/flows.py $$flow > docs/images/$$flow.svg || exit; done

check-generated: .venv/.dev ## Fail if a generated file is out of date
	$(BIN)/slo validate
	$(BIN)/slo check
	diff docs/telemetry-reference.md <($(BIN)/python tools/reference.py /dev/stdout)
	for table in $(SETTINGS_TABLES); do diff $$table <($(BIN)/python $${table%/*}/manage.py settings_table) || exit; done
	$(foreach file,$(OPENAPI),diff $(file) <($(call openapi,$(dir $(file)))) &&) true
	diff .github/CODEOWNERS <($(BIN)/python platform/backstage/codeowners.py)
	diff platform/backstage/template/taken.yaml <($(BIN)/python platform/backstage/taken_names.py)
	diff platform/backstage/template/services.yaml <($(of_services))
	diff docs/architecture.svg <($(BIN)/python -m tools.architecture)
	for flow in $(FLOWS); do diff docs/images/$$flow.svg <($(BIN)/python tools/flows.py $$flow) || exit; done

##@ SLOs
.PHONY: test-slo test-probes mutate-slo
test-slo: .venv/.dev ## Test the generated rules with the real promtool, Prometheus, Alertmanager and Sloth
	@$(MAKE) --no-print-directory tools TOOLS="promtool amtool sloth helm"
	@# promtool takes a minute of CPU for the rules of a service.
	$(BIN)/pytest -n 2 --dist loadfile -rP --timeout 600 tests/platform/slo --ignore tests/platform/slo/test_probes.py

test-probes: .venv/.dev ## Test an SLO of probes from outside, and the traffic of the demo, with the real Cloudprober (whose first build takes up to 25 minutes)
	@$(MAKE) --no-print-directory tools TOOLS="cloudprober prometheus promtool"
	$(BIN)/pytest -rP --timeout 600 tests/platform/slo/test_probes.py tests/platform/demo

mutate-slo: .venv/.dev ## Break each rule on purpose and check that a test fails
	@$(MAKE) --no-print-directory tools TOOLS=promtool
	$(BIN)/python -m tests.platform.slo.mutate

##@ Size
.PHONY: size test-size
size: .venv/.dev ## Compute the memory and disk that the platform needs for a number of services: ARGS="--services 20 --requests 50", ARGS=--help
	@$(BIN)/sizing $(ARGS)

test-size: .venv/.dev ## Compare the computed memory and disk with a real Prometheus of 20,000 and 60,000 series (7 minutes)
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest -s tests/size --timeout 900

##@ Documentation
.PHONY: docs publish-docs
docs: .venv-docs/.stamp ## Build the documentation strictly, as TechDocs does, into site/
	.venv-docs/bin/mkdocs build --strict --quiet --clean
	@! grep -rl --include=index.html '```' site || { echo 'a block of these pages is shown as text' >&2; exit 1; }
	@! grep -rl 'fonts\.googleapis' site || { echo 'these pages stay blank where Google is not reached' >&2; exit 1; }

# TechDocs' tool rewrites mkdocs.yml and refuses links that leave the folder, as each virtual environment has. So the
# tool reads a copy of the commit.
TECHDOCS := node tools/techdocs/node_modules/.bin/techdocs-cli
COMMITTED := .cache/docs/source
PUBLISHED_SITE := .cache/docs/site
publish-docs: ## Publish the commit's documentation in the S3 bucket TECHDOCS_BUCKET, from which Backstage serves it (Node)
	@test -n '$(TECHDOCS_BUCKET)' || { echo 'TECHDOCS_BUCKET is empty: must be the name of a bucket' >&2; exit 1; }
	@$(MAKE) --no-print-directory docs tools/techdocs/node_modules/.stamp
	rm -rf $(COMMITTED) $(PUBLISHED_SITE) && mkdir -p $(COMMITTED)
	git archive HEAD | tar -xf - -C $(COMMITTED)
	PATH="$$PWD/.venv-docs/bin:$$PATH" $(TECHDOCS) generate --no-docker --etag "$$(git rev-parse HEAD)" \
		--source-dir $(COMMITTED) --output-dir $(PUBLISHED_SITE)
	$(TECHDOCS) publish --publisher-type awsS3 --storage-name '$(TECHDOCS_BUCKET)' \
		$(if $(TECHDOCS_ENDPOINT),--awsEndpoint '$(TECHDOCS_ENDPOINT)') \
		$(if $(filter true,$(TECHDOCS_PATH_STYLE)),--awsS3ForcePathStyle) \
		--entity default/system/ports-platform --directory $(PUBLISHED_SITE)

.venv-docs/.stamp: requirements/uv.txt requirements/docs.txt
	@tools/install sync .venv-docs requirements/docs.txt
	@touch $@

##@ Catalog
.PHONY: test-catalog new-service remove-service e2e-portal golden-path
BACKSTAGE := tests/platform/backstage
PORTAL := tests/portal
test-catalog: .venv/.dev $(BACKSTAGE)/node_modules/.stamp ## Load the catalog with Backstage's own code and check its links (Node, Go)
	@$(MAKE) --no-print-directory tools TOOLS="helm promtool"
	node --test $(BACKSTAGE)/*.test.mjs
	$(BIN)/pytest $(BACKSTAGE)

$(patsubst %,%/node_modules/.stamp,$(BACKSTAGE) $(PORTAL) $(BROWSER)): %/node_modules/.stamp: %/package-lock.json
	$(call needs,npm,$(NODE))
	npm ci --prefix $* --loglevel=error
	touch $@

NAME ?=
DESCRIPTION ?=
OWNER ?= group:default/platform
OBJECTIVE ?= 99.9
CALLS ?=
new-service: $(BACKSTAGE)/node_modules/.stamp ## Create a service from the template (Node): NAME=port-calls DESCRIPTION="Calls of ships" OWNER=group:default/maritime OBJECTIVE=99.9 STORE=postgresql CALLS=ports
	@node $(BACKSTAGE)/scaffold.mjs . . name='$(NAME)' description='$(subst ','\'',$(DESCRIPTION))' owner='$(OWNER)' \
		objective='$(OBJECTIVE)' store='$(STORE)' calls='$(CALLS)'

remove-service: .venv/.dev ## Remove the files of a service that new-service made, then run make generate: NAME=port-calls
	@test -n '$(filter-out ports,$(filter $(NAME),$(SERVICES)))' || \
		{ echo 'NAME=$(NAME): must be a service that make new-service made' >&2; exit 1; }
	rm -rf services/$(NAME) platform/generated/$(NAME) docs/slos/$(NAME).md \
		platform/argocd/environments/*/$(NAME).yaml \
		tests/unit/$(subst -,_,$(NAME)) tests/integration/$(subst -,_,$(NAME))
	$(BIN)/uv pip uninstall --quiet $(NAME)

e2e-portal: .venv/.dev .venv-docs/.stamp .venv-s3/.stamp tools/techdocs/node_modules/.stamp $(BACKSTAGE)/node_modules/.stamp $(PORTAL)/node_modules/.stamp ## Load the repository into a real Backstage backend, run the template there, publish the documentation (Node, Go)
	@$(MAKE) --no-print-directory tools TOOLS="helm prometheus promtool"
	$(BIN)/pytest $(PORTAL)

.venv-s3/.stamp: requirements/uv.txt requirements/s3.txt
	@tools/install sync .venv-s3 requirements/s3.txt
	@touch $@

golden-path: .venv/.dev $(BACKSTAGE)/node_modules/.stamp $(BROWSER)/node_modules/.stamp ## Create a service from the template in a copy of the repository, and test it
	@$(MAKE) --no-print-directory tools TOOLS="helm kustomize promtool"
	$(BIN)/pytest -s tests/golden_path

##@ Image and chart
ENGINE ?= $(firstword $(foreach engine,docker podman,$(shell command -v $(engine))))
TARGET ?= runtime
TAG ?= $(shell git describe --always --dirty --abbrev=12)
adopted = $(shell sed -n 's/^$(1): *//p' platform/adopt.yaml)
# An image for one architecture has a tag of its own.
ARCH ?=
IMAGE = $(call adopted,registry)/$(SERVICE):$(TAG)$(ARCH:%=-%)
.PHONY: build deploy fault image-test chart-test chart-golden charts charts-facts
build: ## Build SERVICE's image with docker or podman; TARGET=dev for Tilt's, BUILD_FLAGS for more
	@test -n '$(ENGINE)' || { echo 'make build needs docker or podman (or ENGINE=...)' >&2; exit 1; }
	$(ENGINE) build --file services/$(SERVICE)/Dockerfile --target $(TARGET) --tag $(IMAGE) \
		--build-arg VERSION=$(TAG) --build-arg REVISION=$(shell git rev-parse HEAD) \
		--build-arg REPOSITORY=$(call adopted,repository) \
		--build-arg ORGANISATION=$(call adopted,organisation) \
		$(if $(findstring podman,$(ENGINE)),--timestamp=0,--build-arg SOURCE_DATE_EPOCH=0) \
		$(BUILD_FLAGS) .

deploy: ## Load SERVICE's image TAG into a local cluster and install the chart; ALLOW_CONTEXT names another context
	@SERVICE=$(SERVICE) TAG=$(TAG) IMAGE=$(IMAGE) ENGINE='$(ENGINE)' platform/local/deploy.sh

fault: ## Make SERVICE on the local cluster fail: FAULT=errors|latency|db-down|off SHARE=0.2
	@SERVICE=$(SERVICE) FAULT=$(FAULT) SHARE=$(SHARE) platform/local/fault.sh

image-test: .venv/.dev ## Test the image: read-only file system, shutdown, live update (podman, root)
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS=helm
	$(BIN)/pytest -s tests/platform/image

chart-test: .venv/.dev ## Test the service's chart, the Tiltfile, images of two architectures and local releases
	@$(MAKE) --no-print-directory tools TOOLS="helm kubeconform kustomize podsecurity crane"
	$(BIN)/pytest tests/platform/chart tests/platform/release tests/platform/tilt tests/platform/local

chart-golden: .venv/.dev ## Update the expected output of the chart's tests; review the diff
	@$(MAKE) --no-print-directory tools TOOLS=helm
	$(BIN)/python -m tests.platform.chart.render

CHARTS_TOOLS := helm kubeconform podsecurity
charts: .venv/.dev ## Test the umbrella charts with the real upstream charts (CHART_STORE=DIR: packed charts and an index)
	@$(MAKE) --no-print-directory tools TOOLS="$(CHARTS_TOOLS)"
	$(BIN)/python -m tests.platform.charts.vendor
	$(BIN)/pytest -n 2 --dist loadfile -rP tests/platform/charts

charts-facts: .venv/.dev ## Update the recorded facts about the upstream charts; review the diff
	@$(MAKE) --no-print-directory tools TOOLS=helm
	$(BIN)/python -m tests.platform.charts.vendor
	$(BIN)/python -m tests.platform.charts.facts

##@ Release
# What is published of a service, told to the steps that follow: the image by digest, its contents. Each
# architecture has a folder below.
ARCHITECTURES := amd64 arm64
DIST = dist/$(SERVICE)$(ARCH:%=/%)
PUBLISHED = $$(cat $(DIST)/image)
OF_EACH_ARCHITECTURE = $(foreach arch,$(ARCHITECTURES),--manifest "$$(cat $(DIST)/$(arch)/image)")
ENVIRONMENT ?= dev
CHARTS = oci://$(call adopted,registry)/charts
.PHONY: services login publish publish-index publish-chart sbom scan sign propose drift
services: ## Print the services as JSON, for the jobs of a workflow
	@echo 'services=[$(subst $(space),$(comma),$(SERVICES:%="%"))]' | tee -a "$${GITHUB_OUTPUT:-/dev/null}"

login: ## Log in to the registry of platform/adopt.yaml as REGISTRY_USER with REGISTRY_TOKEN
	@$(MAKE) --no-print-directory tools TOOLS=helm
	@for program in '$(ENGINE) login' 'tools/bin/helm registry login'; do \
		printf %s "$$REGISTRY_TOKEN" | $$program --username "$$REGISTRY_USER" --password-stdin \
			$(firstword $(subst /, ,$(call adopted,registry))) || exit; \
	done

publish: build ## Push SERVICE's image for ARCH, this machine's, and keep its name by digest in dist/SERVICE/ARCH/image
	mkdir -p $(DIST)
	$(ENGINE) push $(IMAGE)
	$(ENGINE) image inspect --format '{{index .RepoDigests 0}}' $(IMAGE) > $(DIST)/image

publish-index: ## Push one image for all architectures out of SERVICE's published ones, and keep its name in dist/SERVICE/image
	@$(MAKE) --no-print-directory tools TOOLS=crane
	tools/bin/crane index append $(OF_EACH_ARCHITECTURE) --tag $(IMAGE) > $(DIST)/image
	awk -F@ '{print "name=" $$1; print "digest=" $$2}' $(DIST)/image >> "$${GITHUB_OUTPUT:-/dev/null}"

publish-chart: ## Push the service chart as TAG
	@$(MAKE) --no-print-directory tools TOOLS=helm
	tools/bin/helm package platform/chart --version $(TAG:v%=%) --destination dist
	tools/bin/helm push dist/service-$(TAG:v%=%).tgz $(CHARTS)

SBOM_OF ?= registry:$(PUBLISHED)
sbom: ## Write the bill of materials of SERVICE's image (CycloneDX; SBOM_OF=dir:PATH for a folder)
	@$(MAKE) --no-print-directory tools TOOLS=syft
	mkdir -p $(DIST)
	tools/bin/syft scan "$(SBOM_OF)" --quiet --output cyclonedx-json=$(DIST)/sbom.cdx.json

scan: ## Scan the bill of materials; fail at a high or critical vulnerability that has a fix
	@$(MAKE) --no-print-directory tools TOOLS=grype
	tools/bin/grype sbom:$(DIST)/sbom.cdx.json --only-fixed --fail-on high

sign: ## Sign the published images and their bills of materials with the workflow's identity
	@$(MAKE) --no-print-directory tools TOOLS=cosign
	tools/bin/cosign sign --yes --recursive "$(PUBLISHED)"
	for arch in $(ARCHITECTURES); do \
		tools/bin/cosign attest --yes --type cyclonedx --predicate $(DIST)/$$arch/sbom.cdx.json \
			"$$(cat $(DIST)/$$arch/image)" || exit; \
	done

propose: ## Open a pull request that deploys the published image to ENVIRONMENT (dev)
	@tools/propose $(SERVICE) $(ENVIRONMENT) "$(PUBLISHED)"

drift: check-generated ## Fail if a generated file or a lock file is out of date
	$(MAKE) --no-print-directory lock
	git diff --exit-code -- requirements

##@ Tools
.PHONY: tools
tools: ## Build the pinned Go tools that are missing (TOOLS="promtool helm": only these)
	@$(PYTHON) tools/build.py $(TOOLS)

##@ Benchmarks
.PHONY: bench bench-bill bench-cache bench-feed bench-process bench-import bench-memory
BENCH_ARGUMENTS := $(if $(QUICK),--quick,$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)))
bench: .venv/.dev .venv-bench/.stamp .cache/bench/go_otel ## Compare the service with other frameworks (wrk; 9 minutes; QUICK=1; ROUNDS=9 SECONDS=2)
	$(BIN)/python -m tests.bench.bench_http $(if $(HELP),--help,$(BENCH_ARGUMENTS))

bench-bill: .venv/.dev ## Count what each part of a request costs (valgrind; 3 minutes; QUICK=1)
	$(BIN)/python -m tests.bench.bench_bill $(if $(HELP),--help,$(if $(QUICK),--quick))

bench-process: .venv/.dev .venv-bench/.stamp ## Memory of a worker over 100,000 requests, p99 at half rate, four workers (wrk; QUICK=1)
	@$(MAKE) --no-print-directory tools TOOLS=vegeta
	$(BIN)/python -m tests.bench.bench_process $(if $(HELP),--help,$(if $(QUICK),--quick))

bench-cache: .venv/.dev ## Reads of PostgreSQL without a cache, with one in memory, and with a shared one (wrk, redis-server; 3 minutes)
	$(call needs,wrk,install wrk)
	$(call needs,redis-server,make packages)
	$(BIN)/python -m tests.bench.bench_cache $(if $(HELP),--help,$(if $(QUICK),--rounds 1 --seconds 1))

bench-feed: .venv/.dev ## Import RECORDS (1,000,000) beside bare ijson and psql's COPY
	$(BIN)/python -m tests.bench.bench_feed $(if $(HELP),--help,$(RECORDS))

.venv-bench/.stamp: requirements/uv.txt requirements/bench.txt
	@tools/install sync .venv-bench requirements/bench.txt
	@touch $@

.cache/bench/go_otel: $(wildcard tests/bench/peers/*.go tests/bench/peers/go.*)
	mkdir -p $(@D)
	$(call needs,go,install Go 1.26 or later)
	cd tests/bench/peers && go build -o ../../../$@ .

bench-import: .venv/.dev ## Import RECORDS (1,000,000, then 5,000,000) generated ports into PostgreSQL
	$(BIN)/python -m tests.bench.bench_import $(RECORDS)

bench-memory: .venv/.dev ## Fill the memory store with RECORDS (1,000,000) generated ports
	$(BIN)/python -m tests.bench.bench_memory $(RECORDS)

##@ Run the whole platform
STACK_TOOLS := prometheus alertmanager otelcol jaeger loki
.PHONY: stack run-jaeger e2e e2e-gateway stack-image-test gameday load chaos panels pictures
stack: .venv/.dev ## Run everything: backends from images, the PATH or a build by Go; Ctrl-C stops
	@$(BIN)/python -m stack up

run-jaeger: .venv/.dev ## Run Jaeger alone, and a service that sends its traces there
	@$(BIN)/python -m stack jaeger

e2e: .venv/.dev $(BACKSTAGE)/node_modules/.stamp ## Test every signal end to end on the whole stack
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e

e2e-gateway: .venv/.dev ## End one of three gateways under load, and let a queue add gateways (80 seconds)
	@$(MAKE) --no-print-directory tools TOOLS="otelcol kubernetes kwok prometheus prometheus-adapter"
	$(BIN)/pytest tests/gateway

stack-image-test: .venv/.dev ## Run the stack by podman, from images of the built tools under the official names
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest tests/platform/stack

gameday: .venv/.dev ## Break the stack on purpose and check alerts, runbooks and queues; REPORT=1 writes docs/gameday.md
	@$(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS)"
	$(BIN)/pytest tests/gameday $(if $(REPORT),--report docs/gameday.md)

SHARE ?= 1
chaos: .venv/.dev ## Make the stack's service fail: FAULT=errors|latency|db-down|off SHARE=0.2
	@$(BIN)/python -m stack chaos $(or $(FAULT),--help) --share $(SHARE)

MINUTES ?= 15
panels: .venv/.dev tools/panels/node_modules/.stamp ## Save the running stack's dashboards as pictures in .stack/panels (Node, Chromium); MINUTES=15
	@$(BIN)/python -m stack panels --minutes $(MINUTES)

# These parts draw a program that runs elsewhere.
SITES := portal jaeger argocd tilt
URL ?=
pictures: .venv/.dev tools/panels/node_modules/.stamp $(BROWSER)/node_modules/.stamp ## Draw docs/images (Go, Node, Chromium); PART=live or dashboards; PART=portal, jaeger, argocd or tilt with URL=http://127.0.0.1:7007
	@test -z '$(filter $(SITES),$(PART))' -o -n '$(URL)' || \
		{ echo 'URL is empty: must be the address of the $(PART) on this machine' >&2; exit 1; }
	@test -n '$(filter $(SITES),$(PART))' || $(MAKE) --no-print-directory tools TOOLS="$(STACK_TOOLS) promtool"
	URL='$(URL)' $(BIN)/python -m tests.pictures $(PART)

tools/panels/node_modules/.stamp tools/techdocs/node_modules/.stamp: %/node_modules/.stamp: %/package-lock.json
	$(call needs,npm,$(NODE))
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

LOAD_URL ?= http://localhost:8080
load: .venv-load/.stamp ## Send requests to LOAD_URL (the local service) for LOAD_SECONDS=60; WEB=1 opens Locust's page
	LOAD_WEB=$(WEB) .venv-load/bin/locust -f tests/load/locustfile.py --host $(LOAD_URL) \
		$(if $(WEB),,--headless --only-summary)

.venv-load/.stamp: requirements/uv.txt requirements/load.txt
	@tools/install sync .venv-load requirements/load.txt
	@touch $@

##@ Demo
# Instead of kind's cluster: a context of a cluster without Argo CD. Instead of hosts in the cluster: a registry and
# a git repository that this machine and the cluster reach.
DEMO_CONTEXT ?=
DEMO_REGISTRY ?=
DEMO_GIT ?=
DEMO = $(BIN)/demo --service $(SERVICE) --engine '$(ENGINE)' --context '$(DEMO_CONTEXT)' \
	--registry '$(DEMO_REGISTRY)' --git '$(DEMO_GIT)' --prometheus '$(PROMETHEUS)' \
	--cluster-arguments '$(subst ','\'',$(ARGS))'
.PHONY: demo demo-change demo-down demo-tools e2e-demo
demo: demo-tools ## Deploy the platform from this clone to a new cluster of kind (DEMO_CONTEXT=NAME: to a cluster without Argo CD)
	@$(DEMO) up

demo-change: demo-tools ## Deliver your new commits, or else a new patch version, to the demo's dev, staging and prod
	@$(DEMO) change

demo-down: demo-tools ## Remove the demo and everything that the demo made
	@$(DEMO) down

e2e-demo: .venv/.dev .venv-ansible/.stamp ## Test the demo's commands with a real Kubernetes API, Argo CD, registry and git server (podman, root)
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS="$(CLUSTER_TOOLS) argo-rollouts crane registry"
	$(BIN)/pytest -s tests/demo

demo-tools: .venv/.dev .venv-ansible/.stamp
	@$(MAKE) --no-print-directory tools TOOLS="helm crane $(if $(DEMO_CONTEXT),,kind)"

##@ GitOps
CLUSTER_TOOLS := kubernetes kwok argocd helm kustomize prometheus $(if $(CHART_STORE),prometheus-operator)
.PHONY: promote verdict e2e-rollouts e2e-admission e2e-tenants e2e-backends e2e-thanos e2e-cluster e2e-node e2e-node-ipv6 e2e-tilt cluster workstation test-workstation lint-ansible
promote: .venv/.dev ## Create a branch that moves SERVICE's image FROM=staging TO=prod, if error budget is left
	@$(BIN)/promote --service $(SERVICE) --from $(FROM) --to $(TO) $(if $(PROMETHEUS),--prometheus $(PROMETHEUS)) \
		$(if $(OVERRIDE),--override '$(subst ','\'',$(OVERRIDE))') $(if $(PUSH),--push)

verdict: .venv/.dev ## Wait until Argo Rollouts has promoted SERVICE's image TO=prod, rolled it back or held it (kubectl)
	@$(BIN)/verdict --service $(SERVICE) --environment $(TO)

e2e-rollouts: .venv/.dev ## Test releases step by step with the real Argo Rollouts and Prometheus (5 minutes)
	@$(MAKE) --no-print-directory tools TOOLS="kubernetes kwok helm prometheus argo-rollouts"
	$(BIN)/pytest -s tests/rollouts

e2e-admission: .venv/.dev ## Test with the real Kyverno that only signed images run in prod (2 minutes; building Kyverno takes longer)
	@$(MAKE) --no-print-directory tools TOOLS="kubernetes kwok helm crane cosign kyverno"
	$(BIN)/pytest -s tests/admission

e2e-tenants: .venv/.dev ## Test with the real operator and Prometheus that no tenant reads another's series (1 minute)
	@$(MAKE) --no-print-directory tools TOOLS="kubernetes kwok prometheus prometheus-operator"
	$(BIN)/pytest -s tests/tenants

e2e-backends: .venv/.dev ## Test the backends of the profile scaled: processes die, an object store keeps the data (1 minute)
	@$(MAKE) --no-print-directory tools TOOLS="loki jaeger versitygw"
	$(BIN)/pytest -s tests/backends

e2e-thanos: .venv/.dev ## Test SLOs over Thanos with pairs of Prometheus, rulers, an S3 server; kill replicas (6 minutes)
	@$(MAKE) --no-print-directory tools TOOLS="thanos versitygw prometheus promtool alertmanager"
	$(BIN)/pytest -n 2 --dist loadfile -rP --timeout 600 tests/thanos

e2e-cluster: .venv/.dev .venv-ansible/.stamp ## Test GitOps with a real Kubernetes API and the real Argo CD (CHART_STORE=DIR: with the upstream charts)
	@$(MAKE) --no-print-directory tools TOOLS="$(CLUSTER_TOOLS)"
	$(BIN)/pytest -s tests/cluster

NODE_TOOLS := kubernetes coredns metrics-server helm $(STACK_TOOLS) \
	$(if $(CHART_STORE),prometheus-operator kube-state-metrics node-exporter argocd)
e2e-node: .venv/.dev ## Test the service on a real Kubernetes node (Linux, root; CHART_STORE=DIR: and the platform's charts)
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS="$(NODE_TOOLS)"
	$(BIN)/python -m tests.node.run -s tests/node --ignore tests/node/test_tilt.py --ignore tests/node/test_ipv6.py

e2e-node-ipv6: .venv/.dev ## Run the service in pods of a node that has IPv6 alone (Linux, root; 3 minutes)
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS="kubernetes coredns helm otelcol"
	env -u CHART_STORE NODE_IPV6=1 $(BIN)/python -m tests.node.run -s tests/node/test_ipv6.py

e2e-tilt: .venv/.dev ## Test live update with the real Tilt on that node (Linux, root; tilt, podman, containerd)
	$(call needs,tilt,install Tilt (https://docs.tilt.dev/install.html))
	$(call needs,podman,$(PODMAN))
	@$(MAKE) --no-print-directory tools TOOLS="$(NODE_TOOLS) kustomize"
	$(BIN)/python -m tests.node.run -s tests/node/test_tilt.py

PLAYBOOK := ../../.venv-ansible/bin/ansible-playbook
cluster: .venv-ansible/.stamp ## Install Argo CD and the root application (ARGS="-e cluster_context=NAME", --check)
	@# kind makes a cluster where none is named.
	@$(MAKE) --no-print-directory tools TOOLS="helm $(if $(findstring cluster_context,$(ARGS)),,kind)"
	cd platform/ansible && "$(PLAYBOOK)" cluster.yml $(ARGS)

workstation: .venv-ansible/.stamp ## Install the tools of development on this Debian machine (TOOLS="helm kind": only these; ARGS=--check)
	cd platform/ansible && "$(PLAYBOOK)" workstation.yml $(if $(TOOLS),-e 'workstation_tools="$(TOOLS)"') $(ARGS)

test-workstation: .venv/.dev .venv-ansible/.stamp ## Run workstation.yml for real in a clean Debian root (as root)
	$(call needs,mmdebstrap,$(PODMAN))
	$(BIN)/pytest -s tests/workstation --timeout 900

lint-ansible: .venv-ansible/.stamp ## Check the playbooks by ansible-lint's strictest profile
	cd platform/ansible && ../../.venv-ansible/bin/ansible-lint --offline --strict

.venv-ansible/.stamp: requirements/uv.txt requirements/ansible.txt
	@tools/install sync .venv-ansible requirements/ansible.txt
	@touch $@
