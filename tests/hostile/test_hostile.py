"""Every reader answers every file with a sentence at worst, in little memory and time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.hostile.corpus import build

if os.name == "nt":
    pytest.skip("no limits of memory there", allow_module_level=True)


pytestmark = pytest.mark.xdist_group("hostile")
"""The corpus takes seconds to make: one worker does."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with sound files and hostile ones, made anew."""
    folder = tmp_path_factory.mktemp("corpus")
    build(folder)
    for name in ("pipe.tif", "pipe.safetensors", "pipe.zip", "pipe.png", "pipe.pt", "pipe.checkpoint", "pipe.npz"):
        os.mkfifo(folder / "hostile" / name)
    return folder


def reading(*arguments, timeout):
    """Read in a process of its own; return what it printed, or fail with its last words."""
    command = [sys.executable, "-m", "tests.hostile.reading", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0, (done.stdout[-500:], done.stderr[-3000:])
    return done.stdout


def test_sound_files_are_read_and_hostile_ones_refused(corpus):
    said = reading(corpus, timeout=600)
    assert len(said.splitlines()) > 60


def test_damaged_files_are_refused_or_read(corpus):
    assert "60 damaged" in reading(corpus / "sound", "--damage", 60, timeout=900)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
def test_many_damaged_files_are_refused_or_read(corpus, seed):
    assert "500 damaged" in reading(corpus / "sound", "--damage", 500, "--seed", seed, timeout=3000)
