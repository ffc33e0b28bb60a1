"""The picture that shows a segmentation: outlines over the image, as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_unet.files.atomic import atomic_path

OUTLINE = np.array([255, 200, 0], np.uint8)


def write_overlay(path: str | Path, image: NDArray[Any], labels: NDArray[Any]) -> None:
    """Write the outlines of `labels` (Y, X) over a grey image (Y, X), stretched to its percentiles 1 to 99.8."""
    with atomic_path(path) as temporary:
        Image.fromarray(_outlined(image, labels)).save(temporary, format="PNG")


def _outlined(image: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the picture (Y, X, 3)."""
    from skimage.segmentation import find_boundaries

    low, high = np.percentile(image, [1, 99.8])
    grey = np.clip((image - low) / max(high - low, 1e-12), 0, 1) ** 0.6 * 255
    picture = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
    picture[find_boundaries(labels, mode="inner")] = OUTLINE
    return picture
