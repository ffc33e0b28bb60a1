"""Outlines go along the edges of pixels: they give the same pixels again, and are valid polygons."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.arrays.outlines import fill, trace
from napari_unet.errors import UnetError
from tests.conftest import drawn

planes = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.uint16, shape, elements=st.sampled_from([0, 0, 1, 2, 70]))
)


def filled(outlines, shape):
    labels = np.zeros(shape, np.int64)
    for number, parts in outlines.items():
        box, mask = fill([ring for part in parts for ring in (part.outer, *part.holes)], shape)
        assert not labels[box][mask].any()
        labels[box][mask] = number
    return labels


@given(planes)
@settings(max_examples=40)
def test_outlines_give_the_same_pixels_again(labels):
    assert (filled(trace(labels), labels.shape) == labels).all()


@given(planes)
@settings(max_examples=40)
def test_outlines_are_valid_polygons_of_the_area_of_their_pixels(labels):
    for number, parts in trace(labels).items():
        polygons = [shapely.Polygon(part.outer, part.holes) for part in parts]
        assert all(polygon.is_valid for polygon in polygons)
        assert shapely.MultiPolygon(polygons).is_valid
        assert sum(polygon.area for polygon in polygons) == (labels == number).sum()


def test_a_ring_has_its_hole_and_what_lies_in_the_hole_is_another_part():
    labels = drawn("""
        11111
        1...1
        1.1.1
        1...1
        11111
    """)
    ring, island = sorted(trace(labels)[1], key=lambda part: -len(part.holes))
    assert (len(ring.holes), len(island.holes)) == (1, 0)
    assert ring.holes[0].tolist() == [[1, 1], [4, 1], [4, 4], [1, 4]]


def test_what_lies_outside_is_cut_off():
    box, mask = fill([np.array([[-5.0, -5], [3, -5], [3, 2], [-5, 2]])], (10, 10))
    assert box == (slice(0, 2), slice(0, 3))
    assert mask.all()
    assert not fill([np.array([[20.0, 20], [30, 20], [30, 30]])], (10, 10))[1].size


def test_a_slanted_edge_takes_the_pixels_whose_centres_lie_within():
    box, mask = fill([np.array([[0.0, 0], [4, 0], [0, 4]])], (4, 4))
    assert box == (slice(0, 4), slice(0, 4))
    assert mask.astype(int).tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_coordinates_that_are_no_place_are_refused(value):
    with pytest.raises(UnetError, match="coordinates must be numbers"):
        fill([np.array([[0, 0], [1, value], [1, 1]])], (4, 4))


def test_an_outline_that_would_take_for_ever_is_refused():
    zigzag = np.zeros((20_000, 2))
    zigzag[::2, 1] = 20_000
    with pytest.raises(UnetError, match="simplify it"):
        fill([zigzag], (20_000, 4))
