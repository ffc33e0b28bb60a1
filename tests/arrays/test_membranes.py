"""Membranes part objects within a section, never across sections; stacks are taken plane by plane."""

import numpy as np
import pytest

from napari_unet.arrays.membranes import between_membranes, move_spatial_last, restore_axes, thinned


def crossed(line):
    """Membranes (40, 40) that cross at a line and so part four objects."""
    membranes = np.zeros((40, 40), np.uint8)
    membranes[line] = membranes[:, line] = 255
    return membranes


def test_every_section_of_a_stack_has_objects_of_its_own():
    sections = [crossed(20), crossed(15), crossed(25)]
    objects = between_membranes(np.stack(sections))
    assert [len(np.unique(plane[plane > 0])) for plane in objects] == [4, 4, 4]
    assert len(np.unique(objects[objects > 0])) == 12
    for plane, section in zip(objects, sections, strict=True):
        alone = between_membranes(section)
        np.testing.assert_array_equal(np.where(plane > 0, plane - plane[plane > 0].min() + 1, 0), alone)


def test_a_volume_is_one_where_it_is_said_so():
    assert len(np.unique(between_membranes(np.stack([crossed(20)] * 3), dims=3))) == 5


def test_thinning_a_stack_is_thinning_each_of_its_planes():
    stack = between_membranes(np.stack([crossed(20), crossed(10), np.ones((40, 40), np.uint8)]))
    np.testing.assert_array_equal(thinned(stack), [thinned(plane) for plane in stack])
    assert not thinned(stack)[2].any()


@pytest.mark.parametrize("axes", ["TZYX", "YXT", "XTYZ"])
def test_axes_go_last_and_come_back(axes):
    array = np.arange(24).reshape((2, 3, 4) if len(axes) == 3 else (2, 3, 4, 1))
    moved = move_spatial_last(array, axes)
    assert moved.shape[-2:] == (array.shape[axes.index("Y")], array.shape[axes.index("X")])
    np.testing.assert_array_equal(restore_axes(moved, axes), array)
