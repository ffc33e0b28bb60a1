"""From a foreground probability map to instance labels: seeds, growth, holes, small objects, ridge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.neighbours import one_pixel_larger, ridge
from napari_unet.progress import Progress, Steps
from napari_unet.settings.instances import InstanceSettings

OBJECTS_A_STEP = 200
DIVISION_LEVELS = (0.4, 0.8)
"""Where cores may divide: shares of the way from the core threshold to 1."""
MIN_PART_RATIO = 0.5
"""Size of the smallest part of a core per size of its largest."""
BAND_PIXELS, BAND_MARGIN = 4_000_000, 4
"""Pixels, in whole rows or planes, that are worked on at once; rows beyond them that growth by a pixel reaches."""


def label_instances(probability: NDArray[np.uint8], settings: InstanceSettings) -> Steps[NDArray[np.int32]]:
    """Turn foreground probabilities (uint8, 255 = 1; any dimensions) into instances 1..n, int32.

    Every connected region of the mask is worked on by itself: its cores, divided where they clearly are of several
    objects, flood it along the falling probability (watershed, Meyer 1994), small instances are dropped, holes
    that one instance encloses are filled. At the end instances take back the ridge pixels between them that the
    network learnt as background. Needs about ten bytes a pixel, and up to forty where one connected region of
    several objects fills the image.
    """
    from scipy import ndimage

    regions: NDArray[np.int32] = ndimage.label(mask_of(probability, settings))[0]  # type: ignore[assignment]
    labels, _ = yield from separate_regions(probability, regions, settings)
    del regions
    fill_holes(labels)
    yield Progress(done=1, total=1, doing="Separating objects")
    for _ in _give_back_ridge(labels):
        yield Progress(done=1, total=1, doing="Separating objects")
    return labels


def separate_regions(
    probability: NDArray[np.uint8], regions: NDArray[np.int32], settings: InstanceSettings
) -> Steps[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Return the instances 1..n of regions of the mask, region by region, and of which region each is, from 0.

    Most regions hold one object, which a few passes over the map tell for all of them at once; only those that may
    hold several are looked at one by one, each in its own bounding box.
    """
    from scipy import ndimage

    single, doubtful = yield from _single_and_doubtful(probability, regions, settings)
    counts, parted = single.astype(np.int64), {}
    boxes, several = ndimage.find_objects(regions), np.flatnonzero(doubtful).tolist()
    for done, number in enumerate(several, start=1):
        box = boxes[number - 1]
        parts, _ = parts_of_region(probability[box], regions[box] == number, settings)
        parted[number] = np.zeros_like(parts)
        for _, inner, instance in kept_instances(parts, probability[box], settings):
            counts[number] += 1
            parted[number][inner][instance] = counts[number]
        if done % OBJECTS_A_STEP == 0:
            yield Progress(done=done, total=len(several), doing="Separating objects")
    before = np.cumsum(counts) - counts
    labels = np.where(single, before + 1, 0).astype(np.int32)[regions]
    for number, parts in parted.items():
        inside = labels[boxes[number - 1]]
        inside[parts > 0] = parts[parts > 0] + before[number]
    return labels, np.repeat(np.arange(len(counts)), counts)


