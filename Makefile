# `make demo` and `make test` need Python 3.11 or newer with venv, and g++ for the firmware check.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: install demo test test-slow lint docs bench bench-store bench-small benchmark wheel-check compat-quick compat backends clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

demo: $(STAMP)
	$(BIN)/python examples/demo.py --out demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/flake8 pseudoexp tagger

docs: $(STAMP)  # the site, in site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel-check: $(STAMP)
	bash .ci/wheel $(PYTHON)

benchmark: $(STAMP)  # the baselines and the leaderboard anew: at most 20 minutes on two cores once the release is made
	$(BIN)/python -m tagger baseline all --release v1-small --force
	$(BIN)/python -m pseudoexp benchmark table --into README.md --into BENCHMARK.md

# Other people's tools, each in an environment of its own: tests/compat/NAME has its packages and its tests. The package itself
# is not installed there, only what its core needs.
CORE = $(shell $(PYTHON) -c "import tomllib; print(*map(repr, tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))")
compat-%: tests/compat/%/requirements.txt
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< $(CORE)
	if [ -f tests/compat/$*/without_dependencies.txt ]; then \
		$(VENV)-$*/bin/python -m pip install --quiet --no-deps --requirement tests/compat/$*/without_dependencies.txt; fi
	$(VENV)-$*/bin/python -m pytest tests/compat/$* tests/compat/test_examples.py

compat-quick: compat-puma compat-pytorch

compat: compat-quick compat-salt compat-shap

# Resizing on Keras' other backends, each in an environment of its own; what needs TensorFlow (HGQ2, graphs) is skipped there.
backend-%:
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		$* keras pandas scikit-learn matplotlib mplhep jinja2 pytest $(CORE)
	KERAS_BACKEND=$* $(VENV)-$*/bin/python -m pytest tests/tagger/resize

backends: backend-jax backend-torch

# Stages of an event and jet algorithms, beside the figures stored in bench/baseline.json; `bench-small` is quick and rough,
# `bench-store` stores. None of them fails because something is slow.
BENCHES = bench/bench_jets.py bench/bench_engine.py bench/bench_chain.py bench/bench_dataset.py
BENCH = $(BIN)/python -m pytest $(BENCHES) --benchmark-only --benchmark-json=.bench.json --benchmark-quiet -q

bench: $(STAMP)
	$(BENCH)
	$(BIN)/python bench/compare.py .bench.json

bench-store: $(STAMP)
	$(BENCH)
	$(BIN)/python bench/compare.py .bench.json --store

bench-small: $(STAMP)
	$(BENCH) --rounds 3 -k "chain or engine or dataset or fastjet or test_cluster"
	$(BIN)/python bench/compare.py .bench.json

clean:
	rm -rf $(VENV) $(VENV)-puma $(VENV)-pytorch $(VENV)-salt $(VENV)-shap $(VENV)-jax $(VENV)-torch build *.egg-info .pytest_cache .mypy_cache .ruff_cache demo site
