"""Calibration belongs to the layer: what napari derives from an image has it, too."""

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from napari.layers import _layer_actions as actions

from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.channels import split_channels
from napari_unet.widgets.viewer.layers import labels_axes, pixel_size, read_layer

STACK = np.zeros((2, 32, 40), np.uint16)
STACK[:, 8:16, 8:16] = 500


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    watch_layers(viewer)
    return viewer


def open_stack(viewer, tmp_path, axes="ZYX", **facts):
    tifffile.imwrite(
        tmp_path / "a.tif", STACK, imagej=True, resolution=(5, 4), metadata={"axes": axes, "unit": "um", **facts}
    )
    [layer] = viewer.open(tmp_path / "a.tif")
    viewer.layers.selection = {layer}
    return layer


def size_of(layer):
    axes = labels_axes(layer) if isinstance(layer, Labels) else read_layer(layer).axes
    size = pixel_size(layer, axes)
    return size and (dict(size.by_axis), size.stated)


PLANE = ({"Y": 0.25, "X": 0.2}, True)
VOLUME = ({"Z": 1.5, "Y": 0.25, "X": 0.2}, True)


def test_planes_projections_copies_and_merged_stacks_keep_the_pixel_size(viewer, tmp_path):
    stack = open_stack(viewer, tmp_path, spacing=1.5)
    assert size_of(stack) == VOLUME
    actions._duplicate_layer(viewer.layers)
    assert size_of(viewer.layers[-1]) == VOLUME
    viewer.layers.selection = {stack}
    actions._project(viewer.layers, axis=0, mode="max")
    assert size_of(viewer.layers[-1]) == PLANE
    viewer.layers.selection = {stack}
    actions._convert_to_labels(viewer.layers)
    assert isinstance(viewer.layers[0], Labels)
    assert size_of(viewer.layers[0]) == VOLUME
    stack = open_stack(viewer, tmp_path, spacing=1.5)
    actions._split_stack(viewer.layers)
    planes = viewer.layers[-2:]
    assert [size_of(plane) for plane in planes] == [PLANE, PLANE]
    viewer.layers.selection = set(planes)
    actions._merge_stack(viewer.layers)
    assert size_of(viewer.layers[-1]) == VOLUME, "the planes were of a stack of known spacing"


def test_labels_drawn_on_an_image_have_its_pixel_size(viewer, tmp_path):
    image = open_stack(viewer, tmp_path, spacing=1.5)
    drawn = viewer.add_labels(np.zeros(STACK.shape, np.uint16))
    assert size_of(drawn) == VOLUME
    assert size_of(viewer.add_labels(np.zeros(STACK.shape, np.uint16), scale=(1, 2, 2)))[0] != VOLUME[0]
    viewer.layers.selection.active = image
    viewer._new_labels()
    assert size_of(viewer.layers[-1]) == VOLUME


def test_what_the_user_says_of_a_layer_is_kept_where_napari_drops_its_units(viewer):
    layer = viewer.add_image(STACK, scale=(1, 1, 1))
    layer.scale, layer.units = (3, 0.5, 0.4), ("um", "um", "um")
    viewer.layers.selection = {layer}
    actions._split_stack(viewer.layers)
    assert {str(unit) for unit in viewer.layers[0].units} == {"pixel"}
    assert size_of(viewer.layers[0]) == ({"Y": 0.5, "X": 0.4}, True)
    viewer.layers[0].scale = (0.7, 0.7)
    assert size_of(viewer.layers[0]) == ({"Y": 0.7, "X": 0.7}, False), "another scale is another statement"


def test_files_opened_as_a_stack_have_the_pixel_size_of_one(viewer, tmp_path):
    paths = [tmp_path / f"{number}.tif" for number in range(2)]
    for path in paths:
        tifffile.imwrite(path, STACK[0], imagej=True, resolution=(5, 4), metadata={"axes": "YX", "unit": "um"})
    [layer] = viewer.open(paths, stack=True)
    assert layer.data.shape == STACK.shape
    assert size_of(layer) == PLANE


def test_channels_split_by_us_keep_it_and_the_frame_interval(viewer, tmp_path):
    movie = np.zeros((3, 2, 32, 40), np.uint16)
    facts = {"axes": "TCYX", "unit": "um", "finterval": 30.0}
    tifffile.imwrite(tmp_path / "m.tif", movie, imagej=True, resolution=(5, 4), metadata=facts)
    [layer] = viewer.open(tmp_path / "m.tif")
    channels = split_channels(viewer, layer, "TCYX")
    assert [size_of(channel) for channel in channels] == [({"T": 30.0, "Y": 0.25, "X": 0.2}, True)] * 2


def test_the_axes_that_are_left_of_a_file_are_told_by_their_lengths(viewer, tmp_path):
    movie = np.zeros((3, 5, 32, 40), np.uint16)
    facts = {"axes": "TZYX", "unit": "um", "finterval": 30.0, "spacing": 2.0}
    tifffile.imwrite(tmp_path / "m.tif", movie, imagej=True, resolution=(5, 4), metadata=facts)
    [layer] = viewer.open(tmp_path / "m.tif")
    viewer.layers.selection = {layer}
    actions._project(viewer.layers, axis=1, mode="max")
    assert read_layer(viewer.layers[-1]).axes == "TYX"
    assert size_of(viewer.layers[-1]) == ({"T": 30.0, "Y": 0.25, "X": 0.2}, True)


def test_another_image_of_the_file_is_no_stack_of_the_first(viewer, tmp_path):
    """A reader may show the second image of a file; what the header says of the first is none of its."""
    stack = open_stack(viewer, tmp_path, spacing=1.5)
    other = viewer.add_image(np.zeros((7, 9)))
    other._set_source(stack.source)
    assert size_of(other) is None
