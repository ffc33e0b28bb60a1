"""Tiles partition the image, pool on one grid, and read a mirrored border: properties first."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.tiling import even_step, mirror_indices, read_mirrored, tile_sides, tiles, window_pixels
from napari_unet.nets.geometry import Geometry

WALKS = {
    "unet with 4 levels": Geometry(down=(2,) * 5, up=(2,) * 4),
    "unet with 2 levels": Geometry(down=(2,) * 3, up=(2,) * 2),
    "vgg16": Geometry(down=(2, 2, 3, 3, 3), up=(2,) * 4, upsampling_margin=1),
}

walks = st.sampled_from(list(WALKS.values()))
sides = st.integers(1, 400)
limits = st.integers(1, 300)


@given(walk=walks, shape=st.tuples(sides, sides), size=st.tuples(limits, limits))
def test_tiles_cover_every_pixel_once(walk, shape, size):
    written = np.zeros(shape, int)
    for tile in tiles(shape, size, (walk,) * len(shape)):
        written[tile.write] += 1
    assert (written == 1).all()


@given(walk=walks, length=sides, limit=limits)
def test_windows_of_an_axis_have_one_size_and_one_phase(walk, length, limit):
    reads = [tile.read[0] for tile in tiles((length,), (limit,), (walk,))]
    assert len({read.stop - read.start for read in reads}) == 1
    assert len({read.start % walk.stride for read in reads}) == 1


@given(walk=walks, length=sides, limit=limits)
def test_what_is_written_lies_within_the_networks_output(walk, length, limit):
    for tile in tiles((length,), (limit,), (walk,)):
        (read,), (write,), (crop,) = tile.read, tile.write, tile.crop
        first, last = walk.output_range(read.start, read.stop)
        assert crop.stop - crop.start == write.stop - write.start > 0
        assert first + crop.start == write.start
        assert 0 <= crop.start < crop.stop <= last - first


@given(length=sides, limit=limits, stride=st.sampled_from([2, 4, 8, 16]))
def test_steps_are_multiples_of_the_stride_within_the_limit(length, limit, stride):
    step = even_step(length, limit, stride)
    assert step % stride == 0
    assert stride <= step <= max(stride, limit)


@given(walks=st.lists(walks, min_size=2, max_size=3), data=st.data(), pixels=st.integers(1, 10**6), longest=limits)
def test_a_chosen_tile_fits_into_memory_and_hardly_exceeds_the_image(walks, data, pixels, longest):
    shape = [data.draw(sides) for _ in walks]
    chosen = tile_sides(shape, walks, pixels=pixels, longest=longest)
    smallest = tuple(walk.stride for walk in walks)
    assert chosen == smallest or window_pixels(chosen, walks) <= pixels
    for side, length, walk in zip(chosen, shape, walks, strict=True):
        assert side % walk.stride == 0
        assert side < length + walk.stride
        assert side <= max(longest, walk.stride)


def test_of_a_thin_volume_the_whole_thickness_is_read_at_once():
    thin = Geometry(down=(0, 2, 2), up=(0, 2), pooling=(1, 2))
    walks = (thin, *[WALKS["unet with 2 levels"]] * 2)
    assert tile_sides((51, 512, 512), walks, pixels=2 * 10**6, longest=448) == (52, 128, 124)


def test_no_tile_is_a_sliver():
    writes = [tile.write[0] for tile in tiles((400,), (384,), (WALKS["unet with 4 levels"],))]
    assert [side.stop - side.start for side in writes] == [208, 192]


def test_the_papers_tile_steps_by_384_not_388():
    starts = [tile.write[0].start for tile in tiles((3 * 384,), (388,), (WALKS["unet with 4 levels"],))]
    assert starts == [0, 384, 768]


def test_tiles_of_volumes_come_row_by_row():
    starts = [
        tuple(side.start for side in t.write)
        for t in tiles((8, 8, 8), (4, 4, 4), (WALKS["unet with 2 levels"],) * 3)
    ]
    assert starts == sorted(starts)
    assert len(starts) == 8


@given(length=st.integers(1, 12), before=st.integers(0, 40), after=st.integers(0, 40))
def test_mirroring_equals_numpy_also_far_beyond_the_image(length, before, after):
    line = np.arange(length)
    expected = np.pad(line, (before, after), mode="reflect")
    np.testing.assert_array_equal(line[mirror_indices(-before, length + after, length)], expected)


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    starts=st.tuples(st.integers(-30, 20), st.integers(-30, 20)),
    extent=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    lazy=st.booleans(),
)
def test_reading_a_window_equals_padding_then_slicing(shape, starts, extent, lazy):
    image = np.arange(2 * np.prod(shape)).reshape(2, *shape)
    padded = np.pad(image, ((0, 0), (60, 60), (60, 60)), mode="reflect")
    expected = padded[(slice(None), *(slice(60 + a, 60 + a + n) for a, n in zip(starts, extent, strict=True)))]
    window = tuple(slice(a, a + n) for a, n in zip(starts, extent, strict=True))
    source = da.from_array(image, chunks=(1, 4, 3)) if lazy else image
    np.testing.assert_array_equal(read_mirrored(source, window), expected)


@pytest.mark.parametrize("window", [slice(-3, 4), slice(0, 1), slice(5, 9)])
def test_an_axis_of_one_pixel_is_the_same_everywhere(window):
    assert (read_mirrored(np.full((1,), 7), (window,)) == 7).all()


def test_only_the_pixels_that_are_needed_are_read():
    class Watched:
        shape = (100, 100)
        asked = ()

        def __getitem__(self, key):
            self.asked = key
            return np.zeros((key[1].stop - key[1].start, key[2].stop - key[2].start))

    image = Watched()
    assert read_mirrored(image, (slice(-5, 10), slice(40, 60))).shape == (15, 20)
    assert image.asked[1:] == (slice(0, 10), slice(40, 60))
