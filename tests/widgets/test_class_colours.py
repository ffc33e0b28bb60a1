"""Classes are shown in the colours of the images that they were learnt from, and called by them."""

import numpy as np
from napari.layers import Labels

from napari_unet.widgets.viewer.paint import show_classes
from tests.widgets.conftest import click, wait_until_done
from tests.widgets.segmenting import nuclei_image


def shown(layer, value):
    return tuple(np.round(layer.colormap.map(np.array([value]))[0], 3).tolist())


def test_marks_become_colours():
    layer = Labels(np.array([[0, 1, 2]], np.uint8))
    show_classes(layer, ("background", "red", "value 7"), ("#000000", "#ff0000", "#0000ff"))
    assert shown(layer, 0)[3] == 0
    assert shown(layer, 1) == (1, 0, 0, 1)
    assert shown(layer, 2) == (0, 0, 1, 1)
    assert layer.features["meaning"].tolist() == ["background", "red", "value 7"]


def test_grey_values_and_damaged_marks_leave_the_colours_of_napari():
    layer = Labels(np.array([[0, 1, 2]], np.uint8))
    former = shown(layer, 1)
    show_classes(layer, ("background", "value 128", "?"), ("0", "128", "#zzzzzz"))
    assert shown(layer, 1) == former


def test_a_result_of_classes_has_the_colours_of_its_model(viewer, segment_panel, qtbot, tmp_path):
    from napari_unet.models.class_marks import class_names
    from napari_unet.models.fresh import fresh_model

    marks = ("#000000", "#ff0000", "#00ff00")
    model = fresh_model(classes=class_names(3, marks), class_marks=marks).save(tmp_path / "tissue.safetensors")
    viewer.add_image(nuclei_image())
    segment_panel.model.choose_file(model.path)
    click(qtbot, segment_panel.job.start_button)
    wait_until_done(qtbot, segment_panel)
    layer = viewer.layers[-1]
    assert layer.features["meaning"].tolist() == ["background", "red", "lime"]
    assert shown(layer, 1) == (1, 0, 0, 1)
