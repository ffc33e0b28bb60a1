"""What the inputs of a network read in the window: channels, layers or nothing, segmented and taught."""

import numpy as np
import pytest

from napari_unet.segmentation import segment as segmented
from napari_unet.widgets.autosave.restoring import restore
from napari_unet.widgets.teach.work import starting_model
from napari_unet.widgets.viewer.annotation_layers import new_annotation_layer
from napari_unet.widgets.viewer.inputs import read_choices
from napari_unet.widgets.viewer.layers import read_layer
from napari_unet.widgets.viewer.notes import ImageReference, InputChoice, LayerNotes, notes_of
from tests.conftest import make_image_model, make_two_input_model
from tests.test_channels import CELLS, drawn_cells
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.saving import crash, look
from tests.widgets.segmenting import segment


@pytest.fixture
def two(tmp_path):
    return make_two_input_model().save(tmp_path / "two.safetensors")


@pytest.fixture
def wanted(two):
    return segmented(np.stack(drawn_cells()), two, axes="CYX")


def rows(boxes):
    """Return what the labels of the boxes say, and what is chosen in them."""
    form = boxes.layout()
    shown = [box for box in boxes.boxes if not box.isHidden()]
    return [(form.labelForField(box).text(), box.currentText()) for box in shown]


def choose(box, text):
    """Choose a text as a user does: the box must offer it."""
    assert text in [box.itemText(number) for number in range(box.count())]
    box.setCurrentText(text)


def test_two_layers_are_the_inputs_by_their_names(viewer, segment_panel, qtbot, two, wanted):
    cells, borders = drawn_cells()
    viewer.add_image(borders, name="embryo borders", scale=(2, 3))
    viewer.add_image(cells, name="embryo cells", scale=(2, 3))
    viewer.add_image(cells[:40], name="smaller", scale=(2, 3))
    viewer.add_image(cells, name="elsewhere", scale=(2, 3), translate=(5, 0))
    segment_panel.image.value = viewer.layers["embryo cells"]
    segment_panel.model.choose_file(two.path)
    boxes = segment_panel.inputs
    assert rows(boxes) == [("cells", "embryo cells"), ("borders", "embryo borders")]
    offered = [boxes.boxes[1].itemText(number) for number in range(boxes.boxes[1].count())]
    assert offered == ["embryo cells", "embryo borders", "none"], "others have another size or place"
    labels = segment(qtbot, segment_panel)
    np.testing.assert_array_equal(labels.data, wanted)
    np.testing.assert_array_equal(labels.scale, (2, 3))
    assert labels.name == "embryo cells (two, embryo cells and embryo borders)"
    assert notes_of(labels).settings["inputs"] == {"cells": "embryo cells", "borders": "embryo borders"}
    assert notes_of(labels).provenance["command"] == "", "no command reads two images as one"


def test_channels_of_one_layer_are_chosen_by_a_click_and_left_out(viewer, segment_panel, qtbot, two, wanted):
    layer = viewer.add_image(np.stack([*drawn_cells()[::-1], np.zeros((80, 64))]), name="three")
    layer.axis_labels = ("c", "y", "x")
    segment_panel.model.choose_file(two.path)
    boxes = segment_panel.inputs
    assert not segment_panel._form.isRowVisible(segment_panel.channel)
    choose(boxes.boxes[0], "channel 1")
    choose(boxes.boxes[1], "channel 0")
    np.testing.assert_array_equal(segment(qtbot, segment_panel).data, wanted)
    choose(boxes.boxes[1], "none")
    merged = segment(qtbot, segment_panel)
    assert (merged.data.max(), wanted.max()) == (1, CELLS)
    assert any("No channel was given for borders" in sentence for sentence in messages())
    segment_panel.model.choose_name("nuclei")
    assert boxes.isHidden()
    assert segment_panel._form.isRowVisible(segment_panel.channel)


def test_a_renamed_layer_stays_chosen_and_a_closed_one_is_said(viewer, segment_panel, qtbot, two):
    cells, borders = drawn_cells()
    other = viewer.add_image(borders, name="red")
    viewer.add_image(cells, name="green")
    segment_panel.model.choose_file(two.path)
    choose(segment_panel.inputs.boxes[1], "red")
    other.name = "farred"
    assert rows(segment_panel.inputs) == [("cells", "green"), ("borders", "farred")]
    viewer.layers.remove(other)
    assert rows(segment_panel.inputs) == [("cells", "green"), ("borders", "none")]


