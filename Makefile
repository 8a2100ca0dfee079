# Each target does its own set-up in .venv; PYTHON picks the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: sweep test crash-test check bench gpu-check lock clean

# The main job: the paper's photos and weights, or the embedded demonstration without a network.
sweep: $(VENV)/.ready
	$(RUN) run_sweep.py --backbones all $(ARGS)

# Fast and slow tests, two files at a time. A bare `pytest` runs the fast ones alone.
test: $(VENV)/.ready
	$(RUN) -m pytest -m "slow or not slow" -n 2 --dist loadfile $(ARGS)

# Kills, failing disks and rubbish at length, with one seed: CRASH_REPORT.md.
crash-test: $(VENV)/.ready
	OPENBLAS_NUM_THREADS=1 $(RUN) -m tests.crash --minutes 12 --out CRASH_REPORT.md $(ARGS)

check: $(VENV)/.ready
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

# The speed table, for an idle machine: tests/benchmarks/RESULTS.md.
bench: $(VENV)/.ready
	$(RUN) -m tests.benchmarks --minutes 150 --out tests/benchmarks/RESULTS.md $(ARGS)

# For the owner of a GPU: bits, speed and memory in GPU_CHECK.md; without one, exit code 2.
gpu-check: $(VENV)/.ready
	$(RUN) -m tests.benchmarks.gpu_check --out GPU_CHECK.md $(ARGS)

# Rewrites the lock file from pyproject.toml: versions and hashes, no index address.
lock: $(VENV)/.ready
	$(RUN) -m pip install --quiet uv
	$(RUN) -m uv pip compile pyproject.toml --extra dev --extra tensorflow --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--quiet --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.ready: requirements.lock
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --require-hashes --requirement requirements.lock
	touch $@
