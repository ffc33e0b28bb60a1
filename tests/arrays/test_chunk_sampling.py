"""Measuring a large image in chunks decodes few of them, and finds what reading all of it finds."""

import dask.array as da
import numpy as np
import pytest

from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import Normalization
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.segmentation import SegmentationSettings


def tiled(side, chunk):
    """Return a lazy image of equal chunks that notes which were read, and the same image in memory as a stub."""
    rng = np.random.default_rng(0)
    tile = rng.normal(100, 5, (256, 256))
    tile[60:90, 60:90] += 300
    seen = set()

    def block(block_info=None):
        seen.add(tuple(block_info[None]["chunk-location"]))
        height, width = block_info[None]["chunk-shape"]
        return np.tile(tile, (-(-height // 256), -(-width // 256)))[:height, :width].astype(np.uint16)

    count = side // chunk
    image = da.map_blocks(block, chunks=((chunk,) * count,) * 2, dtype=np.uint16, meta=np.empty((0, 0), np.uint16))
    seen.clear()
    return image, seen


def fitted(image, axes="YX"):
    return finish(measure_intensity(list(planes(image, axes, spatial="YX", channels=1)), Normalization()))


@pytest.mark.parametrize(("side", "chunk"), [(4096, 256), (4096, 512), (8192, 256)])
def test_few_chunks_are_read_and_tell_the_same(side, chunk):
    image, seen = tiled(side, chunk)
    found = fitted(image).ranges[0]
    assert 8 <= len(seen) <= 16
    assert len({row for row, _ in seen}) > 3
    assert len({column for _, column in seen}) > 3
    whole = fitted(np.asarray(image[:2048, :2048])).ranges[0]
    assert (found.low, found.high) == pytest.approx((whole.low, whole.high), rel=0.01)


def test_what_is_visible_costs_a_bounded_number_of_chunks(bright_model):
    image, seen = tiled(4096, 256)
    region = {"Y": (512, 768), "X": (512, 768)}
    settings = SegmentationSettings(zoom=1.0)
    result = finish(segment_steps(image, bright_model, axes="YX", settings=settings, region=region))
    assert result.count == 1
    assert len(seen) <= 25


def test_strips_of_rows_are_sampled_over_the_whole_height():
    brighter = np.arange(4096)[:, None] / 17 + np.random.default_rng(0).uniform(0, 8, (4096, 2048))
    image = da.from_array(brighter.astype(np.uint8), chunks=(8, 2048))
    found = fitted(image).ranges[0]
    assert found.low < 30
    assert found.high > 220


def test_small_images_and_those_in_a_few_chunks_are_sampled_as_others():
    rng = np.random.default_rng(0)
    for shape, chunks in (((600, 500), 64), ((2500, 2000), 2500)):
        image = rng.integers(0, 1000, shape).astype(np.uint16)
        assert fitted(da.from_array(image, chunks=chunks)) == fitted(image)
