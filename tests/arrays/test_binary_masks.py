"""One value in many places is a mask; one object an image, a slip of the brush and real ids are none."""

import numpy as np
import pytest

from napari_unet.arrays.binary_masks import refuse_masks
from napari_unet.errors import UnetError


def squares(*values, side=40):
    """Labels (side, side) with a square of each value, apart from each other."""
    labels = np.zeros((side, side), np.int32)
    for number, value in enumerate(values):
        y, x = divmod(number, 4)
        labels[10 * y : 10 * y + 6, 10 * x : 10 * x + 6] = value
    return labels


def named(*arrays):
    return [(f"{number}.png", array) for number, array in enumerate(arrays)]


@pytest.mark.parametrize("value", [1, 255])
def test_one_value_in_several_places_of_every_image_is_a_mask(value):
    masks = named(squares(), squares(value, value, value), squares(value, value))
    with pytest.raises(UnetError, match=rf"1.png are a mask with one value \({value}\) in 3 places.*, or go"):
        refuse_masks(masks, "go")
    with pytest.raises(UnetError, match=r"labels of 0.png are a mask"):
        refuse_masks(named(np.stack([array for _, array in masks])), "go")


def test_instances_are_no_mask():
    refuse_masks(named(squares(1, 2, 3), squares(1, 1)), "go")
    refuse_masks(named(squares(1, 1), squares(2, 2)), "go")
    refuse_masks(named(squares()), "go")
    refuse_masks([], "go")


def test_one_object_an_image_is_no_mask():
    slip = squares(1)
    slip[30, 30] = 1
    refuse_masks(named(squares(1), slip), "go")
    refuse_masks(named(squares(1), squares(1), squares(1, 1)), "go")
    refuse_masks(named(np.stack([squares(1)] * 5)), "go")


def test_one_branching_object_of_a_volume_is_no_mask():
    volume = np.stack([squares(1, 1)] * 3)
    volume[-1, :6] = 1
    refuse_masks(named(volume), "go")


def test_no_more_is_read_than_it_takes_to_see_a_second_value():
    def read():
        yield "a", squares(1, 2)
        raise AssertionError

    refuse_masks(read(), "go")
