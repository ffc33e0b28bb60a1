"""Memory: how much the process grows while a large image is predicted, beyond input and output."""

from __future__ import annotations

import argparse
import ctypes
import gc
from pathlib import Path

import numpy as np

from benchmarks.prediction import sample_plane
from benchmarks.timing import table
from napari_unet.models.library import load_model
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import finish


def status(name: str) -> int:
    """Return a line of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def main() -> None:
    """Print the growth (Linux only)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192)
    size = parser.parse_args().size
    model = load_model("nuclei")
    small, plane = sample_plane(256), sample_plane(size)
    predictor = Predictor(model.net)
    finish(predict(predictor, small))  # libraries and compiled kernels are not what is measured
    out = np.zeros((1, size, size), np.uint8)
    out[:] = 1  # touch every page
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = status("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")
    finish(predict(predictor, plane, out=out))
    growth = status("VmHWM:") - before
    row = [f"{size}²", predictor.tile[0], growth / 2**20, growth / size**2]
    print(
        table(
            "Memory beyond input and output (uint8 probabilities)",
            ["image", "tile", "MiB", "bytes per pixel"],
            [row],
        )
    )


if __name__ == "__main__":
    main()
