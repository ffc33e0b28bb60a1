"""From a foreground probability map to instance labels: seeds, growth, holes, small objects, ridge."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boundary_weights import ridge
from napari_unet.progress import Progress, Steps
from napari_unet.settings.instances import InstanceSettings

OBJECTS_A_STEP = 200
HIGHER = (0.4, 0.8)
"""Where cores may divide: shares of the way from the core threshold to 1."""
SIMILAR = 0.5
"""Size of the smallest part of a core per size of its largest."""
BAND, REACH = 4_000_000, 4
"""About so many pixels, in whole rows or planes, are worked on at once; so many rows beyond them can growth by a
pixel reach."""


def label_instances(probability: NDArray[np.uint8], settings: InstanceSettings) -> Steps[NDArray[np.int32]]:
    """Turn foreground probabilities (uint8, 255 = 1; any dimensions) into instances 1..n, int32.

    Every connected region of the mask is worked on in its own bounding box: its cores, divided where they clearly
    are of several objects, flood it along the falling probability (watershed, Meyer 1994), small instances are
    dropped, holes that one instance encloses are filled. At the end instances take back the ridge pixels between
    them that the network learnt as background. Needs about ten bytes a
    pixel, and up to forty where one connected region of several objects fills the image.
    """
    from scipy import ndimage

    regions, count = ndimage.label(mask_of(probability, settings))
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


def mask_of(probability: NDArray[np.uint8], settings: InstanceSettings) -> NDArray[np.bool_]:
    """Return the pixels that may belong to objects."""
    mask: NDArray[np.bool_] = probability >= _level(settings.edge_threshold)
    return mask


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
    parts, _ = parts_of_region(probability, region, settings)
    written = 0
    for _, box, instance in kept_instances(parts, probability, settings):
        written += 1
        out[box][instance] = found + written
    return written


def parts_of_region(
    probability: NDArray[np.uint8], region: NDArray[np.bool_], settings: InstanceSettings
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the parts 1..n into which its cores divide a connected region, and the cores; both 0 for none."""
    from skimage.segmentation import watershed

    nothing = np.zeros(region.shape, np.int32)
    if np.count_nonzero(region) < settings.min_size:
        return nothing, nothing
    cores, count = _find_cores(probability, region, settings)
    if count < 2:  # nothing to part: the whole region is the instance, or none
        return (region.astype(np.int32) if count else nothing), cores
    return watershed(-probability.astype(np.int16), cores, mask=region), cores


def kept_instances(
    parts: NDArray[np.int32], probability: NDArray[np.uint8], settings: InstanceSettings
) -> Iterator[tuple[int, tuple[slice, ...], NDArray[np.bool_]]]:
    """Yield number, box and pixels in it of the parts that are large and probable enough to be instances."""
    from scipy import ndimage

    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        if box is None:
            continue
        instance = parts[box] == number
        if np.count_nonzero(instance) < settings.min_size:
            continue
        if probability[box][instance].mean() >= settings.min_mean_probability * 255:
            yield number, box, instance


def _find_cores(
    probability: NDArray[np.uint8], region: NDArray[np.bool_], settings: InstanceSettings
) -> tuple[NDArray[np.int32], int]:
    """Return the cores 1..n of the instances of a region, and n; small ones count only where there is no other."""
    from scipy import ndimage

    cores, count = ndimage.label(region & (probability >= _level(settings.core_threshold)))
    sizes = np.bincount(cores.ravel(), minlength=count + 1)
    kept = [n for n in range(1, count + 1) if sizes[n] >= settings.min_size]
    if count and not kept:
        return region.astype(np.int32), 1
    higher = [_level(settings.core_threshold + share * (1 - settings.core_threshold)) for share in HIGHER]
    found, number = np.zeros(region.shape, np.int32), 0
    boxes = ndimage.find_objects(cores)
    for n in kept:
        box = boxes[n - 1]
        for part in _divide(cores[box] == n, probability[box], higher, settings):
            number += 1
            found[box][part] = number
    return found, number


def _divide(
    core: NDArray[np.bool_], probability: NDArray[np.uint8], higher: list[int], settings: InstanceSettings
) -> list[NDArray[np.bool_]]:
    """Return a core, or the parts into which the first of the higher levels divides it, each divided further.

    Merged objects leave parts of similar size that make up most of the core; a spot within one object does not.
    """
    from scipy import ndimage

    size = np.count_nonzero(core)
    if size < 2 * settings.min_size:
        return [core]
    for n, level in enumerate(higher):
        parts, count = ndimage.label(core & (probability >= level))
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        large = np.flatnonzero(sizes >= max(SIMILAR * sizes.max(), settings.min_size, 1))
        if len(large) > 1 and sizes[large].sum() >= settings.min_core_share * size:
            return [one for k in large for one in _divide(parts == k, probability, higher[n + 1 :], settings)]
    return [core]


def _fill_holes(labels: NDArray[np.int32]) -> None:
    """Fill in place the background that one instance encloses; small boxes first, so that nested objects stay."""
    from scipy import ndimage

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
    rows = max(REACH, BAND // math.prod(labels.shape[1:]))
    for start in range(0, len(labels), rows):
        low = max(0, start - len(before))
        band = labels[low : start + rows + REACH].copy()
        band[: start - low] = before
        inner = slice(start - low, start - low + rows)
        labels[start : start + rows] = with_ridge(band)[inner]
        before = band[inner][-REACH:].copy()
        yield


def with_ridge(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels with the ridge between instances given back to them."""
    from skimage.segmentation import expand_labels

    grown: NDArray[np.int32] = expand_labels(labels, distance=1.5)
    return np.where(ridge(grown) & (labels == 0), grown, labels)
