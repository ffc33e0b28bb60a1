"""Views with more objects that touch and overlap: what separating them is learnt from, and what data lack most."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_unet.nets.intensity_augmentation import compress, expand

MAX_OVERLAP = 0.3
"""Share of a copied object that may lie over others; with more, its outline cannot be seen."""
SOFT_EDGE = 1.0
"""Pixels, the standard deviation of the Gaussian over which a copy fades out: it has no sharp edge."""


def crowd(
    image: Tensor, labels: NDArray[np.int32], rng: np.random.Generator, compression: float = 0.0
) -> tuple[Tensor, NDArray[np.int32]]:
    """Return a view (C, *spatial) and its ids (*spatial) with mirrored copies of some of its objects added.

    Light adds up, as it does where nuclei lie over each other in fluorescence; ids of the copies lie behind. Views
    whose objects are not brighter than their background come back as they are. Copy and paste for instance
    segmentation: Ghiasi et al., CVPR 2021.
    """
    if not _is_bright(image, labels):
        return image, labels
    axes = _mirrored_axes(rng, labels.ndim)
    copy = np.flip(labels, axes)
    kept = _room(labels, copy) & (rng.random(int(copy.max()) + 1) < rng.uniform(0.2, 1))
    kept[0] = False
    chosen = kept[copy]
    if not chosen.any():
        return image, labels
    glow = ndimage.gaussian_filter(ndimage.binary_dilation(chosen, iterations=2).astype(np.float32), SOFT_EDGE)
    light = expand(image, compression)
    added = light.flip([axis + 1 for axis in axes]) * torch.from_numpy(glow).to(image.device)
    crowded = np.where(chosen & (labels == 0), copy + labels.max(), labels).astype(np.int32)
    return compress(light + added.clamp_min(0), compression), crowded


def _is_bright(image: Tensor, labels: NDArray[np.int32]) -> bool:
    """Whether objects are brighter than their background."""
    inside = torch.from_numpy(labels > 0).to(image.device)
    if not inside.any() or inside.all():
        return False
    grey = image.mean(0)
    return bool(grey[inside].mean() > grey[~inside].mean())


def _mirrored_axes(rng: np.random.Generator, dims: int) -> tuple[int, ...]:
    """Return at least one axis."""
    number = int(rng.integers(1, 2**dims))
    return tuple(axis for axis in range(dims) if number >> axis & 1)


def _room(labels: NDArray[np.int32], copy: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for every id of the copy whether enough of it would lie on background."""
    area = np.bincount(copy.ravel())
    covered = np.bincount(copy.ravel(), weights=(labels > 0).ravel())
    room: NDArray[np.bool_] = covered <= MAX_OVERLAP * area
    return room
