"""Denoising: how much better held-out images are after a network that learnt to take their noise away.

    python -m benchmarks.denoising ../shared/data --iterations 250

Writes noisy and clean images in pairs, trains by the command of docs/how-to/image-to-image.md, and prints the PSNR
of held-out images before and after.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from napari_unet.arrays.metrics import psnr
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.cli import main as napari_unet
from napari_unet.files.image_tiff import write_image
from napari_unet.files.images import read_image
from napari_unet.models.library import load_model
from napari_unet.segmentation import segment

NAME = "bbbc039_u2os_16bit"
PHOTONS = 20.0
"""Photons of a bright nucleus, the 99.9th percentile: a short exposure."""
READ_NOISE = 2.0
"""Of the camera, in photons."""
COUNT, HELD_OUT = 24, 6
"""Images, and how many of them are never learnt."""


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image as a short exposure would show it: Poisson and read noise, in its own units."""
    low, high = np.percentile(image, (0.1, 99.9))
    gain = (high - low) / PHOTONS
    photons = np.clip((image - low) / gain, 0, None)
    return (rng.poisson(photons) + rng.normal(0, READ_NOISE, image.shape)) * gain + low


def write_pairs(data: Path, folder: Path) -> list[Path]:
    """Write the pairs into `images` and `labels` of a folder, and return the noisy images, held-out ones last."""
    rng = np.random.default_rng(0)
    files = sorted((data / NAME / "images").iterdir())
    chosen = [files[round(i)] for i in np.linspace(0, len(files) - 1, COUNT)]
    for path in chosen:
        image = read_image(path)
        for part, pixels in (("images", noisy(image.array.astype(float), rng)), ("labels", image.array)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            size: PixelSize | None = image.calibration
            write_image(folder / part / f"{path.stem}.tif", pixels, axes="YX", pixel_size=size, provenance=None)
    return [folder / "images" / f"{path.stem}.tif" for path in chosen]


def gains(images: list[Path], model: Path) -> list[tuple[float, float]]:
    """Return the PSNR in dB before and after, the range of each clean image as peak."""
    network, found = load_model(model), []
    for path in images:
        truth = read_image(path.parent.parent / "labels" / path.name).array
        peak = float(np.subtract(*np.percentile(truth, (99.9, 0.1))))
        image = read_image(path).array
        found.append((psnr(image, truth, peak), psnr(segment(image, network), truth, peak)))
    return found


def main() -> None:
    """Write, train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("denoising"), help="where pairs and model go")
    parser.add_argument("--iterations", type=int, default=250)
    given = parser.parse_args()
    images = write_pairs(given.data, given.folder)
    held_out = images[:: COUNT // HELD_OUT][:HELD_OUT]
    model = given.folder / "clean.safetensors"
    started = time.process_time()
    command = ["train", str(given.folder), "--truth", "images", "--maps-to", "denoised", "--loss", "l2"]
    command += [
        "--iterations",
        str(given.iterations),
        "--patch",
        "96",
        "--batch",
        "4",
        "--levels",
        "2",
        "--base-channels",
        "8",
    ]
    command += ["--validate", *(path.stem for path in held_out), "--output", str(model)]
    napari_unet(command)
    minutes = (time.process_time() - started) / 60
    found = np.array(gains(held_out, model))
    before, after = found.mean(0)
    print(f"{len(found)} held-out images: PSNR {before:.2f} dB, after {minutes:.1f} CPU minutes {after:.2f} dB")
    print(f"gain {after - before:.2f} dB, the least of them {np.diff(found, axis=1).min():.2f} dB")


if __name__ == "__main__":
    main()
