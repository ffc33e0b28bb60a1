# make demo | make test | make test-slow | make coverage | make bench | make models; everything lives in .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# What Qt and a virtual screen need on Debian and Ubuntu (newer ones call libglib2.0-0 differently)
PACKAGES := xvfb xauth libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 \
	libxcb-shape0 libxcb-util1 libdbus-1-3 libfontconfig1 libglib2.0-0
XVFB := xvfb-run -a -s "-screen 0 1280x1024x24 +extension GLX"

# PyTorch as users get it from plain pip: on Linux the CUDA build, which brings triton; several GB
PLAIN := .venv-plain

.PHONY: demo test test-slow test-plain coverage lint types imports tests gpu bench bench-gpu models clean system

demo: $(VENV)/.installed
	$(BIN)/napari-unet demo

test: lint types imports tests

# Where a worker dies the run ends and says so: xdist's new worker would wait for ever for tests at the end
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --max-worker-restart 0

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

imports: $(VENV)/.test
	$(BIN)/lint-imports --no-logo

# The windows apart: what tests load stays in memory
tests: $(VENV)/.test system
	$(PYTEST) --ignore tests/widgets
	$(PYTEST) tests/widgets

# What takes longer and shows no other skill: see CONTRIBUTING.md
test-slow: $(VENV)/.test system
	$(PYTEST) -m "slow and not gpu and not plain"

coverage: $(VENV)/.test system
	$(PYTEST) --cov --cov-report=term --cov-fail-under=90

# Segment and Fine-tune in a real window with that PyTorch: make test-plain [PYTHON=python3.13] [QT=pyside6]
QT ?= pyqt6
test-plain: $(PLAIN)/.installed system
	QT_API=$(QT) PYTEST_QT_API=$(QT) $(XVFB) $(PLAIN)/bin/python -m pytest -m plain -o qt_api=$(QT)

$(PLAIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PLAIN)
	grep -v '^torch==' constraints.txt > $(PLAIN)/constraints.txt
	$(PLAIN)/bin/python scripts/dependency_group.py test | xargs $(PLAIN)/bin/python -m pip install --quiet \
		--disable-pip-version-check -c $(PLAIN)/constraints.txt -e ".[all]" PySide6-Essentials
	touch $@

gpu: $(VENV)/.test
	$(BIN)/python -m pytest -m gpu

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

bench-gpu: $(VENV)/.installed
	$(BIN)/python -m benchmarks.gpu

# Trains from ../shared/data; can be stopped and goes on. Minutes on a GPU, about ten hours on one CPU core.
models: $(VENV)/.installed
	$(BIN)/python scripts/train_models.py ../shared/data --work runs

system:
	@if dpkg -s $(filter-out libglib2.0-0,$(PACKAGES)) >/dev/null 2>&1 || { ! command -v dpkg && command -v xvfb-run; } >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); \
	else echo "Please install: $(PACKAGES)" >&2; exit 1; fi

$(VENV)/bin/python:
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } \
		|| { echo "Please install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# napari[all] brings Qt; the package itself installs without it
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e ".[all]"
	touch $@

$(VENV)/.test: $(VENV)/.installed
	$(BIN)/python scripts/dependency_group.py test lint | xargs $(PIP)
	touch $@

$(VENV)/.bench: $(VENV)/.installed
	$(BIN)/python scripts/dependency_group.py bench | xargs $(PIP)
	$(PIP) --no-deps cellpose==3.1.1.2
	touch $@

clean:
	rm -rf $(VENV) $(PLAIN) dist build demo-output .mypy_cache .ruff_cache .pytest_cache
