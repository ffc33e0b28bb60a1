"""Touching instances and growth by a pixel, against their definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_unet.arrays.neighbours import one_pixel_larger, ridge

FEW_IDS = st.sampled_from([0, 0, 0, 1, 2, 3])
LABELS = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9).flatmap(
    lambda shape: arrays(np.int32, shape, elements=FEW_IDS)
)


@given(LABELS)
def test_the_ridge_is_where_the_neighbourhood_holds_two_instances(labels):
    highest = ndimage.maximum_filter(labels, size=3, mode="nearest")
    lowest = ndimage.minimum_filter(np.where(labels > 0, labels, 99), size=3, mode="nearest")
    np.testing.assert_array_equal(ridge(labels), (labels > 0) & (highest != lowest))


@given(LABELS)
def test_growth_gives_background_to_an_instance_that_is_nearest_and_within_a_pixel(labels):
    grown = one_pixel_larger(labels)
    far = np.full(labels.shape, np.inf)
    distances = {n: ndimage.distance_transform_edt(labels != n) if (labels == n).any() else far for n in (1, 2, 3)}
    nearest = np.minimum.reduce(list(distances.values()))
    np.testing.assert_array_equal(grown > 0, nearest <= 1.5)
    for number, distance in distances.items():
        assert (distance[grown == number] == nearest[grown == number]).all()
