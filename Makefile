# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3
T ?=
SAMPLE := fixtures/staged_incident/capture.pcapng
PACKAGES := tshark libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core
TEST_PACKAGES := chromium poppler-utils
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: system install ## install what is missing and write a report of a sample capture
	$(BIN)/tshark-report report $(SAMPLE) -o demo-report.html -o demo-report.pdf --title "Staged incident"
	@echo "open demo-report.html or demo-report.pdf"

.PHONY: report
report: install ## report on a capture: make report PCAP=my.pcapng
	@[ -n "$(PCAP)" ] || { echo "which capture? make report PCAP=my.pcapng"; exit 2; }
	$(BIN)/tshark-report report "$(PCAP)"

.PHONY: system
system: ## install the system packages a report needs (Debian, Ubuntu; elsewhere say what to install)
	@tools/system_packages.sh $(PACKAGES)

.PHONY: test-system
test-system:
	@tools/system_packages.sh $(PACKAGES) $(TEST_PACKAGES)

.PHONY: install
install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml requirements.lock
	@tools/venv.sh $(PYTHON) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: dev
dev: install $(BIN)/.dev ## install what tests and linters need

$(BIN)/.dev: pyproject.toml requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

.PHONY: test
test: system test-system dev ## run the tests; T=pattern runs some of them
	TZ=UTC LC_ALL=C.UTF-8 $(BIN)/python -m pytest -n auto $(if $(T),-k "$(T)")

.PHONY: test-fast
test-fast: dev ## run the tests that need neither tshark nor Chromium
	TZ=UTC LC_ALL=C.UTF-8 $(BIN)/python -m pytest -n auto -m "not tshark and not chromium and not shared"

.PHONY: lint
lint: dev ## check format, style, types and that the documentation is fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/make_docs.py --check

.PHONY: fix
fix: dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: dev ## write the generated documentation: rules, command line, exit codes, schema
	$(BIN)/python tools/make_docs.py

.PHONY: golden
golden: dev ## write the golden reports again; review the diff
	$(BIN)/python -m pytest -q tests/test_golden.py --golden

.PHONY: rule
rule: dev ## scaffold a rule: make rule CODE=DNS009 FAMILY=names NAME=odd-answers
	$(BIN)/python tools/new_rule.py "$(CODE)" "$(FAMILY)" "$(NAME)"

.PHONY: accuracy
accuracy: dev ## write docs/accuracy.md from the fixtures and published captures
	$(BIN)/python tools/accuracy.py

.PHONY: bench
bench: dev ## measure against bare tshark and write docs/performance.md
	$(BIN)/python tools/bench.py

.PHONY: fixtures
fixtures: ## record the fixtures again (root, network namespaces)
	fixtures/recipes/all.sh

.PHONY: wheel
wheel: dev ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.PHONY: check
check: lint test ## what CI runs
