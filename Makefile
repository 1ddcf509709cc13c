# Gridward. `make` alone prints this list.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SCALE ?= 0.1
WORKERS ?= 3
RUN_FLAGS := $(if $(ONCE),--once) --scale $(SCALE)

.PHONY: help run test chaos check bench fmt clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## see it run: embedded stack, four services, the sample outbreak (ONCE=1 exits after the summary, SCALE=1 is full size)
	@exec $(BIN)/gridward run $(RUN_FLAGS)

test: $(VENV)/.dev ## every test, in three workers; one after the other, rules first, with WORKERS=0 (ARGS="tests/rules -k day")
	@exec $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

chaos: $(VENV)/.dev ## 200,000 records while everything is killed, paused and cut off; lost 0, doubled 0 (ARGS="--records N --seed S")
	@exec $(BIN)/python -m tests.faults.chaos $(ARGS)

check: $(VENV)/.dev ## ruff, mypy --strict, import-linter, schemas fresh and unbroken, docs true
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deploy.contracts check

bench: $(VENV)/.run $(VENV)/.peers ## how fast it is beside what one might write instead, in 3 minutes (BENCH=full longer, ONLY=ours,reading)
	@GRIDWARD_BENCH_QUIX=$(VENV)/peers/bin/python exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

fmt: $(VENV)/.dev ## format, and write again what is generated
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m deploy.contracts write

clean: ## remove what the other targets made
	rm -rf $(VENV) .kafka build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.run: pyproject.toml
	@echo "Making $(VENV) with what running needs (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml
	@echo "Making $(VENV) with what running and testing need (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.run

# Quix Streams holds pydantic back, so it has an environment of its own.
$(VENV)/.peers: benchmarks/peers/requirements.txt $(VENV)/.run
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
