# The two commands a fresh machine needs are `make demo` and `make test`.
# Needs Python 3.11 or later; Go 1.26 or later builds the control plane once (see README).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# pytest keeps the tests that it rewrote as bytecode: collecting them takes half the time then.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
MUTANTS_VENV := .venv-mutants
MUTANTS_STAMP := $(MUTANTS_VENV)/.stamp

.PHONY: help setup check lint pure format test long demo node gitops image krew sbom bench corpus differential forecast fuzz properties mutants oracle golden docs pictures requirements clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Make the environment from the hashed requirements

define environment
	@$(PYTHON) -c 'import sys; sys.exit(f"Tiergate needs Python 3.11 or later, $(PYTHON) is {sys.version.split()[0]}; name another: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "environment: installing into $(1)"
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endef

$(STAMP): requirements/dev.txt pyproject.toml
	$(call environment,$(VENV))

$(MUTANTS_STAMP): requirements/mutants.txt pyproject.toml
	$(call environment,$(MUTANTS_VENV))

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: $(STAMP) ## Format, lint, types, layers, pure tests: under a minute, no control plane
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint pure

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/shellcheck .ci/run tests/krew/kubectl-tiergate charts/tiergate/files/break-glass.sh
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yaml
	@$(BIN)/zizmor --offline --quiet --no-progress .github action.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yaml
	@$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

pure: $(STAMP)
	@$(BIN)/pytest -q -n 2 -m 'not cluster and not helm and not process and not image and not kind and not gitops and not slow'

test: check ## Everything: pure tests, chart, server process, real control plane, and a real node where one can run
	@$(BIN)/python -m tests.controlplane.binaries
	@TIERGATE_REQUIRE_CLUSTER=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m '(cluster or helm or process or image or slow) and not long'
	@$(BIN)/python -m tests.node --or-skip --brief

long: $(STAMP) ## What takes too long for every change: both Helm majors everywhere, restores, whole certificate lives
	@$(BIN)/python -m tests.controlplane.binaries
	@TIERGATE_REQUIRE_CLUSTER=1 $(BIN)/pytest -v -n 2 --dist loadfile -m long

gitops: $(STAMP) ## Argo CD and Flux themselves, built from their Go modules, with the YAML of docs/gitops.md
	@$(BIN)/python -m tests.gitops

demo: $(STAMP) ## The namespace lesson on a real API server (KEEP=1 keeps the cluster)
	@KEEP=$(KEEP) CLUSTER=$(CLUSTER) $(BIN)/python -m tests.controlplane.demo

node: $(STAMP) ## The image on a real kubelet and containerd, installed by the chart: Linux, root (KEEP=1 keeps the node)
	@KEEP=$(KEEP) $(BIN)/python -m tests.node

image: $(STAMP) ## Build the container image with docker, podman or buildah (IMAGE=tiergate:dev BASE= BUILDER=)
	@IMAGE=$(IMAGE) BASE=$(BASE) BUILDER=$(BUILDER) $(BIN)/python -m tests.image

krew: $(STAMP) ## The plugin for kubectl and its manifest for krew, in build/krew (URL= where the archive will be)
	@$(BIN)/python -m tests.krew "$(URL)"

sbom: $(STAMP) ## The image, and its software bill of materials beside it (CycloneDX JSON)
	@IMAGE=$(IMAGE) BASE=$(BASE) BUILDER=$(BUILDER) $(BIN)/python -m tests.image --sbom

bench: $(STAMP) ## Measure: reviews, decisions, checks, the index, 3,000 namespaces, a hostile tenant, memory under attack
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.decision
	@$(BIN)/python -m bench.workloads
	@$(BIN)/python -m bench.check
	@$(BIN)/python -m bench.index
	@$(BIN)/python -m bench.controller
	@$(BIN)/python -m bench.hostile
	@$(BIN)/python -m bench.memory

differential: $(STAMP) ## Random pods, resizes, claims and policies, ours against the real server's (N=100000 SEED=)
	@$(BIN)/python -m tests.differential --cases $(or $(N),100000) $(if $(SEED),--seed $(SEED))

forecast: $(STAMP) ## Random workloads: what the verdict forecasts, and what the real controllers make of them (N=300 SEED=)
	@$(BIN)/python -m tests.forecast --cases $(or $(N),300) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## Both decoders and both handlers, from real reviews (N=1000000 SEED=)
	@$(BIN)/python -m tests.fuzz --executions $(or $(N),1000000) $(if $(SEED),--seed $(SEED))

corpus: $(STAMP) ## Public manifests, read and judged: a folder with index.json (DIR=)
	@TIERGATE_CORPUS=$(abspath $(DIR)) $(BIN)/pytest -q tests/corpus

oracle: $(STAMP) ## Random quantities, ours against apimachinery's own library (N=1000000)
	@$(BIN)/python -m tests.quantity_oracle --cases $(or $(N),1000000)

properties: $(STAMP) ## The properties, each with many examples (N=10000)
	@EXAMPLES=$(or $(N),10000) $(BIN)/pytest -q -n 2 --hypothesis-seed=random -m property

mutants: $(MUTANTS_STAMP) ## Change the pure packages: a test must notice (PACKAGES="core wire" MODULES="workload_*" SAMPLE= SEED=)
	@$(MUTANTS_VENV)/bin/python -m tests.mutants $(PACKAGES) $(if $(MODULES),--modules "$(MODULES)") $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

golden: $(STAMP) ## Capture the golden reviews anew on a real API server, rewrite their answers, show what changed
	@$(BIN)/python -m tests.golden.capture
	@$(BIN)/pytest -q tests/golden --update-golden
	@git diff --stat -- tests/golden

docs: $(STAMP) ## Write what is made from the product: values, Tier, metrics, rules, the chart's README and sections.yaml
	@$(BIN)/python -m tests.docs
	@$(BIN)/python -m tests.rules

pictures: $(STAMP) ## Take the pictures of the usage page in docs/images anew, with a real browser
	@$(BIN)/python -m tests.pages

requirements: $(STAMP) ## Pin the dependencies anew (needs uv)
	@uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --extra server --extra live --group dev -o requirements/dev.txt
	@uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --extra server --extra live --group mutants -o requirements/mutants.txt
	@uv pip compile pyproject.toml requirements/build.in --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --extra server -o requirements/server.txt
	@uv pip compile pyproject.toml requirements/build.in --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links -c requirements/dev.txt -o requirements/check.txt

clean: ## Remove the environment; the built control plane stays in the cache folder
	@rm -rf $(VENV) $(MUTANTS_VENV)
