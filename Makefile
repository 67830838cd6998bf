# `make run` and `make test` are all that most people need. What is done is not done again: see the stamp files in .venv.
PYTHON ?= python3
VENV ?= .venv
BENCH_ARGS ?=
CHAOS_ARGS ?=
TEST_ARGS ?=
TEST_PROCESSES ?= logical

export PIP_DISABLE_PIP_VERSION_CHECK = 1
in_venv := $(VENV)/bin/python

.DELETE_ON_ERROR:
.PHONY: run test lint proof bench chaos pictures catalogs clean setup setup-dev

# `exec` and STEWARD_ENDS_WITH: when make is killed, so is everything that it started.
run: setup
	@exec env STEWARD_ENDS_WITH=$$PPID $(in_venv) run.py

test: setup-dev
	$(in_venv) -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

proof: setup-dev
	STEWARD_PROOF=full $(in_venv) -m pytest -m proof $(TEST_ARGS)

lint: setup-dev
	$(in_venv) -m ruff check .
	$(in_venv) -m ruff format --check .
	$(in_venv) -m mypy

bench: setup-dev
	$(in_venv) -m tests.bench $(BENCH_ARGS)

# So many kills at random moments under a mixed load, and what they cost: CHAOS_ARGS="--kills 20".
chaos: setup-dev
	$(in_venv) -m tests.chaos $(CHAOS_ARGS)

# Take the pictures in docs/pictures anew, of the demonstration data.
pictures: setup-dev
	$(in_venv) -m tests.browser.pictures

# Bring the message catalogs in step with the sources; says what is left to translate.
catalogs: setup
	$(in_venv) -m translations.catalogs

# Everything that make made. Data in instance/ stay.
clean:
	rm -rf $(VENV) node_modules app/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f translations/*/LC_MESSAGES/*.mo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(VENV)/.packages $(VENV)/.front-end
setup-dev: $(VENV)/.packages-dev $(VENV)/.front-end

# Debian's Python may lack ensurepip; the machine's own pip then fills the environment.
$(in_venv):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "steward: Python 3.11 or newer is needed; set PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	    || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) \
	         && $(PYTHON) -m pip --python $(in_venv) install --quiet pip; }

$(VENV)/.packages: requirements.txt | $(in_venv)
	@echo "steward: installing the packages …"
	@$(in_venv) -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.packages-dev: requirements-dev.txt requirements-sign-in.txt requirements-s3.txt $(VENV)/.packages
	@$(in_venv) -m pip install --quiet -r requirements-dev.txt
	@touch $@

$(VENV)/.front-end: package.json package-lock.json app/commands/front_end.py | $(VENV)/.packages
	@echo "steward: fetching the front-end files …"
	@$(in_venv) app/commands/front_end.py
	@touch $@