def test_corrections_teach_the_inputs_that_were_corrected(viewer, segment_panel, panel, qtbot, two):
    cells, borders = drawn_cells()
    viewer.add_image(borders, name="borders")
    viewer.add_image(cells, name="cells")
    segment_panel.model.choose_file(two.path)
    labels = segment(qtbot, segment_panel)
    qtbot.waitUntil(lambda: labels.visible)
    labels.data = np.where(labels.data == 1, 0, labels.data)
    request = panel._request()
    assert request.settings.channels == (0, 1)
    np.testing.assert_array_equal(np.asarray(request.paints[0].sees.array), np.stack([cells, borders]))


def test_a_new_network_sees_the_layers_that_are_chosen(viewer, panel, qtbot):
    cells, borders = drawn_cells()
    viewer.add_image(borders, name="actin")
    viewer.add_image(cells, name="DAPI")
    panel.form.model.choose_new()
    image = viewer.layers["DAPI"]
    paint = new_annotation_layer(viewer, image, read_layer(image))
    paint.data_setitem(np.nonzero(np.indices(cells.shape).sum(0) == 20), 2)
    paint.data_setitem(np.nonzero(np.indices(cells.shape).sum(0) == 90), 1)
    assert rows(panel.form.inputs) == [("It sees", "DAPI"), ("and", "none")]
    choose(panel.form.inputs.boxes[1], "actin")
    request = panel._request()
    assert [str(one) for one in starting_model(request).spec.inputs] == ["DAPI", "actin"]
    assert request.paints[0].sees.array.shape == (2, 80, 64)


def test_choices_of_inputs_come_back_from_notes():
    choices = (
        InputChoice(channel=2),
        InputChoice(image=ImageReference(id="a", name="b", path="c")),
        InputChoice(),
    )
    notes = LayerNotes(inputs=choices)
    assert LayerNotes.from_entry(notes.as_entry()).inputs == choices
    assert notes.lasting()["inputs"][0] == {"channel": 2}
    assert LayerNotes.from_entry({"inputs": [{"channel": -1}]}).inputs == ()


def test_a_restored_result_brings_the_choice_of_inputs_back(
    viewer, segment_panel, saver, qtbot, two, make_napari_viewer, monkeypatch
):
    cells, borders = drawn_cells()
    viewer.add_image(borders, name="red")
    viewer.add_image(cells, name="green")
    segment_panel.model.choose_file(two.path)
    choose(segment_panel.inputs.boxes[1], "red")
    labels = segment(qtbot, segment_panel)
    qtbot.waitUntil(lambda: labels.visible)
    labels.data_setitem(np.nonzero(labels.data == 1), 0)
    look(saver, qtbot)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    for name, pixels in (("green", cells), ("red", borders)):
        second.add_image(pixels, name=name)
    restore(second, session)
    known = notes_of(second.layers["green"]).inputs
    assert [(choice.channel, choice.image and choice.image.name) for choice in known] == [(0, None), (None, "red")]
    seen, channels = read_choices(second, read_layer(second.layers["green"]), known)
    np.testing.assert_array_equal(np.asarray(seen.array), np.stack([cells, borders]))
    assert channels == (0, 1)


def test_a_network_that_gives_images_adds_an_image_over_its_own(viewer, segment_panel, qtbot, tmp_path):
    model = make_image_model().save(tmp_path / "clean.safetensors")
    image = np.random.default_rng(0).normal(100, 10, (64, 48))
    viewer.add_image(image, name="noisy", scale=(0.5, 0.25), translate=(3, 4))
    segment_panel.model.choose_file(model.path)
    click(qtbot, segment_panel.job.start_button)
    wait_until_done(qtbot, segment_panel)
    made = viewer.layers["noisy (denoised)"]
    np.testing.assert_array_equal(made.data, segmented(image, model))
    np.testing.assert_array_equal((made.scale, made.translate), ((0.5, 0.25), (3, 4)))
    assert "an image (denoised)" in segment_panel.job.status.text()
