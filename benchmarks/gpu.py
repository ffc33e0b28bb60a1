"""An accelerator against the CPU of the same machine: prediction and learning, and the memory that they take.

    python -m benchmarks.gpu [--size 2048] [--device cuda]

Wall time, as the work is done elsewhere; the median of some rounds, devices interleaved. Without an accelerator it
says so and measures nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.prediction import LOGITS, sample_plane
from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.nets.device import available_devices, device_name
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.prediction import PredictionSettings

ITERATIONS = 20
"""Of a learning that is timed."""
SIDE = 512
"""Pixels of the image that is learnt from."""


def predicted(size: int, device: str, precision: str) -> None:
    """Predict the sample, repeated to a square."""
    chosen = PredictionSettings(device=device, precision=precision)
    finish(predict(Predictor(load_model("nuclei").net, chosen), sample_plane(size), LOGITS))


def learnt(device: str) -> None:
    """Learn from a few strokes."""
    image = np.asarray(sample_plane(SIDE).array)
    strokes = np.zeros(image.shape, np.int32)
    strokes[50:60, 50:90], strokes[200:210, 50:90], strokes[300:310, 50:90] = 2, 1, 3
    settings = FineTuningSettings(seconds=None, iterations=ITERATIONS, device=device)
    finish(fine_tune_steps(load_model("nuclei"), [(image, painted(strokes))], settings=settings))


def seconds_of(work: Callable[[], None], device: str) -> float:
    """Return the wall time of some work, until the device has done it."""
    began = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", help="one of those that doctor names; the first that is no CPU")
    given = parser.parse_args()
    devices = [given.device] if given.device else [kind for kind in available_devices() if kind != "cpu"][:1]
    if not devices:
        print("There is no accelerator here: nothing was measured.")
        return
    ways = {
        "prediction, exact": partial(predicted, given.size, precision="exact"),
        "prediction, 16 bit": partial(predicted, given.size, precision="fast"),
        f"{ITERATIONS} iterations of learning, with its scores": learnt,
    }
    rows = []
    for name, work in ways.items():
        taken: dict[str, list[float]] = {device: [] for device in ("cpu", *devices)}
        for number in range(given.rounds + 1):
            for device, seconds in taken.items():
                seconds.append(seconds_of(partial(work, device=device), device))
                if not number:
                    seconds.clear()  # the first round warms up
        cpu, other = (statistics.median(seconds) for seconds in taken.values())
        peak = torch.cuda.max_memory_allocated() / 2**20 if devices[0].startswith("cuda") else float("nan")
        rows.append([name, cpu, other, cpu / other, peak])
    title = f"{device_name(torch.device(devices[0]))} against {device_name(torch.device('cpu'))}"
    print(table(title, ["work", "CPU s", f"{devices[0]} s", "times as fast", "peak MiB"], rows))


if __name__ == "__main__":
    main()
