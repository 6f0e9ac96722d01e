# make serve ARGS="--port 9000"     make test ARGS="tests/crdt -x"
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input --quiet
NODE_FOLDERS := tests/interop tests/exports/spec tests/tiptap static
# Tests wait more than they work: two processes take half the time of one.
ALL_TESTS := -n 2 --dist loadfile
ARGS :=

# make bench QUICK=1           make bench ARGS="--rounds 1 --works small"
.PHONY: serve test check crash faults soak bench bundle lock clean node-packages

serve: $(VENV)/.installed
	@exec $(PYTHON) -m collab_server serve $(ARGS)

test: $(VENV)/.installed-dev node-packages
	@exec $(PYTHON) -m pytest $(or $(ARGS),$(ALL_TESTS))

check: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/test_architecture.py

crash: $(VENV)/.installed-dev
	@COLLAB_CRASH_ROUNDS=200 exec $(PYTHON) -m pytest -o faulthandler_timeout=0 tests/test_crash.py $(ARGS)

# COLLAB_FAULT_SEED=N make faults: one schedule again
faults: $(VENV)/.installed-dev
	@COLLAB_FAULT_ROUNDS=$${COLLAB_FAULT_ROUNDS:-100} exec $(PYTHON) -m pytest -x -s tests/cluster/test_faults.py $(ARGS)

# The long forms of tests that make test runs shortly.
soak: $(VENV)/.installed-dev
	@COLLAB_FLOOD_FRAMES=$${COLLAB_FLOOD_FRAMES:-100000} exec $(PYTHON) -m pytest -o faulthandler_timeout=0 tests/test_floods.py $(ARGS)
	@COLLAB_GENERATED_DOCUMENTS=$${COLLAB_GENERATED_DOCUMENTS:-10000} exec $(PYTHON) -m pytest -o faulthandler_timeout=0 \
	  tests/interop/test_generated_documents.py $(ARGS)

bench: $(VENV)/.installed-dev
	@exec $(PYTHON) -m benchmarks.run $(if $(QUICK),--quick) $(ARGS)

bundle:
	cd static && npm ci --no-audit --no-fund && npm run build

clean:
	rm -rf $(VENV) .lock-venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis $(addsuffix /node_modules,$(NODE_FOLDERS))
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@for python in $(BASE_PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then without_venv=$$python; continue; fi; \
	  echo "Making $(VENV) with $$($$python --version)"; \
	  rm -rf $(VENV) && "$$python" -m venv $(VENV) && touch $@ && exit 0; \
	  exit 1; \
	done; \
	if [ -n "$$without_venv" ]; then \
	  echo "$$without_venv lacks the modules venv and ensurepip: on Debian and Ubuntu, apt install $$without_venv-venv" >&2; \
	else \
	  echo "collab_server needs Python 3.11 or newer, and there is none (BASE_PYTHON=/path/to/python names one)" >&2; \
	fi; \
	exit 1

$(VENV)/.installed: requirements.lock $(VENV)/.made
	@echo "Installing the Python packages of $< (once)"
	@$(PIP) install --require-hashes -r $<
	@for command in collab-server:collab_server collab-client:collab_server.client; do \
	  printf '#!/bin/sh\nroot=$$(cd "$$(dirname "$$0")/../.." && pwd)\nPYTHONPATH=$$root exec "$$root/$(PYTHON)" -m %s "$$@"\n' $${command#*:} \
	    > $(VENV)/bin/$${command%%:*} && chmod +x $(VENV)/bin/$${command%%:*} || exit 1; \
	done
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the Python packages of $< (once)"
	@$(PIP) install --require-hashes -r $<
	@touch $@

# Writes the hashes of what requirements.txt and requirements-dev.txt pin. Run it after a change of these.
lock: $(VENV)/.made
	@rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv && .lock-venv/bin/python -m pip install --quiet pip-tools
	@for file in requirements requirements-dev; do \
	  .lock-venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file $$file.lock $$file.txt || exit 1; \
	done
	@rm -rf .lock-venv

# Without Node the tests that need it are skipped.
node-packages:
	@command -v npm >/dev/null || exit 0; \
	for folder in $(NODE_FOLDERS); do \
	  cmp -s $$folder/package-lock.json $$folder/node_modules/.installed-lock.json && continue; \
	  echo "Installing the Node packages of $$folder (once)"; \
	  (cd $$folder && npm ci --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed-lock.json) || exit 1; \
	done
