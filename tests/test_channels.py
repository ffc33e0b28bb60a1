"""Several input channels: named inputs, each measured by itself, whatever way its channel came."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_unet.arrays.channel_stack import ChannelStack
from napari_unet.arrays.channels import Input, resolve_channels
from napari_unet.arrays.source import Source
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.images import open_image, read_labels
from napari_unet.models.spec import ModelSpec
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import segment, segment_steps
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_two_input_model

CELLS = 12
SIDE = 16


def drawn_cells():
    """Return (cells, borders): 12 touching cells of equal brightness, and the dim lines between them."""
    cells, borders = np.full((80, 64), 10.0), np.full((80, 64), 2.0)
    cells[8:72, 8:56] = 200
    for start in range(8, 73, SIDE):
        borders[start - 1 : start + 1, 7:57] = 3
    for start in range(8, 57, SIDE):
        borders[7:73, start - 1 : start + 1] = 3
    return cells, borders


@pytest.fixture(scope="module")
def model():
    return make_two_input_model()


@pytest.fixture(scope="module")
def wanted(model):
    return segment(np.stack(drawn_cells()), model, axes="CYX")


def test_two_channels_part_what_either_of_them_merges(model, wanted):
    cells, borders = drawn_cells()
    assert wanted.max() == CELLS
    assert segment(cells, model).max() == 1
    assert segment(np.stack([np.zeros_like(cells), borders]), model, axes="CYX").max() == 0


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_a_dim_channel_counts_as_much_as_a_bright_one(model, wanted, factor):
    cells, borders = drawn_cells()
    np.testing.assert_array_equal(segment(np.stack([cells, factor * borders]), model, axes="CYX"), wanted)


@pytest.mark.parametrize("lazy", [False, True])
def test_two_images_are_the_channels_of_one(model, wanted, lazy):
    cells, borders = drawn_cells()
    if lazy:
        da = pytest.importorskip("dask.array")
        cells, borders = da.from_array(cells, chunks=32), da.from_array(borders, chunks=32)
    stack = ChannelStack([borders, cells])
    np.testing.assert_array_equal(segment(stack, model, axes="CYX", channels=(1, 0)), wanted)


@pytest.mark.parametrize("way", ["by name", "by number", "unasked"])
def test_channels_of_a_file_are_found_by_name_and_number_from_the_command_line(model, wanted, tmp_path, way):
    file = model.save(tmp_path / "two.safetensors").path
    cells, borders = drawn_cells()
    image = np.stack([np.zeros_like(cells), borders, cells]).astype(np.float32)
    names = ["dust", "Borders", "cells"]
    tifffile.imwrite(tmp_path / "cells.ome.tif", image, metadata={"axes": "CYX", "Channel": {"Name": names}})
    assert open_image(tmp_path / "cells.ome.tif").channel_names == tuple(names)
    asked = {"by name": ["--channels", "cells,borders"], "by number": ["--channels", "2,1"], "unasked": []}[way]
    command = ["segment", str(tmp_path / "cells.ome.tif"), "--model", str(file), *asked]
    assert main([*command, "--output", str(tmp_path / "mask.tif")]) == 0
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.tif").array, wanted)


def test_a_plan_and_its_provenance_say_what_each_input_read(model):
    source = Source.of(np.stack(drawn_cells()[::-1]), "CYX", channel_names=("488", "640"))
    plan = finish(plan_segmentation(source, model, SegmentationSettings(channels=("640", 488))))
    assert plan.selection.channels == (1, 0)
    said = segmentation_provenance(plan, source="cells.tif")["settings"]
    assert (said["channels"], said["inputs"]) == ([1, 0], {"cells": "640", "borders": "488"})


def test_an_optional_input_that_is_missing_is_said_and_zero(model):
    cells, _ = drawn_cells()
    result = finish(segment_steps(cells, model))
    assert "No channel was given for borders; two works without it." in result.remarks
    (plane,) = result.plan.planes()
    seen = plane.read((slice(0, 80), slice(0, 64)))
    assert (seen[0].max(), seen[1].any()) == (1, False)
    both = finish(segment_steps(np.stack([cells, cells]), model, axes="CYX"))
    assert not any("borders" in remark for remark in both.remarks)


BOTH = (Input("cells"), Input("nuclei", optional=True))


@pytest.mark.parametrize(
    ("count", "chosen", "names", "found"),
    [
        (2, None, (), (0, 1)),
        (2, None, ("nuclei", "cells"), (1, 0)),
        (4, None, ("a", "Cells", "b", "c"), (1, None)),
        (1, None, (), (0, None)),
        (3, (2,), (), (2, None)),
        (3, ("b", "a"), ("a", "b", "c"), (1, 0)),
        (3, (0, None), (), (0, None)),
        (2, (640,), ("640", "488"), (0, None)),
    ],
)
def test_inputs_find_their_channels(count, chosen, names, found):
    assert resolve_channels({"C": count, "Y": 9, "X": 9}, BOTH, chosen, names) == found


@pytest.mark.parametrize(
    ("count", "chosen", "names", "sentence"),
    [
        (
            3,
            None,
            ("a", "b", "c"),
            r"3 channels \(a, b, c\), the model takes 2 \(cells, nuclei \(optional\)\): say",
        ),
        (2, (None, 1), (), "the model needs its input cells: choose a channel for it"),
        (2, (0, 1, 1), (), "the model reads 2 channels"),
        (2, ("dapi",), ("a", "b"), r"channel dapi does not exist: the image has channels 0 to 1 \(a, b\)"),
        (2, ("a",), ("a", "A"), "several channels are called a"),
    ],
)
def test_what_no_input_can_read_is_a_sentence(count, chosen, names, sentence):
    with pytest.raises(UnetError, match=sentence):
        resolve_channels({"C": count, "Y": 9, "X": 9}, BOTH, chosen, names)


def test_a_model_file_keeps_the_names_of_its_inputs(model, tmp_path):
    saved = model.save(tmp_path / "two.safetensors")
    assert saved.spec.inputs == (Input("cells"), Input("borders", optional=True))
    assert "inputs" not in ModelSpec(name="a", architecture="padded", arguments={}).to_json()


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ((Input("a"),), "reads 2 channels cannot have the inputs a"),
        ((Input("a"), Input("A")), "inputs must have different names"),
        ((Input("a", True), Input("b", True)), "one input at least must not be optional"),
        ((Input("a"), Input("")), "needs a name"),
    ],
)
def test_inputs_that_do_not_fit_a_network_are_refused(model, inputs, sentence):
    with pytest.raises(UnetError, match=sentence):
        replace(model.spec, inputs=inputs)


def test_channels_of_different_sizes_are_refused():
    with pytest.raises(UnetError, match="channels must have one shape"):
        ChannelStack([np.zeros((3, 4)), np.zeros((4, 3))])


def test_a_stack_of_channels_slices_as_the_array_does():
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 9, (4, 6)), rng.integers(0, 9, (4, 6)).astype(np.uint8)]
    whole, stack = np.stack(parts), ChannelStack(parts)
    assert (stack.shape, stack.ndim, stack.dtype) == (whole.shape, whole.ndim, whole.dtype)
    for key in [0, (1, slice(1, 3)), (slice(None), 2), (slice(None), slice(None), slice(0, 6, 2)), ...]:
        np.testing.assert_array_equal(stack[key], whole[key])
