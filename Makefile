# Everything runs in .venv/, made from nothing but Python 3.11 or 3.12. A second call starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test soak dev lint lock bench-load bench-local bench-engine bench-linking clean

demo: $(VENV)/.demo
	@madang demo

dev: $(VENV)/.demo
	@madang dev

# Many tests wait for servers and processes, so three workers serve two cores well. A file's tests stay together.
WORKERS ?= 3
test: $(VENV)/.test
	@python -m pytest -m "not soak" --numprocesses $(WORKERS) --dist loadfile $(ARGS)

soak: $(VENV)/.test
	@mkdir -p .madang && python -m pytest -m soak --timeout 3600 --junitxml .madang/soak.xml -o junit_family=xunit1 \
		$(ARGS); result=$$?; \
		python benchmarks/soak_report.py .madang/soak.xml docs/soak.md; exit $$result

lint: $(VENV)/.test
	@ruff check . && ruff format --check . && mypy

# The demo's environment has no torch and no test tools.
$(VENV)/.demo: pyproject.toml requirements.lock
	@python=$(BIN)/python; test -x $$python || python="$(PYTHON)"; $$python -c 'import sys; \
		is_right = (3, 11) <= sys.version_info[:2] <= (3, 12); \
		told = "%s is Python %d.%d, and madang needs 3.11 or 3.12: make clean, then make PYTHON=python3.11 …"; \
		sys.exit(0 if is_right else told % (sys.executable, *sys.version_info[:2]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV)/: about 1.5 minutes and 1.9 GB on first use …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.demo requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@touch $@

# Needs uv. torch stays outside: see pyproject.toml.
lock:
	uv pip compile pyproject.toml requirements.in --extra gemma --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --quiet -o requirements.lock
	uv pip compile pyproject.toml requirements.in --extra gemma --extra dev --extra student --extra photos --extra ray \
		--override <(echo "torch ; python_version < '3'") --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --quiet --constraint requirements.lock -o requirements-dev.lock

# What the tables and columns mean, from the declarations.
.PHONY: docs
docs: $(VENV)/.demo
	@page="$$(madang docs)" && printf '%s\n' "$$page" > docs/tables.md

# Seconds that our definitions add to bare dg.load_from_defs_folder, medians of paired runs.
bench-load: $(VENV)/.demo
	@python benchmarks/load_definitions.py

# Whether the local model gives the same reply in any order of posts.
bench-local: $(VENV)/.demo
	@python benchmarks/local_determinism.py

# The engine beside its peers, against a local server: make bench-engine POSTS=20000 ARGS="--rounds 2".
bench-engine: $(VENV)/.test
	@python benchmarks/engine.py $(if $(POSTS),--posts $(POSTS)) $(ARGS)

# Linking over a million made-up places, beside rapidfuzz alone: make bench-linking PLACES=100000.
bench-linking: $(VENV)/.demo
	@python benchmarks/linking.py $(if $(PLACES),--places $(PLACES))

# Choosing posts to pay for beside taking them at random, on real labels: make bench-choice DATASETS=folder.
.PHONY: bench-choice
bench-choice: $(VENV)/.test
	@python benchmarks/active_choice.py $(DATASETS) $(ARGS)

# How often a student's promise holds on posts that it was not calibrated on: make bench-promise DATASETS=folder.
.PHONY: bench-promise
bench-promise: $(VENV)/.test
	@python benchmarks/promise.py $(DATASETS) $(ARGS)

# The embedded warehouse beside bare DuckLake, plain DuckDB and delta-rs: make bench-warehouse ARGS="--rows 1000000".
.PHONY: bench-warehouse
bench-warehouse: $(VENV)/.test
	@python benchmarks/warehouse.py $(ARGS)

# An encoder student beside what else runs encoders: make bench-student POSTS=2000, or POSTS=file with a post a line.
.PHONY: bench-student
bench-student: $(VENV)/.test
	@python benchmarks/student.py $(if $(POSTS),--posts $(POSTS)) $(ARGS)

# A million posts by a student, from landing to rows, beside the student alone: make bench-student-lane POSTS=1000000.
.PHONY: bench-student-lane
bench-student-lane: $(VENV)/.test
	@python benchmarks/student_lane.py $(if $(POSTS),--posts $(POSTS))

clean:
	rm -rf $(VENV) .madang

# Scores on the `score` part of real posts, into docs/quality.md: make quality DATASETS=folder; without, on own samples.
.PHONY: quality
quality: $(VENV)/.demo
	@python benchmarks/quality.py $(DATASETS)

# Students alone on the `score` part of real posts, into docs/quality.md: make quality-students DATASETS=folder TASKS=groups.
.PHONY: quality-students
quality-students: $(VENV)/.test
	@python benchmarks/quality_students.py $(DATASETS) $(TASKS)
