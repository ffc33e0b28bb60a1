"""The experiments of the docs run by the command that the docs name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


def test_every_benchmark_and_script_finds_what_it_imports():
    """Of the package, of each other, and of libraries that the tests have."""
    names = [f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("[!_]*.py")]
    names += [path.stem for path in (ROOT / "scripts").glob("*.py") if path.stem != "dependency_group"]
    assert len(names) > 30
    program = f"import importlib\nfor name in {names}:\n    importlib.import_module(name)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the data pack is not here")
def test_the_weight_map_experiment_prints_its_table():
    command = [sys.executable, "-m", "benchmarks.separation", str(DATA)]
    few = ["--iterations", "2", "--patch", "64", "--every", "30"]
    done = subprocess.run([*command, *few], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ") and not line.startswith("| loss")]
    assert len(rows) == 5
