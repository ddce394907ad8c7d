# The two that matter: `make demo` and `make test`. Both make their own virtual environment in .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

export PYTHON

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := tests/constraints.txt
PIP_INSTALL := .ci/quietly $(BIN)/python -m pip install --constraint $(CONSTRAINTS)
SAMPLE := etc/caso/caso.conf.sample
CHECKED := caso tests doc/source/conf.py doc/examples setup.py
GENERATE_SAMPLE := $(BIN)/oslo-config-generator --namespace caso --namespace oslo.log --wrap-width 79
# Hundreds of commands are started, and where PYTHONDONTWRITEBYTECODE is set each would compile all that it imports.
COMPILE := $(BIN)/python -m compileall -q caso tests
ARGS :=
# Tests run in so many processes, each with a cloud of its own; 0: in the one that is started.
WORKERS ?= 2

.PHONY: help
help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- What users and authors run

.PHONY: demo
demo: $(VENV)/.test  ## start a real OpenStack on this machine, extract it, show the records
	$(COMPILE)
	$(BIN)/python -m tests.demo $(ARGS)

.PHONY: test
test: $(VENV)/.test  ## every test this machine allows (ARGS="-k window" for some)
	$(BIN)/python -m tests.cloud build
	$(COMPILE)
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

.PHONY: soak
soak: $(VENV)/.test  ## the tests that take minutes or hours
	$(BIN)/python -m tests.cloud build
	$(BIN)/python -m pytest -m soak $(ARGS)

.PHONY: mutants
mutants: $(VENV)/.test $(VENV)/.mutants  ## fail if a small change of what makes the numbers fails no test (takes minutes)
	$(BIN)/python -m tests.mutation $(ARGS)

.PHONY: bench
bench: $(VENV)/.test $(VENV)/.bench  ## calls, seconds and memory of runs on the real cloud, beside the least possible (half an hour; ARGS="--only first --sizes 1000")
	$(BIN)/python -m tests.cloud build
	$(BIN)/python -m tests.bench $(ARGS)

# --- What an author runs before a commit

.PHONY: format
format: $(VENV)/.lint  ## put the code into its shape
	$(BIN)/ruff check --fix-only --quiet $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

.PHONY: lint
lint: $(VENV)/.lint  ## linter and shape of the code
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)

.PHONY: types
types: $(VENV)/.test $(VENV)/.lint  ## type checker
	$(BIN)/mypy --strict caso/

.PHONY: docs
docs: $(VENV)/.docs man  ## the documentation, into doc/build/html; a warning is an error
	$(BIN)/sphinx-build -W --keep-going --fresh-env --quiet -b html doc/source doc/build/html
	@echo "doc/build/html/index.html, doc/build/man/*.1"

.PHONY: man
man: $(VENV)/.docs  ## the manual pages, into doc/build/man
	$(BIN)/sphinx-build -W --keep-going --fresh-env --quiet -b man doc/source doc/build/man

.PHONY: sample
sample: $(VENV)/.test  ## write the sample configuration from the options
	$(GENERATE_SAMPLE) --output-file $(SAMPLE)

.PHONY: sample-check
sample-check: $(VENV)/.test  ## fail if the sample configuration is not that of the options
	$(GENERATE_SAMPLE) | diff -u $(SAMPLE) - || { echo "$(SAMPLE) is out of date: run make sample" >&2; exit 1; }

.PHONY: wheel
wheel: $(VENV)/.build  ## source archive and wheel, into dist/, and a try in a clean environment
	.ci/wheel $(BIN)/python $(CONSTRAINTS)

.PHONY: deb
deb: $(VENV)/.build man  ## the Debian package for this machine's Python, into dist/, and a try (takes dpkg-dev and debhelper)
	.ci/package-deb $(BIN)/python

.PHONY: rpm
rpm: $(VENV)/.build man  ## the RPM for this machine's Python, into dist/, and a try (takes rpmbuild)
	.ci/package-rpm $(BIN)/python

.PHONY: container
container:  ## the container image, and a try (takes podman, buildah or docker; ARGS=BASE=IMAGE)
	.ci/package-container $(ARGS)

.PHONY: lowest
lowest: $(VENV)/.test  ## the tests without services, on the lowest versions that requirements.txt admits (takes uv from PyPI, and a C compiler)
	.ci/lowest $(BIN)/python

.PHONY: audit
audit: $(VENV)/.test  ## look for known holes in what caso runs with (takes pip-audit and its data from PyPI)
	.ci/audit $(BIN)/python

.PHONY: constraints
constraints: $(VENV)/.test  ## choose the pinned versions anew (takes uv from PyPI)
	.ci/constraints $(BIN)/python $(CONSTRAINTS)

.PHONY: clean
clean:  ## remove what the other targets made here
	rm -rf $(VENV) build dist doc/build demo-run caso.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- The virtual environment: one, with a stamp for each set of tools in it

INPUTS := setup.cfg setup.py pyproject.toml requirements.txt $(CONSTRAINTS)

$(VENV)/.base: .ci/python $(CONSTRAINTS)
	@python=$$(.ci/python); \
	if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$python"; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@$(PIP_INSTALL) pip setuptools wheel
	@touch $@

# Without build isolation, so that what builds caso and its dependencies is pinned as well.
$(VENV)/.%: $(VENV)/.base $(INPUTS)
	@echo "installing caso with its $* tools into $(VENV)"
	@$(PIP_INSTALL) --no-build-isolation --editable '.[$*]'
	@touch $@
