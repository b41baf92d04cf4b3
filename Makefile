# Everything runs in $(VENV), which is made when it is first needed and brought up to date when
# pyproject.toml changes. `uv` is used where it is installed, `venv` and `pip` otherwise.

# ENGINE=prebuilt takes llama.cpp out of a wheel instead of building it; so does a machine that has
# no C++ compiler.
ENGINE ?= $(if $(shell command -v c++ g++ clang++),compiled,prebuilt)
VENV ?= $(if $(filter command line,$(origin ENGINE)),.venv-$(ENGINE),.venv)
PYTHON ?= python3
ARGS ?=
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
RUNTIME := $(VENV)/.installed
DEVELOP := $(VENV)/.installed-dev
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --no-warn-conflicts)
OLDEST_VENV ?= .venv-oldest
OLDEST := $(OLDEST_VENV)/.installed
# What rests on other packages' interfaces most; ARGS replaces it.
OLDEST_TESTS := tests/unit_tests/standard tests/integration_tests/standard tests/unit_tests/models \
	tests/unit_tests/context tests/unit_tests/server tests/unit_tests/cli/test_cli.py \
	tests/unit_tests/privacy/test_transport.py tests/integration_tests/test_remote.py \
	$(filter-out %/test_architecture.py,$(wildcard tests/unit_tests/test_*.py))
CODE := langchain_cogenesis tests benchmarks notebooks examples

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-oldest lint format bench clean

help: ## Show this list
	@echo "make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

setup: $(RUNTIME) ## Install the package and what it needs into .venv

demo: $(RUNTIME) ## Write a letter for an invented user (ENGINE=prebuilt: build nothing)
	@$(BIN)/cogenesis demo

test: $(DEVELOP) ## Run the tests (ARGS="-k gate" chooses)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

test-oldest: $(OLDEST) ## Run the core tests with the oldest versions that pyproject.toml allows
	OMP_NUM_THREADS=1 $(OLDEST_VENV)/bin/python -m pytest $(or $(ARGS),$(OLDEST_TESTS))

lint: $(DEVELOP) ## Check style, types and who imports whom
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOP) ## Format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(DEVELOP) ## Measure speed against the alternatives, and quality against its aims
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.logit_mode $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.quality $(ARGS)

clean: ## Remove .venv and caches
	rm -rf $(VENV) $(OLDEST_VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12"; exit 1; }
ifdef UV
	uv venv --quiet --python $(PYTHON) $(VENV)
else
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
endif

ifeq ($(ENGINE),prebuilt)
$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), with a llama.cpp that is built already. Everything is downloaded,"
	@echo "about 700 MB. With a C++ compiler and ENGINE=compiled, it is built for this processor."
	@$(INSTALL) --no-deps -e .
	@$(INSTALL) $$($(BIN)/python -m langchain_cogenesis.models.prebuilt | tr -d ' ' | tr '\n' ' ')
	@touch $@
else
$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV). llama.cpp is built from source: about 8 minutes on two cores"
	@echo "the first time, seconds after that. Everything else is downloaded, about 700 MB."
	CMAKE_BUILD_PARALLEL_LEVEL=$${CMAKE_BUILD_PARALLEL_LEVEL:-$$(getconf _NPROCESSORS_ONLN)} $(INSTALL) -e .
	@touch $@
endif

$(DEVELOP): pyproject.toml $(RUNTIME)
	@echo "Installing what tests and checks need into $(VENV)."
	@$(INSTALL) --group dev
	@touch $@

# llama.cpp is the release that is at hand: pip and uv keep the wheel that they once built.
$(OLDEST): pyproject.toml .ci/oldest.py | $(BIN)/python
	@echo "Installing the oldest versions into $(OLDEST_VENV), about 700 MB."
	@$(BIN)/python .ci/oldest.py pyproject.toml > .oldest.txt
ifdef UV
	uv venv --quiet --clear --python $(BIN)/python $(OLDEST_VENV)
	uv pip install --quiet --python $(OLDEST_VENV)/bin/python -c .oldest.txt -e . --group test
else
	$(BIN)/python -m venv --clear $(OLDEST_VENV)
	$(OLDEST_VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(OLDEST_VENV)/bin/python -m pip install --quiet -c .oldest.txt -e . --group test
endif
	@rm -f .oldest.txt
	@touch $@
