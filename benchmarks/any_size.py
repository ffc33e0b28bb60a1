"""An image that is larger than memory: from OME-Zarr to OME-Zarr, killed twice on the way, and its peak memory.

    python -m benchmarks.any_size FOLDER [--side 32768] [--model nuclei] [--scheduler local:2]

Draws an image of touching discs into FOLDER, segments it once without interruption and once killed (SIGKILL) at a
third and at two thirds of its blocks, compares the labels, and prints time and peak memory of all processes. By
default a network with weights set by hand is used, which costs little: what is measured is all that surrounds it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import zarr

from benchmarks.timing import table
from napari_unet.files.block_store import unfinished

CHUNK = 1024
DISTANCE, RADIUS = 37, 16


def main() -> None:
    """Draw, run, kill, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=32768)
    parser.add_argument("--model")
    parser.add_argument("--scheduler")
    parser.add_argument("--runs", default="whole,killed", help="which of the two runs are made")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    image = drawn(given.folder / f"image{given.side}.zarr", given.side)
    model = given.model or quick_model(given.folder / "bright.safetensors")
    words = ["segment", str(image), "--axes", "YX", "--model", model, "--zoom", "1"]
    words += ["--scheduler", given.scheduler] if given.scheduler else []
    kinds = {"whole": (), "killed": (1 / 3, 2 / 3)}
    rows = [
        [kind, *watched(words, given.folder / f"{kind}.zarr", kills=kinds[kind])] for kind in given.runs.split(",")
    ]
    if len(rows) == len(kinds):
        print("identical:", same(*(given.folder / f"{kind}.zarr" for kind in kinds)))
    print(table(f"{given.side} x {given.side}", ["run", "seconds", "peak MB", "MB on disk", "kills"], rows))


def drawn(path: Path, side: int) -> Path:
    """Write touching discs of several brightnesses, uint16, chunk by chunk."""
    if path.exists():
        return path
    array = zarr.create_array(path, shape=(side, side), dtype=np.uint16, chunks=(CHUNK, CHUNK))
    for top in range(0, side, CHUNK):
        for left in range(0, side, CHUNK):
            y, x = np.mgrid[top : min(side, top + CHUNK), left : min(side, left + CHUNK)]
            odd = (y // DISTANCE) % 2 * (DISTANCE // 2)
            away = np.hypot(y % DISTANCE - DISTANCE // 2, (x + odd) % DISTANCE - DISTANCE // 2)
            bright = 2000 + 500 * ((y // DISTANCE * 7 + (x + odd) // DISTANCE * 3) % 5)
            array[top : top + CHUNK, left : left + CHUNK] = np.where(away < RADIUS, bright - away * 20, 200)
    return path


def quick_model(path: Path) -> str:
    """Return the file of a network of two channels."""
    from tests.conftest import make_bright_model

    make_bright_model().save(path)
    return str(path)


def watched(words: list[str], output: Path, kills: tuple[float, ...]) -> tuple[float, float, float, int]:
    """Run the command until it ends, killed at these shares of its map; return seconds, peak and disk in MB."""
    shutil.rmtree(output, ignore_errors=True)
    shutil.rmtree(unfinished(output), ignore_errors=True)
    began, peak, killed = time.monotonic(), 0, 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "napari_unet", *words, "--output", str(output)], start_new_session=True
        )
        share = kills[killed] if killed < len(kills) else None
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            if share is not None and progress(output) >= share:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
                break
            time.sleep(0.2)
        if process.returncode == 0:
            size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
            return time.monotonic() - began, peak / 1e6, size / 1e6, killed
        if process.returncode > 0:
            raise SystemExit(f"the command ended with {process.returncode}")


def progress(output: Path) -> float:
    """Return the share of the blocks that have a map."""
    folder = unfinished(output)
    try:
        array = zarr.open_array(folder / "work" / "map", mode="r")
        blocks = np.prod([-(-length // side) for length, side in zip(array.shape, array.chunks, strict=True)])
        return len(list((folder / "done").iterdir())) / float(blocks)
    except (OSError, ValueError):
        return 0.0


def memory(process: int) -> int:
    """Return the bytes that a process and its children use alone, files in memory not counted."""
    used = 0
    try:
        for one in (psutil.Process(process), *psutil.Process(process).children(recursive=True)):
            used += one.memory_full_info().uss
    except psutil.Error:
        pass
    return used


def same(one: Path, other: Path) -> bool:
    """Whether the labels of two outputs are the same."""
    first, second = (zarr.open_array(path / "labels/segmentation/0", mode="r") for path in (one, other))
    return all(
        np.array_equal(first[top : top + CHUNK], second[top : top + CHUNK])
        for top in range(0, first.shape[0], CHUNK)
    )


if __name__ == "__main__":
    main()
