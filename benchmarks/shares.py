"""From file to file: what share of a segmentation each of its steps takes.

    python -m benchmarks.shares [--size 8192] [--model nuclei]

The bundled sample, repeated to a square TIFF, is segmented by the command line in this process. The wall time of
each step is without that of the steps that it calls.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile

from benchmarks.timing import table
from napari_unet.cli import main as command
from napari_unet.files.images import read_image
from napari_unet.samples import SAMPLES

STEPS = (
    ("network", "napari_unet.nets.prediction", "Predictor.__call__"),
    ("read and normalise tiles", "napari_unet.arrays.axes", "Plane.read"),
    ("rest of prediction", "napari_unet.models.prediction_to_labels", "predict"),
    ("measure intensities and objects", "napari_unet.segmentation", "plan_segmentation"),
    ("instances", "napari_unet.models.prediction_to_labels", "label_instances"),
    ("write", "napari_unet.batch", "write_labels"),
)
"""What is measured, and the name by which it is called."""
REST = "all else"


class Shares:
    """Seconds of each step, without those of the steps that it calls."""

    def __init__(self) -> None:
        """Begin with all else."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._under_way = [REST]
        self._since = time.perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time until the end as that of a step."""
        self._count()
        self._under_way.append(name)
        try:
            yield
        finally:
            self._count()
            self._under_way.pop()

    def _count(self) -> None:
        now = time.perf_counter()
        self.seconds[self._under_way[-1]] += now - self._since
        self._since = now

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts its time; of steps, each of them."""

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            with self.step(name):
                return function(*args, **given)

        @wraps(function)
        def stepped(*args: Any, **given: Any) -> Iterator[Any]:
            steps = function(*args, **given)
            while True:
                with self.step(name):
                    try:
                        step = next(steps)
                    except StopIteration as end:
                        return end.value
                yield step

        return stepped if isgeneratorfunction(function) else called


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--model", default="nuclei")
    given = parser.parse_args()
    image = read_image(SAMPLES[0].path).array
    tiled = np.tile(image, [-(-given.size // length) for length in image.shape])[: given.size, : given.size]
    shares = Shares()
    for name, module, path in STEPS:
        *owners, last = path.split(".")
        owner = importlib.import_module(module)
        for one in owners:
            owner = getattr(owner, one)
        setattr(owner, last, shares.watched(name, getattr(owner, last)))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "image.tif"
        tifffile.imwrite(file, tiled)
        with shares.step(REST):
            command(["segment", str(file), "--model", given.model, "--output", str(Path(folder) / "labels.tif")])
    whole = sum(shares.seconds.values())
    rows = [[name, seconds, f"{seconds / whole:.1%}"] for name, seconds in shares.seconds.items()]
    print(table(f"Shares of {given.size} x {given.size} px, file to file", ["step", "s", "share"], rows))


if __name__ == "__main__":
    main()
