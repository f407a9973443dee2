# One command a purpose; each sets the project up first (deploy/set-up.sh), and at once if nothing has changed since.
#
#   make demo DAYS=30        feed 30 days of flights and end; without DAYS it feeds 60 and keeps watching until ctrl-C
#   make test ARGS='-k fold' arguments for pytest
#   make PYTHON=python3.13   the interpreter that .venv is made with, if there is no .venv yet

.DEFAULT_GOAL := help
PY := .venv/bin/python

# The stamp carries the folder's own checksum: a checkout that was moved or copied with its .venv is set up again.
STAMP := .venv/set-up-$(shell pwd -P | cksum | cut -d ' ' -f 1)

export PYTHON
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo test nightly lint fmt bench ui screenshots constraints set-up clean distclean

help:
	@echo 'make demo [DAYS=30]  see it run on real data'
	@echo 'make test            all tests (ARGS for pytest)'
	@echo 'make nightly         thousands of random histories and weeks of simulated operation (ARGS for pytest)'
	@echo 'make lint            formatting, lint rules and types, changing nothing'
	@echo 'make fmt             format, and mend what the lint rules can mend by themselves'
	@echo 'make bench           the measures of tests/benchmarks'
	@echo 'make constraints     renew the tested versions in constraints.txt'
	@echo 'make clean           remove what builds and tests leave; distclean: .venv and the data of the demo too'

set-up: $(STAMP)

$(STAMP): pyproject.toml constraints.txt deploy/set-up.sh headwater/_version.py
	@sh deploy/set-up.sh
	@touch $@

demo: $(STAMP)
	@$(PY) deploy/demo/run.py $(if $(DAYS),--days $(DAYS))

test: $(STAMP)
	$(PY) -m pytest $(ARGS)

# The tests that play random histories, each with far more of them than in `make test`.
nightly: $(STAMP)
	$(PY) -m pytest --nightly --timeout 7200 tests/simulation tests/daemon/evaluation/test_unpartitioned.py \
	    tests/daemon/evaluation/test_partitioned.py tests/daemon/runs/backfill/test_random_backfills.py \
	    tests/storage/state/test_mappings.py $(ARGS)

lint: $(STAMP)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m pyright

fmt: $(STAMP)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMP)
	$(PY) tests/benchmarks/run.py $(ARGS)

ui screenshots:
	@echo 'The web UI is not part of this version yet: there is nothing to build or to take pictures of.' \
	    'The live view in the terminal is: make demo' >&2
	@exit 1

# Needs an installed .venv, but must not need constraints.txt to be right: hence no stamp.
constraints:
	@{ \
	    echo '# The versions that headwater is tested with, on every system and from Python 3.11 on. The Makefile installs with them.'; \
	    echo '# Made from pyproject.toml by uv pip compile: change that file, not this one. To renew it: make constraints && make test'; \
	    $(PY) -m uv pip compile --quiet --universal --upgrade --extra dev --no-header --no-emit-index-url --no-emit-find-links \
	        pyproject.toml; \
	} > .constraints.new || { rm -f .constraints.new; exit 1; }
	@mv .constraints.new constraints.txt

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .bench
	find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf .venv deploy/demo/.data
