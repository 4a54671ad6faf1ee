# make help lists the targets. PYTHON chooses the interpreter that .venv is made from.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install train test lint bench clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## Make .venv and install the package under the pinned constraints

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

train: install ## The main job: rebuild an image from its gradients
	$(BIN)/python train.py task=poisson_grad model=siren

test: install ## The whole test suite
	$(BIN)/python -m pytest

lint: install ## Format, lint, types and the floors of the architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: install ## Pair our steps with the rivals' and write outputs/bench/
	$(BIN)/python -m benchmarks

clean: ## Remove what runs and tools left behind; .venv stays
	rm -rf .pytest_cache .ruff_cache .import_linter_cache dist
	find outputs -mindepth 1 -not -name .gitignore -delete
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
