# make help lists the targets. PYTHON chooses the interpreter that .venv is made from.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install train test soak lint bench ruler report clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## Make .venv and install the package under the pinned constraints

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

train: install ## The main example: reconstruct an image from its gradients
	$(BIN)/python train.py task=poisson_grad model=siren

test: install ## The whole test suite
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

soak: install ## 300 mutated inputs, 100 kills, every pair of model and task: clear messages, runs continued bit for bit
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/soak --soak

lint: install ## Check format, lint, types and the layers of the architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: install ## Compare our steps with the rivals' and write outputs/bench/
	$(BIN)/python -m benchmarks

ruler: install ## Compare all results with those of a commit, to the last bit: make ruler BASE=<commit>
	$(BIN)/python -m benchmarks.ruler base=$(BASE)

# The experiments are reduced to a size for two cores. `make report REDUCED= ` runs them as in their files.
REDUCED ?= dataset.size=64 trainer.max_steps=500 seed=0,1
ABLATIONS := first_init hidden_init omega_0 first_omega_0 hidden_omega_0 depth
COMPARISONS := siren_vs_relu zoo
SMALL_WIDTH := $(if $(REDUCED),model.hidden_features=64)
comma := ,
# With few steps, the best rates are higher than the 0.3 to 3 in the files.
SMALL_BUDGET := $(if $(REDUCED),model.parameters=12700 optimizer.factor=1$(comma)3$(comma)10)
SWEEPS := outputs/report
# Number of parallel jobs, each with one thread, since networks this small gain nothing from two.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
PER_SWEEP := $(REDUCED) figures=false logger=none compile=false trainer.progress=false hydra/launcher=joblib hydra.launcher.n_jobs=$(JOBS)

report: install $(ABLATIONS:%=$(SWEEPS)/ablation_%) $(COMPARISONS:%=$(SWEEPS)/compare_%) ## Run every ablation and comparison, reduced, and write a report as PDF and HTML
	$(BIN)/python -m siren_pl.report $(ABLATIONS:%=$(SWEEPS)/ablation_%) $(COMPARISONS:%=$(SWEEPS)/compare_%) output=$(SWEEPS)

$(SWEEPS)/ablation_depth: SMALL_WIDTH += $(if $(REDUCED),model.parameters=null$(comma)12700)
# A sweep that has been started is continued, and finished jobs are skipped. Its log is next to it.
.PHONY: FORCE
$(SWEEPS)/ablation_%: FORCE
	$(call sweep,ablation/$*,$(SMALL_WIDTH))
$(SWEEPS)/compare_%: FORCE
	$(call sweep,compare/$*,$(SMALL_BUDGET))

define sweep
	@mkdir -p $(SWEEPS); echo "$@: see $@.log"; \
	if [ -e $@/sweep.yaml ]; then set -- sweep.resume=$@; \
	else set -- experiment=$(1) $(PER_SWEEP) $(2) hydra.sweep.dir=$@; fi; \
	$(BIN)/python train.py "$$@" >> $@.log 2>&1 || { tail -n 20 $@.log; exit 1; }
endef

clean: ## Remove the files of runs and tools, but keep .venv
	rm -rf .pytest_cache .ruff_cache .import_linter_cache dist
	find outputs -mindepth 1 -not -name .gitignore -delete
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
