# brainsim: `make demo` and `make test` are all a newcomer needs (Python 3.11, pip, g++ and make).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: help demo test lint types coverage docs bench clean

help:            ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)   ## the whole main job on the bundled recording; ends with the report's path
	$(BIN)/brainsim demo --out brainsim-demo --overwrite

test: $(STAMP)   ## every check: style, types, layers, tests
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

lint: $(STAMP)   ## style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet brainsim cli dataset tests
	$(BIN)/mypy
	$(BIN)/lint-imports

types: $(STAMP)  ## pyright as well: a second opinion on types (needs Node; fetched on first use)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pyright
	$(BIN)/pyright

coverage: $(STAMP) ## the tests once more, with the share of lines and branches they reach; fails below 90 %
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

.venv/docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

docs: .venv/docs ## run the tutorials and build the site: build/site/index.html (some minutes)
	$(BIN)/python tests/write_cli_reference.py
	$(BIN)/python tests/write_robustness.py
	$(BIN)/sphinx-build -W --keep-going -q -b html -d build/doctrees docs build/site
	$(BIN)/python tests/check_site.py build/site

bench: $(STAMP)  ## the benchmarks that take minutes: tables and figures in build/bench
	mkdir -p build/bench
	$(BIN)/brainsim bench connectivity --preset lif-dense --out build/bench/connectivity --overwrite
	$(BIN)/brainsim bench deconvolve --preset calcium-10hz --out build/bench/deconvolution --overwrite

clean:           ## remove the environment, builds and the demo
	rm -rf .venv build dist *.egg-info brainsim-demo docs/api docs/generated
