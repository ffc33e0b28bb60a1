"""From a foreground probability map to instance labels: seeds, growth, holes, small objects, ridge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import expand_labels, watershed

from napari_unet.arrays.boundary_weights import ridge
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps

OBJECTS_A_STEP = 200
BAND, REACH = 512, 4
"""Rows that are worked on at once, and how far beyond them a pixel of growth and its neighbours can reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSettings:
    """How probabilities become instances; chosen on validation images and stored in the model."""

    seed: float = 0.7
    """Probability above which pixels are the cores of instances."""
    mask: float = 0.5
    """Probability down to which the cores grow."""
    minimum_size: int = 16
    """Instances of fewer pixels are dropped."""

    def __post_init__(self) -> None:
        if not 0 < self.mask <= self.seed < 1:
            raise UnetError(
                f"thresholds must obey 0 < mask <= seed < 1, got mask {self.mask} and seed {self.seed}"
            )
        if self.minimum_size < 0:
            raise UnetError(f"minimum size must not be negative, got {self.minimum_size}")


def label_instances(probability: NDArray[np.uint8], settings: InstanceSettings) -> Steps[NDArray[np.int32]]:
    """Turn foreground probabilities (uint8, 255 = 1; any dimensions) into instances 1..n, int32.

    Every connected region of the mask is worked on in its own bounding box: its cores flood it along the falling
    probability (watershed, Meyer 1994), small instances are dropped, holes that one instance encloses are filled.
    At the end instances take back the ridge pixels between them that the network learnt as background. Needs about
    ten bytes a pixel.
    """
    regions, count = ndimage.label(probability >= _level(settings.mask))
    labels = np.zeros(probability.shape, np.int32)
    found = 0
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        found += _split_region(probability[box], regions[box] == number, settings, labels[box], found)
        if number % OBJECTS_A_STEP == 0:
            yield Progress(done=number, total=count, doing="Separating objects")
    del regions
    yield Progress(done=count, total=max(count, 1), doing="Separating objects")
    _fill_holes(labels)
    yield Progress(done=count, total=max(count, 1), doing="Separating objects")
    for _ in _give_back_ridge(labels):
        yield Progress(done=count, total=max(count, 1), doing="Separating objects")
    return labels


def _level(probability: float) -> int:
    """Return a threshold as uint8 probabilities have it; never 0, which every pixel reaches."""
    return max(1, round(probability * 255))


def _split_region(
    probability: NDArray[np.uint8],
    region: NDArray[np.bool_],
    settings: InstanceSettings,
    out: NDArray[np.int32],
    found: int,
) -> int:
    """Write the instances of one connected region into `out`, numbered on from `found`; return how many."""
    if np.count_nonzero(region) < settings.minimum_size:
        return 0
    cores, count = ndimage.label(region & (probability >= _level(settings.seed)))
    if count == 0:
        return 0
    one = count == 1  # nothing to part: the whole region is the instance
    parts = region.astype(np.int32) if one else watershed(-probability.astype(np.int16), cores, mask=region)
    written = 0
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        if box is None:
            continue
        instance = parts[box] == number
        if np.count_nonzero(instance) < settings.minimum_size:
            continue
        written += 1
        out[box][instance] = found + written
    return written


def _fill_holes(labels: NDArray[np.int32]) -> None:
    """Fill in place the background that one instance encloses; small boxes first, so that nested objects stay."""
    boxes = [(number, box) for number, box in enumerate(ndimage.find_objects(labels), start=1) if box is not None]
    for number, box in sorted(boxes, key=lambda entry: math.prod(side.stop - side.start for side in entry[1])):
        part = labels[box]
        part[ndimage.binary_fill_holes(part == number) & (part == 0)] = number


def _give_back_ridge(labels: NDArray[np.int32]) -> Iterator[None]:
    """Grow instances by a pixel in place, but only where they then touch another one: that was the ridge.

    Works band by band, one yield each: growing needs several times the memory of the labels. What a band changed
    is hidden from the next one, so that the bands do not show.
    """
    before = labels[:0]
    for start in range(0, len(labels), BAND):
        low = max(0, start - len(before))
        band = labels[low : start + BAND + REACH].copy()
        band[: start - low] = before
        grown: NDArray[Any] = expand_labels(band, distance=1.5)
        given_back = ridge(grown) & (band == 0)
        inner = slice(start - low, start - low + BAND)
        target = labels[start : start + BAND]
        target[given_back[inner]] = grown[inner][given_back[inner]]
        before = band[inner][-REACH:].copy()
        yield
