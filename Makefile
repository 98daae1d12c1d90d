# The two commands are `make run` and `make test`; everything else serves them.
# A fresh machine needs Python 3.11 or newer with its venv module, and nothing else.

PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
UV     := uv==0.13.9

.PHONY: run test bench chaos classify lock clean

run: $(VENV)/run.stamp ## set up and run the product on its embedded defaults
	@exec $(BIN)/trireme up $(ARGS)

test: $(VENV)/test.stamp ## set up, check and test
	@$(BIN)/python -m tests $(ARGS)

bench: $(VENV)/test.stamp ## measure: make bench ARGS="--only accept --json out.json"
	@$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/test.stamp ## kill parts of the product while it sends: make chaos ARGS="--recipients 100000 --kills 200"
	@$(BIN)/python -m bench.chaos $(ARGS)

classify: $(VENV)/test.stamp ## print how many reports of the corpus are read rightly: make classify ARGS="unseen"
	@$(BIN)/python -m tests.mail.corpus $(ARGS)

$(VENV)/python.stamp:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Trireme needs Python 3.11 or newer, and '$(PYTHON)' was not found. Install it, or name it: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trireme needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Install it (on Debian and Ubuntu: apt-get install python3-venv) and try again." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check $(UV)
	@touch $@

# uv installs without removing, so that `make run` after `make test` leaves the test tools where they are.
$(VENV)/%.stamp: locks/%.lock pyproject.toml $(VENV)/python.stamp
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $<
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

lock: $(VENV)/python.stamp ## renew the locks; they hold hashes and no address
	$(LOCK) --extra embedded --extra build --extra dev -o locks/test.lock
	$(LOCK) --extra embedded --extra build -c locks/test.lock --no-annotate -o locks/run.lock
	$(LOCK) -c locks/test.lock --no-annotate -o locks/image.lock

clean: ## remove the environment and the data of `make run`
	rm -rf $(VENV) var
