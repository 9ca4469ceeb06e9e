# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3
T ?=
SAMPLE := fixtures/staged_incident/capture.pcapng
PACKAGES := tshark libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core bubblewrap
TEST_PACKAGES := chromium poppler-utils libatomic1
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

ROOTS ?= $(HOME)/.cache/tshark-report-roots
SHARED ?= ../shared
CAPTURES := $(wildcard $(SHARED)/captures/robust $(SHARED)/captures/cases) fixtures
SECONDS ?= 30

.PHONY: fuzz
fuzz: dev ## fuzz the parsers (SECONDS=30 each, by atheris where it installs) and read 1,000 damaged captures
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS)
	$(BIN)/python tools/mutants.py --count 1000 --full 30 $(CAPTURES)

.PHONY: bombs
bombs: dev ## read captures made to be large, hold memory and pages against the bounds, write docs/reliability.md
	out=$$(mktemp) && $(BIN)/python tools/bombs.py --out $$out && \
	  $(BIN)/python tools/reliability.py --bombs $$out; code=$$?; rm -f $$out; exit $$code

.PHONY: reliability
reliability: dev ## put every fault to the program and write docs/reliability.md
	$(BIN)/python tools/reliability.py

.PHONY: test-tshark-versions
test-tshark-versions: dev ## run each tshark that Debian has (root, debootstrap) and write docs/tshark-versions.md
	tools/tshark_versions.sh $(ROOTS) $(SHARED)
	$(BIN)/python tools/tshark_versions.py $(ROOTS)/results

PYTHONS ?= python3.11 python3.12 python3.13 python3.14

.PHONY: test-pythons
test-pythons: test-system ## run the tests with each Python that is here: PYTHONS="python3.12 ..."; writes docs/tshark-versions.md
	tools/python_versions.sh $(ROOTS)/results $(PYTHONS); code=$$?; \
	  $(PYTHON) tools/tshark_versions.py $(ROOTS)/results && exit $$code

.PHONY: audit
audit: install ## known holes in what is pinned (asks the advisory service; nothing else here uses the network)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python tools/audit.py

.PHONY: sbom
sbom: install ## write sbom.json, a CycloneDX bill of materials of what a report needs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-file sbom.json

.PHONY: licences
licences: install ## write docs/licences.md: the licence of everything that is pinned
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-licenses
	$(BIN)/python tools/licences.py

.PHONY: wheel
wheel: dev ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.PHONY: check
check: lint test ## what CI runs
