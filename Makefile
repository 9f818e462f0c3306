# Needs make and Python 3.11 or later; everything else goes into .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check docs clean

demo: .venv/ready
	rm -rf demo
	$(BIN)/marrowtrace run early-breast -o demo

test: .venv/ready-test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile

check: .venv/ready-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: .venv/ready-check
	$(BIN)/mkdocs build --strict

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "marrowtrace needs Python 3.11 or later on the PATH"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/ready-test: .venv/ready
	$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@

.venv/ready-check: .venv/ready-test
	$(PIP) install -c constraints.txt -e '.[test,check]'
	@touch $@

clean:
	rm -rf .venv demo site dist .pytest_cache .mypy_cache .ruff_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +
