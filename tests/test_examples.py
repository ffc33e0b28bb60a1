"""Every example runs as it stands, and every public function shows one that is right."""

import doctest
import inspect
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tifffile

import napari_unet
from napari_unet import samples
from napari_unet.files.images import read_image

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {"fine_tune_from_strokes.py": ["1"], "train_and_evaluate.py": ["2"]}
"""Less learning than a person would want."""
PUBLIC = [name for name in dir(napari_unet) if inspect.isfunction(getattr(napari_unet, name))]


SCRIPTS = sorted(EXAMPLES.glob("*.py"))
STARTS_PROCESSES = {path for path in SCRIPTS if "spawn" in path.read_text()}
"""They find the functions in the script that was started, so it must be that one."""
PARTS = ((slice(0, 96), slice(0, 520)), (slice(0, 128), slice(0, 128)))
"""Of the samples; one example teaches the columns up to 400 and measures those from there on."""


@pytest.fixture(scope="module")
def small_samples(tmp_path_factory):
    """Parts of the samples that are segmented in a moment."""
    folder = tmp_path_factory.mktemp("samples")
    small = tuple(replace(sample, path=folder / sample.path.name) for sample in samples.SAMPLES)
    for sample, part, whole in zip(small, PARTS, samples.SAMPLES, strict=True):
        pixels = read_image(whole.path).array[part]
        tifffile.imwrite(sample.path, pixels, imagej=True, resolution=(2, 2), metadata={"unit": "um"})
    return small


@pytest.mark.parametrize("path", sorted({*SCRIPTS} - STARTS_PROCESSES), ids=lambda path: path.stem)
def test_an_example_runs_on_a_part_of_its_sample(path, tmp_path, monkeypatch, capsys, small_samples):
    monkeypatch.setattr(samples, "SAMPLES", small_samples)
    monkeypatch.setattr(sys, "argv", [str(path), *ARGUMENTS.get(path.name, [])])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[] if path in STARTS_PROCESSES else pytest.mark.slow, id=path.stem)
        for path in SCRIPTS
    ],
)
def test_an_example_runs_as_it_stands(path, tmp_path):
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
