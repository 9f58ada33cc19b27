# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
# Both install into .venv first, and reuse it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
OPENMP := $(VENV)/openmp

# LightGBM's wheel expects the system's OpenMP runtime, which slim images lack; `openmp` borrows scikit-learn's (see below).
export LD_LIBRARY_PATH := $(CURDIR)/$(OPENMP)$(if $(LD_LIBRARY_PATH),:$(LD_LIBRARY_PATH))

.PHONY: demo test test-long docs spark lint clean

demo: $(INSTALLED)
	$(BIN)/walletprint demo --out demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadfile

# The long campaigns: injected faults, damaged files, and random examples that no run has drawn before. Some half an hour.
test-long: $(INSTALLED)
	WALLETPRINT_FAULTS=240 WALLETPRINT_FUZZ=10800 HYPOTHESIS_PROFILE=default $(BIN)/python -m pytest -n auto --dist loadfile

# The reference of all features, from their declarations: no file of git's.
docs: $(INSTALLED)
	$(BIN)/walletprint features --markdown > docs/features.md

# What the tests of Spark need beside Java: some 500 MB, so not part of what everyone installs.
spark: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[spark]'

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "walletprint needs Python 3.11 or newer; set PYTHON=…" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[training,test]'
	@$(BIN)/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null || { \
		mkdir -p $(OPENMP); \
		for found in $(CURDIR)/$(VENV)/lib/python3*/site-packages/scikit_learn.libs/libgomp-*; do \
			if [ -e "$$found" ]; then ln -sf "$$found" $(OPENMP)/libgomp.so.1; fi; \
		done; }
	touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
