"""Every example runs as it stands, and every public function shows one that is right."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import napari_unet

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {"fine_tune_from_strokes.py": ["1"], "train_and_evaluate.py": ["2"]}
"""Less learning than a person would want."""
PUBLIC = [name for name in dir(napari_unet) if inspect.isfunction(getattr(napari_unet, name))]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    arguments = [sys.executable, path, *ARGUMENTS.get(path.name, [])]
    ended = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()


def test_there_are_examples():
    assert len(list(EXAMPLES.glob("*.py"))) >= 5


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_is_described_and_its_example_is_right(name):
    function = getattr(napari_unet, name)
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"{section}\n    ---" in function.__doc__, section
    [test] = doctest.DocTestFinder(recurse=False).find(function, name)
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test)
    assert result.attempted > 1
    assert result.failed == 0
