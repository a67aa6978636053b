# `make demo` and `make test` need Python 3.11+, pip and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo docs wheel test test-slow check bench bench-gpu gpu-wheels gpu-check time-to-quality quality quality-gpu clean

demo: .venv/installed
	$(BIN)/isthmus study demo --offline --explore

# dist/isthmus-*.whl with the explorer's script inside: pip installs it without npm and without a compiler
wheel: .venv/python
	npm --prefix web ci --silent
	npm --prefix web run --silent build
	ISTHMUS_EXPLORER=built $(PIP) wheel --no-deps --wheel-dir dist .
	@ls -l dist/*.whl

# the documentation as a site, in site/: open site/index.html
docs: .venv/installed-docs
	$(BIN)/python docs/site/build.py

# file by file in processes of one thread each: half the time of one process with all threads
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder

test-slow: .venv/installed-dev
	$(BIN)/python -m pytest -m slow

# linters, types and import floors
check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports
	@if [ -d web/node_modules ]; then npm --prefix web run --silent check && npm --prefix web test --silent; \
		else echo "web/ is not checked: no npm when isthmus was installed"; fi

# Measurements, written to records/. Options go into ARGS: make bench ARGS="--quick"
# isthmus beside Keras, pythae and plain PyTorch: half an hour on two cores
bench: .venv-bench/installed
	.venv-bench/bin/python -m bench.peers $(ARGS)

# on one CUDA device: a quarter of an hour
bench-gpu: .venv/installed
	$(BIN)/python -m bench.gpu $(ARGS)

# wheels that a GPU machine without a network may lack, into .gpu-wheels/; ARGS="--python 3.12 --there scipy pyarrow"
gpu-wheels: .venv/installed
	$(BIN)/python -m bench.gpu_check.wheels $(ARGS)

# every open goal on a GPU in at most eight minutes, with the machine's own Python and PyTorch; ARGS=--rehearse on a CPU
gpu-check:
	$(PYTHON) -m bench.gpu_check $(ARGS)

# the post's recipe against isthmus's, to the same error: three quarters of an hour on two cores
time-to-quality: .venv/installed
	$(BIN)/python -m bench.time_to_quality $(ARGS)

# how far below PCA in ten minutes a latent size: an hour on two cores, or on one CUDA device
quality: .venv/installed
	$(BIN)/python -m bench.quality $(ARGS)

quality-gpu: .venv/installed
	$(BIN)/python -m bench.quality --device cuda $(ARGS)

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "isthmus needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/installed: .venv/python pyproject.toml constraints.txt
	@echo "Installing isthmus, PyTorch and the rest into .venv: a few minutes, and silent."
	@$(PIP) install -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install -c constraints.txt -e '.[dev,docs]'
	touch $@

.venv/installed-docs: .venv/installed
	$(PIP) install -c constraints.txt -e '.[docs]'
	touch $@

# The peers' gigabytes live apart from the product's environment.
.venv-bench/installed: bench/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt \
		-r bench/requirements.txt -e .
	touch $@

clean:
	rm -rf .venv .venv-bench