def _single_and_doubtful(
    probability: NDArray[np.uint8], regions: NDArray[np.int32], settings: InstanceSettings
) -> Steps[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return for each region, from 0, whether it is one instance as it stands, and whether it may hold several.

    It is one where at most one core is large enough, and at no higher level more than one part of it.
    """
    sizes, sums = _sums(regions, probability)
    count = len(sizes)
    least = max(settings.min_size, 1)
    any_core, cores = _large_parts(probability, regions, _level(settings.core_threshold), settings.min_size)
    one = np.ones(count, bool)
    for level in _higher(settings):
        yield Progress(done=0, total=1, doing="Separating objects")
        one &= _large_parts(probability, regions, level, least)[1] < 2
    one = (cores == 0) | ((cores == 1) & one)
    wanted = any_core & (sizes >= settings.min_size)
    wanted[0] = False
    likely = sums >= settings.min_mean_probability * 255 * sizes
    return wanted & one & likely, wanted & ~one


def _large_parts(
    probability: NDArray[np.uint8], regions: NDArray[np.int32], level: int, least: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return for each region whether it reaches a level, and in how many parts of at least so many pixels."""
    from scipy import ndimage

    parts: NDArray[np.int32] = ndimage.label(probability >= level)[0]  # type: ignore[assignment]
    owner = np.zeros(int(parts.max(initial=0)) + 1, np.int32)
    for here, there in _bands(parts, regions):
        owner[here] = there
    sizes, _ = _sums(parts)
    count = int(regions.max(initial=0)) + 1
    large = owner[1:][sizes[1:] >= least]
    return np.bincount(owner[1:], minlength=count) > 0, np.bincount(large, minlength=count)


def _sums(
    labels: NDArray[np.int32], values: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pixels of each label, from 0, and the sum of their values."""
    count = int(labels.max(initial=0)) + 1
    sizes, sums = np.zeros(count, np.int64), np.zeros(count)
    for here, there in _bands(labels, values if values is not None else labels):
        sizes += np.bincount(here, minlength=count)
        if values is not None:
            sums += np.bincount(here, weights=there, minlength=count)
    return sizes, sums


def _bands(one: NDArray[Any], other: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the pixels of two arrays of one shape, so few at once that what is made of them is small."""
    rows = max(1, BAND_PIXELS // max(1, math.prod(one.shape[1:])))
    for start in range(0, len(one), rows):
        yield one[start : start + rows].ravel(), other[start : start + rows].ravel()


def mask_of(probability: NDArray[np.uint8], settings: InstanceSettings) -> NDArray[np.bool_]:
    """Return the pixels that may belong to objects."""
    mask: NDArray[np.bool_] = probability >= _level(settings.edge_threshold)
    return mask


def _level(probability: float) -> int:
    """Return a threshold as uint8 probabilities have it; never 0, which every pixel reaches."""
    return max(1, round(probability * 255))


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
    higher = _higher(settings)
    found, number = np.zeros(region.shape, np.int32), 0
    boxes = ndimage.find_objects(cores)
    for n in kept:
        box = boxes[n - 1]
        for part in _divide(cores[box] == n, probability[box], higher, settings):
            number += 1
            found[box][part] = number
    return found, number


def _higher(settings: InstanceSettings) -> list[int]:
    """Return the levels at which cores may divide."""
    return [_level(settings.core_threshold + share * (1 - settings.core_threshold)) for share in DIVISION_LEVELS]


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
        large = np.flatnonzero(sizes >= max(MIN_PART_RATIO * sizes.max(), settings.min_size, 1))
        if len(large) > 1 and sizes[large].sum() >= settings.min_core_share * size:
            return [one for k in large for one in _divide(parts == k, probability, higher[n + 1 :], settings)]
    return [core]


def fill_holes(labels: NDArray[np.int32]) -> None:
    """Fill in place the background that one instance encloses; small boxes first, so that nested objects stay."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels)
    if not boxes:
        return
    sides = np.array([[[side.start, side.stop] for side in box] for box in boxes]).reshape(len(boxes), -1, 2)
    sizes = (sides[..., 1] - sides[..., 0]).prod(axis=1)
    order, may = np.argsort(sizes, kind="stable"), _may_enclose(labels, sides)
    for number in order[may[order]].tolist():
        part = labels[boxes[number]]
        part[ndimage.binary_fill_holes(part == number + 1) & (part == 0)] = number + 1


def _may_enclose(labels: NDArray[np.int32], sides: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which instances have a box (start, stop per axis) in whose inside a region of the background ends."""
    from scipy import ndimage

    may = np.zeros(len(sides), bool)
    gaps = ndimage.find_objects(ndimage.label(labels == 0)[0])
    for gap in gaps:
        starts, stops = [side.start for side in gap], [side.stop for side in gap]
        if any(start == 0 or stop == end for start, stop, end in zip(starts, stops, labels.shape, strict=True)):
            continue  # it reaches the border: nothing encloses it
        may |= ((sides[..., 0] < starts) & (sides[..., 1] > stops)).all(axis=1)
    return may


def _give_back_ridge(labels: NDArray[np.int32]) -> Iterator[None]:
    """Grow instances by a pixel in place, but only where they then touch another one: that was the ridge.

    Works band by band, one yield each: growing needs several times the memory of the labels. What a band changed
    is hidden from the next one, so that the bands do not show.
    """
    before = labels[:0]
    rows = max(BAND_MARGIN, BAND_PIXELS // math.prod(labels.shape[1:]))
    for start in range(0, len(labels), rows):
        low = max(0, start - len(before))
        band = labels[low : start + rows + BAND_MARGIN].copy()
        band[: start - low] = before
        inner = slice(start - low, start - low + rows)
        labels[start : start + rows] = with_ridge(band)[inner]
        before = band[inner][-BAND_MARGIN:].copy()
        yield


def with_ridge(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels with the ridge between instances given back to them."""
    grown = one_pixel_larger(labels)
    return np.where(ridge(grown) & (labels == 0), grown, labels)
