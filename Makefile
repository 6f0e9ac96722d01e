# make serve ARGS="--port 9000"     make test ARGS="tests/core -x"
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input --quiet
NODE_FOLDERS := tests/interop tests/features/exports/spec tests/tiptap static
# Two processes, because the servers and browsers of the tests want cores, too. pytest-xdist would run files of few tests last, and these
# are the slowest; tests/conftest.py has the order.
ALL_TESTS := -n 2 --dist loadfile --no-loadscope-reorder
# COLLAB_ variables of tests, and their values in `make soak`, where the environment has no others.
LONG_FORMS := ANCHOR_ROUNDS=40 CLIENT_CRASHES=100 CONVERGENCE_ROUNDS=400 CRASH_ROUNDS=200 CROWD=300 \
  DISCUSSION_CRASHES=50 DISCUSSION_PEOPLE=50 FAULT_ROUNDS=100 FEED_SECONDS=60 FLOOD_FRAMES=100000 \
  GENERATED_DOCUMENTS=10000 HISTORY_CRASH_ROUNDS=50 HOSTILE_FRAMES=100000 LIVE_ANCHOR_EDITS=10000 OUTAGE_SECONDS=40 \
  PATCH_ROUNDS=1000 RESTORE_ROUNDS=200 SCHEMA_EXAMPLES=40 SPEEDUP_FRAMES=1000000 \
  TIPTAP_PATCHES=1000 UPLOAD_ANSWERS=80 UPLOAD_ROUNDS=300
LONG_TESTS := tests/browser/test_tiptap.py tests/client/test_crash.py tests/cluster/test_comments.py \
  tests/cluster/test_faults.py tests/cluster/test_slow_readers.py tests/core/test_anchors.py tests/core/test_speedups.py \
  tests/features/attachments/test_faults.py tests/features/changes/test_proof.py tests/features/comments/test_anchors_live.py \
  tests/features/comments/test_killed.py tests/features/history/test_history_crash.py \
  tests/features/history/test_restore_while_typing.py tests/interop/test_convergence.py \
  tests/interop/test_generated_documents.py tests/interop/test_programs.py tests/test_crash.py tests/test_floods.py \
  tests/test_hostile_sockets.py tests/test_outage.py tests/test_schemathesis.py
COMPILED := collab_server/_speedups/compiled.abi3.so
ARGS :=
# Some images set it. Each of the many processes of a server and of the tests would then compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

# Percent of the lines and branches of core/ that tests/core takes; may only rise.
LEAST_COVERAGE := 93

# make bench QUICK=1           make bench ARGS="--rounds 1 --works small"
.PHONY: serve test check coverage crash faults soak bench docs bundle schema lock clean node-packages

serve: $(VENV)/.installed
	@exec $(PYTHON) -m collab_server serve $(ARGS)

test: $(VENV)/.installed-dev node-packages
	@exec $(PYTHON) -m pytest $(or $(ARGS),$(ALL_TESTS))

check: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache
	$(PYTHON) -m pytest -q tests/test_architecture.py tests/test_docs.py tests/test_prose.py
	@command -v npm >/dev/null || { echo "Without npm the sources of the pages are not checked"; exit 0; }; \
	  $(MAKE) --no-print-directory node-packages NODE_FOLDERS=static && cd static && npm run --silent check

# Branches of core/ that its own tests take.
coverage: $(VENV)/.installed-dev
	@$(PYTHON) -m slipcover --branch --source collab_server/core --skip-covered --fail-under $(LEAST_COVERAGE) -m pytest -q tests/core $(ARGS)

crash: $(VENV)/.installed-dev
	@COLLAB_CRASH_ROUNDS=200 exec $(PYTHON) -m pytest -o faulthandler_timeout=0 tests/test_crash.py $(ARGS)

# COLLAB_FAULT_SEED=N make faults: one schedule again
faults: $(VENV)/.installed-dev
	@COLLAB_FAULT_ROUNDS=$${COLLAB_FAULT_ROUNDS:-100} exec $(PYTHON) -m pytest -x -s -o faulthandler_timeout=0 tests/cluster/test_faults.py $(ARGS)

# The long forms of tests that are short in `make test`, and with other random numbers.
soak: $(VENV)/.installed-dev node-packages
	@COLLAB_RANDOM_EXAMPLES=1 exec $(PYTHON) -m pytest -q tests/core
	@export COLLAB_RANDOM_EXAMPLES=1; $(foreach form,$(LONG_FORMS),export COLLAB_$(firstword $(subst =, ,$(form)))="$${COLLAB_$(subst =,:-,$(form))}";) \
	  exec $(PYTHON) -m pytest -s -o faulthandler_timeout=0 $(or $(ARGS),$(LONG_TESTS))

bench: $(VENV)/.installed-dev
	@exec $(PYTHON) -m benchmarks.run $(if $(QUICK),--quick) $(ARGS)

# The documentation site in build/docs; a warning (a link that leads nowhere, say) is an error.
docs: $(VENV)/.installed-docs
	$(PYTHON) -m sphinx -W --keep-going -q -b html -d build/doctrees -c docs . build/docs
	@echo "build/docs/index.html"

bundle:
	cd static && npm ci --no-audit --no-fund && npm run build

# Writes migrations/schema.sql. Run it after a change of migrations.
schema: $(VENV)/.installed-dev
	$(PYTHON) -m tests.schema_dump

clean:
	rm -rf $(COMPILED) $(VENV) .lock-venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis $(addsuffix /node_modules,$(NODE_FOLDERS))
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

# Without a C compiler, or the headers of Python, it says so and goes on.
$(COMPILED): collab_server/_speedups/compiled.c | $(VENV)/.made
	@$(PYTHON) collab_server/_speedups/build.py

$(VENV)/.installed: requirements.lock $(VENV)/.made | $(COMPILED)
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

$(VENV)/.installed-docs: requirements-docs.lock $(VENV)/.made
	@echo "Installing the Python packages of $< (once)"
	@$(PIP) install --require-hashes -r $<
	@touch $@

# Writes the hashes of what requirements*.txt pin. Run it after a change of these.
lock: $(VENV)/.made
	@rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv && .lock-venv/bin/python -m pip install --quiet pip-tools
	@for file in requirements requirements-dev requirements-docs; do \
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
