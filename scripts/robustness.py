"""How the `nuclei` model bears what microscopes do to an image: bit depth, inversion, size, hot pixels, debris.

python scripts/robustness.py ../shared/data --every 3
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recipes import pairs, validation_images
from skimage.transform import rescale
from tqdm import tqdm

from napari_unet import evaluate, load_model, segment

Image = NDArray[Any]
Change = Callable[[Image, Image], tuple[Image, Image]]


def sized(factor: float) -> Change:
    """Return the change to another size of image and labels."""

    def change(image: Image, labels: Image) -> tuple[Image, Image]:
        smooth = rescale(image.astype(float), factor, order=1, anti_aliasing=factor < 1)
        return smooth, rescale(labels, factor, order=0, preserve_range=True, anti_aliasing=False).astype(int)

    return change


def unit(image: Image) -> Image:
    """Return the image as float in 0..1."""
    return (image / max(int(image.max()), 1)).astype(np.float32)


def hot_pixel(image: Image, labels: Image) -> tuple[Image, Image]:
    """One pixel a hundred times as bright as all others."""
    hot = unit(image)
    hot[hot.shape[0] // 3, hot.shape[1] // 3] = 100
    return hot, labels


def vignette(image: Image, labels: Image) -> tuple[Image, Image]:
    """Light falls to 40 % towards the corners."""
    rows, columns = np.indices(image.shape)
    away = np.hypot(rows / image.shape[0] - 0.5, columns / image.shape[1] - 0.5) / np.sqrt(0.5)
    return unit(image) * (1 - 0.6 * away**2), labels


def debris(image: Image, labels: Image) -> tuple[Image, Image]:
    """Discs over 1 % of the area, ten times as bright as the brightest nuclei."""
    rng = np.random.default_rng(int(image.sum()) % 2**32)
    dirty = unit(image)
    top = float(np.percentile(dirty, 99.8))
    rows, columns = np.indices(image.shape)
    covered = np.zeros(image.shape, bool)
    while covered.mean() < 0.01:
        row, column = (rng.integers(length) for length in image.shape)
        covered |= (rows - row) ** 2 + (columns - column) ** 2 <= rng.uniform(1.5, 6) ** 2
    dirty[covered] = 10 * top
    return dirty, labels


def of_photons(count: int) -> Change:
    """Return the change to so few photons a pixel in typical nuclei, with the noise of reading them out."""

    def change(image: Image, labels: Image) -> tuple[Image, Image]:
        rng = np.random.default_rng(int(image.sum()) % 2**32)
        light = np.maximum(image - np.percentile(image, 1), 0)
        typical = max(float(np.median(light[labels > 0])) if labels.any() else 0.0, 1.0)
        counted = rng.poisson(light / typical * count + 0.03 * count)
        return (20 * counted + rng.normal(100, 10, image.shape)).clip(0, 65535).astype(np.uint16), labels

    return change


CHANGES: dict[str, Change] = {
    "as it is (uint8)": lambda image, labels: (image, labels),
    "uint16": lambda image, labels: (image.astype(np.uint16) * 257, labels),
    "float in 0..1": lambda image, labels: (unit(image), labels),
    "inverted": lambda image, labels: (255 - image, labels),
    "half size": sized(0.5),
    "double size": sized(2),
    "triple size": sized(3),
    "hot pixel": hot_pixel,
    "vignette": vignette,
    "debris, 1 % of the area, 10 x": debris,
    "10 photons in a pixel of a nucleus": of_photons(10),
    "4 photons": of_photons(4),
}


def main() -> None:
    """Print AP@0.5 for every change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th validation image")
    given = parser.parse_args()
    model = load_model(given.model)
    held = [one for one in pairs(given.data / "dsb2018_fluo") if one[0] in validation_images("dsb2018_fluo")][
        :: given.every
    ]
    first = None
    print("| image | AP@0.5 | change |\n|---|---|---|")
    for title, change in CHANGES.items():
        figures = []
        for _, image, labels in tqdm(held, desc=title, leave=False):
            changed, truth = change(image, labels)
            figures.append(evaluate(segment(changed, model, axes="YX"), truth).average_precision[0.5])
        mean = float(np.mean(figures))
        first = mean if first is None else first
        print(f"| {title} | {mean:.3f} | {mean - first:+.3f} |", flush=True)


if __name__ == "__main__":
    main()
