"""The ridge between touching instances and the U-Net weight map, each formula beside its source.

Order matters: warp instance ids, then weigh, then carve. Distances are taken to the instances as they were
before the ridge was carved, so that a ridge pixel keeps the high weight that separates its two instances.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.neighbours import ridge
from napari_unet.errors import UnetError
from napari_unet.settings.weights import WeightSettings
from napari_unet.whole_numbers import as_whole_numbers

Labels = NDArray[np.int32]
Weights = NDArray[np.float32]


def dense_labels(labels: NDArray[Any]) -> Labels:
    """Return the instances renumbered 1..n in ascending order of their ids, 0 kept, as int32."""
    from skimage.segmentation import relabel_sequential

    labels = as_whole_numbers(labels)
    if not np.issubdtype(labels.dtype, np.integer) and labels.dtype != np.bool_:
        raise UnetError(f"labels must be whole numbers, got {labels.dtype}: round them and save as integers")
    if labels.size == 0:
        return labels.astype(np.int32)
    if labels.min() < 0:
        raise UnetError(f"labels must not be negative, got {labels.min()}: use 0 for the background")
    if labels.max() >= 2**31:  # a table of all ids up to the highest would fill memory, or int64 not hold it
        ids, places = np.unique(labels, return_inverse=True)
        known: Labels = places.reshape(labels.shape).astype(np.int32) + np.int32(ids[0] != 0)
        return known
    writeable = np.require(labels.astype(np.int64, copy=False), requirements="W")  # scikit-image asks for it
    dense: Labels = relabel_sequential(writeable)[0].astype(np.int32)
    return dense


def carve(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the labels with the ridge set to background: no two instances touch any more."""
    return np.where(ridge(labels), 0, labels)


def boundary_weights(
    labels: NDArray[Any],
    w0: float = 10.0,
    sigma: float = 5.0,
    *,
    spacing: Sequence[float] | None = None,
    tolerance: float = 1e-6,
) -> Weights:
    """Return the border term w0 exp(-(d1 + d2)^2 / (2 sigma^2)) of every pixel, float32, shape of `labels`.

    d1 and d2 are the Euclidean distances to the nearest and the second nearest *distinct* instance, 0 inside
    (Ronneberger et al. 2015, eq. 2). With fewer than two instances d2 is infinite and the term is 0.

    Beyond S = sigma sqrt(2 ln(w0 / tolerance)) the term is below `tolerance`, so each instance's distances are
    computed in its bounding box enlarged by S only: the cost grows with the area of the windows, not with
    (instances x pixels), and the result differs from the full one by less than `tolerance`.

    Parameters
    ----------
    labels
        Instance ids, 0 = background; any dimensions, ids may be huge and sparse.
    w0, sigma
        Height and width of the term; sigma in pixels, or in the unit of `spacing`.
    spacing
        Pixel size per axis for anisotropic data.
    tolerance
        Largest weight that may be left out.

    Raises
    ------
    UnetError
        If the labels are not whole numbers or are negative, or spacing does not fit them.
    """
    from scipy import ndimage

    if not (sigma > 0 and w0 >= 0 and tolerance > 0):
        raise UnetError(f"sigma and tolerance must be above 0 and w0 not below, got {sigma}, {tolerance}, {w0}")
    dense = dense_labels(np.asarray(labels))
    steps = _steps(spacing, dense.ndim)
    if dense.size == 0:
        return np.zeros(dense.shape, np.float32)
    boxes = ndimage.find_objects(dense)
    if len(boxes) < 2 or w0 <= tolerance:
        return np.zeros(dense.shape, np.float32)
    reach = sigma * math.sqrt(2 * math.log(w0 / tolerance))
    margins = [math.ceil(reach / step) for step in steps]
    nearest, second = _two_nearest(dense, boxes, margins, steps)
    return (w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))).astype(np.float32)


def weight_map(
    labels: NDArray[Any],
    settings: WeightSettings | None = None,
    *,
    annotated: NDArray[np.bool_] | None = None,
    spacing: Sequence[float] | None = None,
) -> Weights:
    """Return what each pixel counts in the loss: class weight + border term, 0 where not `annotated`."""
    from scipy import ndimage

    chosen = settings or WeightSettings()
    foreground = np.asarray(labels) > 0
    weights = np.where(foreground & ~ridge(labels), chosen.foreground, chosen.background).astype(np.float32)
    border = boundary_weights(labels, chosen.w0, chosen.sigma, spacing=spacing)
    if chosen.near > 0 and foreground.any():
        nearest = ndimage.distance_transform_edt(~foreground, sampling=spacing)
        border += (chosen.near * np.exp(-(nearest**2) / (2 * chosen.near_sigma**2))).astype(np.float32)
    if not chosen.border_inside:
        border[foreground & ~ridge(labels)] = 0
    weights += border
    if annotated is not None:
        weights[~annotated] = 0
    return weights


def _steps(spacing: Sequence[float] | None, ndim: int) -> tuple[float, ...]:
    """Return the pixel size of each axis, 1 where nothing is said."""
    if spacing is None:
        return (1.0,) * ndim
    steps = tuple(float(step) for step in spacing)
    if len(steps) != ndim or min(steps) <= 0:
        raise UnetError(f"spacing must be {ndim} numbers above 0, one per axis, got {tuple(spacing)}")
    return steps


def _two_nearest(
    labels: Labels, boxes: list[tuple[slice, ...]], margins: list[int], steps: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances to the nearest and second nearest instance, infinite beyond the margins."""
    from scipy import ndimage

    nearest = np.full(labels.shape, np.inf)
    second = np.full(labels.shape, np.inf)
    for number, box in enumerate(boxes, start=1):
        window = tuple(
            slice(max(0, side.start - margin), side.stop + margin)
            for side, margin in zip(box, margins, strict=True)
        )
        distance = ndimage.distance_transform_edt(labels[window] != number, sampling=steps)
        first = nearest[window]
        np.minimum(second[window], np.maximum(first, distance), out=second[window])
        np.minimum(first, distance, out=first)
    return nearest, second
