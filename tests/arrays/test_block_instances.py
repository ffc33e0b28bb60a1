"""Instances found block by block are those of the whole map, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.arrays.block_instances import (
    final_ids,
    finished_block,
    neighbours,
    regions_around,
    separate_block,
)
from napari_unet.arrays.block_regions import join_regions, regions_by_block, regions_of_block
from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.instances import (
    fill_holes,
    kept_instances,
    label_instances,
    mask_of,
    parts_of_region,
    separate_regions,
)
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings

SETTINGS = InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=3, min_core_share=0.5)
SHAPES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 12), st.integers(1, 16), st.integers(1, 16)),
)


def by_blocks(probability, sides, settings=SETTINGS, **options):
    """Return the labels of a map that is read block by block, in any order."""
    blocks = Blocks(shape=probability.shape, sides=sides)
    numbers = range(len(blocks))
    parts = [
        regions_of_block(mask_of(probability[blocks.box(n)], settings), blocks.box(n), probability.shape)
        for n in numbers
    ]
    regions = join_regions(blocks, parts)
    wanted = regions_by_block(blocks, regions)
    between, names = np.zeros(probability.shape, np.int32), {}
    for n in reversed(numbers):
        around = regions_around(blocks, n, regions, wanted[n], **options)
        separated = separate_block(probability.__getitem__, around, settings, **options)
        between[blocks.box(n)], names[n] = separated.parts, separated.names
    tables, count = final_ids([names[n] for n in numbers])
    labels = np.zeros(probability.shape, np.int32)
    for n in numbers:
        ids = {other: tables[other] for other in neighbours(blocks, n)}
        labels[blocks.box(n)] = finished_block(between.__getitem__, blocks, n, ids)
    assert labels.max(initial=0) == count
    return labels


def whole(probability, settings=SETTINGS):
    return finish(label_instances(probability, settings))


def blobs(shape, seed, smoothness):
    """Return a map (uint8) of touching blobs, holes and specks."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smoothness)
    low, high = np.percentile(noise, [30, 95])
    return (np.clip((noise - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)


@given(data=st.data(), shape=SHAPES, seed=st.integers(0, 999), smoothness=st.sampled_from([0.5, 1.0, 2.0]))
def test_blocks_of_any_size_give_the_labels_of_the_whole_map(data, shape, seed, smoothness):
    probability = blobs(shape, seed, smoothness)
    sides = tuple(data.draw(st.integers(1, length + 3)) for length in shape)
    np.testing.assert_array_equal(by_blocks(probability, sides), whole(probability))


@given(shape=SHAPES, seed=st.integers(0, 999), smoothness=st.sampled_from([0.5, 1.0, 2.0]), data=st.data())
def test_regions_that_are_told_at_once_are_those_that_are_looked_at_one_by_one(shape, seed, smoothness, data):
    probability = blobs(shape, seed, smoothness)
    settings = SETTINGS.replace(
        min_size=data.draw(st.integers(0, 12)),
        core_threshold=data.draw(st.sampled_from([0.5, 0.7, 0.9])),
        min_core_share=data.draw(st.sampled_from([0.2, 0.75, 1.0])),
        min_mean_probability=data.draw(st.sampled_from([0.0, 0.6, 0.8])),
    )
    regions, _ = ndimage.label(mask_of(probability, settings))
    expected, found = np.zeros(shape, np.int32), 0
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        parts, _ = parts_of_region(probability[box], regions[box] == number, settings)
        for _, inner, instance in kept_instances(parts, probability[box], settings):
            found += 1
            expected[box][inner][instance] = found
    labels, owner = finish(separate_regions(probability, regions, settings))
    np.testing.assert_array_equal(labels, expected)
    assert len(owner) == found
    filled = expected.copy()
    boxes = list(enumerate(ndimage.find_objects(expected), start=1))
    for number, box in sorted(boxes, key=lambda one: np.prod([side.stop - side.start for side in one[1]])):
        part = filled[box]
        part[ndimage.binary_fill_holes(part == number) & (part == 0)] = number
    fill_holes(labels)
    np.testing.assert_array_equal(labels, filled)


def spiral(side):
    """Return a map of one long region that winds through every block."""
    image = np.zeros((side, side), np.uint8)
    for n in range(0, side // 2, 4):
        image[n, n : side - n] = image[n : side - n, side - 1 - n] = 200
        image[side - 1 - n, n : side - n] = 200
        image[n + 4 : side - n, n] = 200
        image[n + 4, n : n + 4] = 200
    return image


def comb(side):
    """Return a map of one region whose teeth run along the faces of blocks."""
    image = np.zeros((side, side), np.uint8)
    image[:, ::2], image[side - 1] = 190, 190
    return image


def rings(side):
    """Return a map of rings in each other, with an object in the middle and specks between."""
    y, x = np.indices((side, side)) - side // 2
    radius = np.hypot(y, x)
    image = np.where((radius.astype(int) % 7) < 3, 220, 0)
    image[::11, ::13] = 220
    return image.astype(np.uint8)


@pytest.mark.parametrize("drawn", [spiral, comb, rings])
@pytest.mark.parametrize(
    ("side", "sides"), [(20, (1, 1)), (48, (5, 7)), (48, (8, 8)), (48, (16, 3)), (48, (64, 64))]
)
def test_long_and_nested_regions_are_whole(drawn, side, sides):
    probability = drawn(side)
    np.testing.assert_array_equal(by_blocks(probability, sides), whole(probability))


def test_empty_blocks_and_an_empty_map():
    probability = np.zeros((30, 30), np.uint8)
    assert by_blocks(probability, (7, 7)).max() == 0
    probability[12:16, 12:16] = 255
    labels = by_blocks(probability, (7, 7))
    assert labels.max() == 1
    assert np.count_nonzero(labels) == 16


def test_a_ring_fills_the_blocks_that_it_only_encloses():
    probability = np.zeros((31, 31), np.uint8)
    probability[3:28, 3:28] = 255
    probability[5:26, 5:26] = 0
    labels = by_blocks(probability, (6, 6))
    assert (labels[3:28, 3:28] == 1).all()


def discs(side, distance, radius):
    """Return a map of touching discs that are one region; each has a core of its own."""
    y, x = np.indices((side, side))
    offset = (y // distance % 2) * (distance // 2)
    away = np.hypot(y % distance - distance // 2, (x + offset) % distance - distance // 2)
    return np.clip(255 - away / radius * 110, 0, 255).astype(np.uint8)


def test_a_region_that_is_too_large_is_divided_with_a_halo():
    probability = discs(900, 30, 17)
    settings = SETTINGS.replace(min_size=16)
    expected = whole(probability, settings)
    found = by_blocks(probability, (300, 280), settings, most=100_000)
    assert expected.max() > 800
    pairs = contingency(expected, found).pairs
    # pixels as far from one core as from another go either way
    assert np.count_nonzero(pairs.iou >= 0.95) >= 0.995 * expected.max()
    assert abs(int(expected.max()) - int(found.max())) <= 0.005 * expected.max()
