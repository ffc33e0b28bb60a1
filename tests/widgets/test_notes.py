"""What we note of a layer: typed, written and read in one place; also of former versions."""

import json

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.files.tiff import TiffHeader
from napari_unet.widgets.viewer.layers import pixel_size
from napari_unet.widgets.viewer.notes import (
    KEY,
    RESULT,
    ImageReference,
    LayerNotes,
    as_metadata,
    is_copy,
    notes_of,
    sign,
    write_notes,
)

FULL = LayerNotes(
    role=RESULT,
    layer="7",
    image=ImageReference(id="3", name="cells", path="/data/cells.tif"),
    kind="nuclei, ab12",
    axes="ZYX",
    origin=(3, 20, 30),
    provenance={"settings": {"channel": 1, "zoom": 0.5}},
    model_path="/models/nuclei.safetensors",
    predictions=(np.eye(3, dtype=np.uint16),),
    stored=np.eye(3, dtype=np.uint16),
    file_channel=2,
    image_axes="CZYX",
    pixel_size=PixelSize({"Z": 2.0, "Y": 0.5, "X": 0.2, "T": 30.0}),
    header=TiffHeader(shape=(3, 4), axes="YX", pixel_size=None, provenance=None),
    header_read=True,
)


def test_notes_come_back_as_they_were_written():
    layer = Labels(np.eye(3, dtype=np.uint16), metadata={"of another plugin": 1})
    write_notes(layer, FULL)
    assert layer.metadata["of another plugin"] == 1
    back = notes_of(layer)
    for name in FULL.__slots__:
        np.testing.assert_equal(getattr(back, name), getattr(FULL, name), name)
    assert (back.channel, back.settings["zoom"]) == (1, 0.5)


def test_what_a_session_keeps_is_json_and_enough():
    back = LayerNotes.from_entry(json.loads(json.dumps(FULL.lasting())))
    for name in ("role", "kind", "axes", "origin", "provenance", "model_path", "pixel_size"):
        assert getattr(back, name) == getattr(FULL, name)
    assert back.image is None


@pytest.mark.parametrize("origin", [[float("inf"), 0], [float("nan")], "x", 5, [[1]], [None]])
def test_an_origin_that_is_no_place_is_none(origin):
    assert LayerNotes.from_entry({"origin": origin}).origin == ()


def test_notes_of_former_versions_are_understood():
    former = {
        "role": "result",
        "of": "3",
        "of_name": "cells",
        "of_path": "",
        "image": "3",
        "file_sizes": {"Z": 2.0, "Y": 0.5, "X": 0.2},
        "axes": "ZYX",
        "origin": [1, 2, 3],
        "predictions": [np.ones(3)],
        "provenance": {"settings": {"channel": None}},
    }
    notes = LayerNotes.from_entry(former)
    assert notes.pixel_size == PixelSize({"Z": 2.0, "Y": 0.5, "X": 0.2})
    assert notes.image == ImageReference(id="3", name="cells")
    assert (notes.role, notes.origin, len(notes.predictions)) == ("result", (1, 2, 3), 1)


@pytest.mark.parametrize(
    "entry",
    [
        None, 5, "text", [],
        {"role": 3, "origin": "abc", "provenance": [], "pixel_size": 4, "file": "x"},
        {"origin": [[1]], "predictions": 5, "stored": "x", "pixel_size": {"X": "wide", 3: 4}},
        {"file_sizes": None, "provenance": {"settings": 7}},
    ],
)  # fmt: skip
def test_what_another_program_wrote_under_our_key_counts_as_nothing(entry):
    layer = Labels(np.eye(3, dtype=np.uint16), metadata={KEY: entry})
    notes = notes_of(layer)
    assert (notes.role, notes.origin, notes.pixel_size, dict(notes.settings)) == ("", (), None, {})
    assert notes.header is None


def test_a_copy_of_a_layer_is_told_from_it():
    layer = Labels(np.eye(3, dtype=np.uint16), metadata=as_metadata(LayerNotes(role=RESULT)))
    sign(layer)
    assert not is_copy(layer)
    assert is_copy(Labels(layer.data, metadata=layer.metadata))
    assert not is_copy(Labels(layer.data)), "of a layer without notes nothing is known"


@pytest.mark.parametrize(
    ("labels", "scale", "units", "size", "stated"),
    [
        ("yxz", (0.5, 0.2, 2), ("um",) * 3, {"Z": 2.0, "Y": 0.5, "X": 0.2}, True),
        ("tyx", (500, 250, 200), ("ms", "nm", "nm"), {"T": 0.5, "Y": 0.25, "X": 0.2}, True),
        ("zyx", (1, 0.5, 0.2), ("pixel", "um", "um"), {"Y": 0.5, "X": 0.2}, True),
        ("tyx", (3, 0.5, 0.2), ("pixel", "um", "um"), {"Y": 0.5, "X": 0.2}, True),
        ("xy", (0.2, -0.5), ("pixel",) * 2, {"Y": 0.5, "X": 0.2}, False),
    ],
)
def test_sizes_belong_to_named_axes(labels, scale, units, size, stated):
    layer = Image(np.zeros((4,) * len(labels)), axis_labels=tuple(labels), scale=scale, units=units)
    found = pixel_size(layer, labels.upper())
    assert found.by_axis == pytest.approx(size)
    assert found.stated is stated


@pytest.mark.parametrize(
    "placing",
    [
        {"affine": np.diag([2, 2.5, 1])},
        {"scale": (0.5, 0.2), "affine": np.diag([4, 12.5, 1]), "translate": (1e6, 3e6)},
        {"scale": (2, 2.5), "affine": [[0, 1, 0], [-1, 0, 7], [0, 0, 1]]},
        {"scale": (2, 2.5), "rotate": 30},
    ],
    ids=["affine", "both", "turned", "rotated"],
)
def test_sizes_are_those_of_the_affine_too(placing):
    layer = Labels(np.zeros((4, 5), np.uint8), units=("um", "um"), **placing)
    assert pixel_size(layer, "YX").um == pytest.approx((2, 2.5))


def test_nothing_is_known_of_a_layer_that_says_nothing():
    assert pixel_size(Image(np.zeros((4, 4, 4))), "ZYX") is None
