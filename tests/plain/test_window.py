"""With PyTorch as plain pip installs it (on Linux with CUDA and triton), the first clicks do not end napari."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

pytestmark = pytest.mark.plain


@pytest.mark.skipif(sys.platform != "linux", reason="triton comes with PyTorch on Linux alone")
def test_this_pytorch_brings_triton_along():
    """Else the next test says nothing."""
    try:
        version("triton")
    except PackageNotFoundError:
        pytest.fail("this PyTorch has no triton: run make test-plain, which installs the build of the registry")


def test_segment_and_fine_tune_through_the_window():
    script = Path(__file__).with_name("session.py")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, (ended.returncode, ended.stdout, ended.stderr[-2000:])
    assert "the session ended well" in ended.stdout
