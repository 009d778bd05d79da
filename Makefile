# make run, make test, make bench: each sets up whatever is missing first.
# What it needs: Debian 12, Python 3.11-3.13, and root (or sudo) the first time, for the packages in apt-packages.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.complete
FONTS := screens/fonts/.complete
ROOMS := kiosk drivers screens hall config demo systemd

.PHONY: help run test test-quick test-long bench deb lint format lock clean setup
help:
	@echo "make run    the main job: hall, simulated devices, a kiosk window, a visitor who takes a number"
	@echo "make test   every check and test        make bench  the benchmark table"
	@echo "make lint   style, types, layers        make lock   pin the dependencies anew"
	@echo "make deb    Debian packages of a kiosk and of a hall, in build/deb/"

setup: $(SETUP) $(FONTS)

# The apt packages are checked one by one, so that a machine that has them all needs no root.
$(VENV)/.apt: apt-packages.txt
	@mkdir -p $(VENV)
	@./install-apt-packages
	@touch $@

$(SETUP): $(VENV)/.apt requirements.txt setup.cfg
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed (Kivy 2.3.1 has no wheel for others); this is {v[0]}.{v[1]}")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@# Without bytecode a start takes three times as long, and a kiosk's disk is read-only.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q -j0 $(VENV)/lib $(ROOMS)
	@touch $@

$(FONTS): $(SETUP)
	$(BIN)/python -m screens.extract_fonts
	@touch $@

run: setup
	@$(BIN)/python -m demo.run

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Four files at a time on two cores: most tests wait for a process, a wire or a clock.
test: lint
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

test-quick: setup
	$(BIN)/pytest -m "not e2e"

# The campaigns of make test in their long form; hours. One table at the end.
test-long: setup
	$(BIN)/python -m tests.long

bench: setup
	@$(BIN)/python -m benchmarks.table

# What a role imports, out of this environment, with its units: build/deb/taxkiosk_….deb, taxhall_….deb.
deb: setup
	$(BIN)/python -m systemd.debian.build build/deb

# uv resolves; the hashes of every wheel and sdist are kept.
lock:
	$(BIN)/python -m venv build/lock && build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile setup.cfg --extra test --universal --python-version 3.11 \
		--generate-hashes --no-emit-find-links --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.txt requirements-build.in

clean:
	rm -rf $(VENV) var build screens/fonts *.egg-info
