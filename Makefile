# The doors of the project. `make` alone says what there is. Every target does all the set-up that it needs:
# a virtual environment in .venv, the locked packages, the front end in web/static. A second run takes seconds.

PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
# Cameras and browsers run in real time: what failed on a busy machine is run once more, alone, and must pass then.
# Such a test has a fault all the same: its name is told at the end.
AGAIN := { $(BIN)/python -m tests.second_try note; echo 'Once more, alone, what failed:'; \
	$(PYTEST) --last-failed --last-failed-no-failures none $(ARGS); }
# pytest's word for: ARGS has left no test of this kind
NONE := [ $$? -eq 5 ]
# The fast tests wait for cameras more than they compute: two share a core. A file's tests stay together: they share
# cameras and footage.
CORES := $(shell nproc 2>/dev/null || echo 2)
FAST := --numprocesses $(shell expr 2 '*' $(CORES)) --dist loadfile
SLOW := --numprocesses $(CORES) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test check types torture chaos fuzz bench lock clean

help:
	@echo "make demo    record 55 simulated cameras and play them back in a browser (ARGS='--for 120 --json')"
	@echo "make test    run all tests: the fast ones, then the slow ones and the browser's, then what must run alone"
	@echo "make check   look at style, types and architecture, without running anything for long"
	@echo "make types   write the API's types for the page anew, after web/wire has changed"
	@echo "make torture crash it ten times as often as 'make test' does, in all ways of tests/crash (half an hour)"
	@echo "make chaos   record good cameras beside ones that misbehave at random, for an hour (NVR_CHAOS_MINUTES, NVR_CHAOS_SEED)"
	@echo "make fuzz    look for bytes that break a parser: by hypothesis, then guided by coverage (an hour; needs atheris)"
	@echo "make bench   measure recording, the index and reading, side by side with others"
	@echo "make setup   only the set-up: .venv, packages, front end"
	@echo "make lock    lock the dependencies anew after pyproject.toml has changed (needs uv)"
	@echo "make clean   remove everything that a target here has made"

setup: $(SETUP)

demo: $(SETUP)
	@$(BIN)/nvr demo $(ARGS)

test: $(SETUP)
	@sh requirements/debian.sh test || echo "The tests that need it will say so and be skipped."
	@rm -f .cache/second_try.txt .pytest_cache/v/cache/lastfailed
	$(PYTEST) -m "not slow and not browser and not alone" $(FAST) $(ARGS) || $(NONE) || $(AGAIN)
	$(PYTEST) -m "(slow or browser) and not alone" $(SLOW) $(ARGS) || $(NONE) || $(AGAIN)
	$(PYTEST) -m alone $(ARGS) || $(NONE) || $(AGAIN)
	@$(BIN)/python -m tests.second_try tell

check: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) --quiet tests/test_architecture.py tests/web/test_typescript.py
	$(BIN)/python web/ui/hatch_build.py check

types: .venv/packages
	$(BIN)/python -m web.typescript

torture: $(SETUP)
	@sh requirements/debian.sh test || echo "The tests that need it will say so and be skipped."
	NVR_TORTURE=10 $(PYTEST) -s tests/crash $(ARGS)

chaos: $(SETUP)
	@sh requirements/debian.sh test || echo "The tests that need it will say so and be skipped."
	NVR_CHAOS_MINUTES=$${NVR_CHAOS_MINUTES:-60} $(PYTEST) -s tests/chaos $(ARGS)

fuzz: $(SETUP)
	NVR_FUZZ_EXAMPLES=$${NVR_FUZZ_EXAMPLES:-20000} $(PYTEST) tests/fuzz --timeout 7200
	$(BIN)/python -m tests.fuzz --minutes 30

bench: $(SETUP)
	@sh requirements/debian.sh bench || echo "What needs it will say so."
	$(BIN)/python -m benchmarks.ingest $(ARGS)
	$(BIN)/python -m benchmarks.seek
	$(BIN)/python -m benchmarks.reading

lock:
	sh requirements/lock.sh $(ARGS)

clean:
	rm -rf .venv .cache demo-data web/static web/ui/node_modules

# The stamps lie inside what they stand for, so that removing it removes them.

.venv/made:
	@PYTHON=$(PYTHON) sh requirements/debian.sh setup
	@echo 'Making the virtual environment .venv …'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/packages: requirements/dev.txt .venv/made
	@echo 'Installing the packages of requirements/dev.txt into .venv …'
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# Vite needs Node 20.19 or later with npm, and Debian 12 has 18: only then comes one from the locked list.
NODE_IS_NEW := const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)

.venv/node: requirements/node.txt .venv/made
	@npm --version >/dev/null 2>&1 && node -e '$(NODE_IS_NEW)' 2>/dev/null || $(PIP) --require-hashes -r requirements/node.txt
	@touch $@

FRONT_END := $(shell find web/ui -type f -not -path '*/node_modules/*' -not -path '*/paraglide/*' 2>/dev/null)

web/static/index.html: $(FRONT_END) .venv/packages .venv/node
	@echo 'Building the front end into web/static …'
	@$(BIN)/python web/ui/hatch_build.py
	@touch $@

$(SETUP): pyproject.toml .venv/packages web/static/index.html
	@echo 'Installing nvr itself, editable …'
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@
