"""Painting needs no label numbers: three toggles, by clicks and by keys."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.widgets.viewer.notes import ANNOTATION, RESULT, LayerNotes, as_metadata, role_of
from napari_unet.widgets.viewer.paint import image_reference
from tests.widgets.conftest import click, messages
from tests.widgets.painting import dots, on_canvas


def stroke(viewer, qtbot, layer, *points):
    """Drag the mouse over data points, with the tool that is in hand."""
    native = viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(viewer, layer, point) for point in points]
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        qtbot.mouseMove(native, spot)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=spots[-1])


def press(viewer, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


@pytest.fixture
def brushes(panel):
    return panel.tools.brushes


def result_on(viewer, image, labels, **provenance):
    notes = LayerNotes(
        role=RESULT, image=image_reference(image), predictions=(labels.copy(),), provenance=provenance
    )
    return viewer.add_labels(labels, name="result", metadata=as_metadata(notes))


def test_every_stroke_is_an_object_of_its_own_on_a_new_layer(viewer, brushes, qtbot):
    viewer.add_image(dots(), name="dots")
    click(qtbot, brushes.object)
    layer = viewer.layers[-1]
    assert role_of(layer) == ANNOTATION
    assert brushes.object.isChecked()
    stroke(viewer, qtbot, layer, (20, 20), (20, 24))
    stroke(viewer, qtbot, layer, (52, 20), (52, 24))
    assert (layer.data[20, 20], layer.data[52, 20]) == (2, 3)
    press(viewer, qtbot, Qt.Key.Key_G)
    assert brushes.background.isChecked()
    assert not brushes.object.isChecked()
    stroke(viewer, qtbot, layer, (36, 30), (36, 60))
    stroke(viewer, qtbot, layer, (68, 30), (68, 60))
    assert (layer.data[36, 30], layer.data[68, 30]) == (1, 1)
    press(viewer, qtbot, Qt.Key.Key_D)
    stroke(viewer, qtbot, layer, (84, 20), (84, 24))
    assert layer.data[84, 20] == 4
    press(viewer, qtbot, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    stroke(viewer, qtbot, layer, (84, 20), (84, 24))
    assert layer.data[84, 22] == 0
    press(viewer, qtbot, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    assert layer.mode == "pan_zoom"


def test_on_a_result_an_object_is_new_and_background_is_none(viewer, brushes, qtbot):
    image = viewer.add_image(dots(), name="dots")
    labels = np.zeros((96, 128), np.uint16)
    labels[15:25, 15:25], labels[50:60, 50:60] = 1, 7
    result = result_on(viewer, image, labels, values="objects")
    viewer.layers.selection.active = image
    click(qtbot, brushes.object)
    assert viewer.layers.selection.active == result, "the result is what is corrected"
    stroke(viewer, qtbot, result, (84, 100), (84, 104))
    assert result.data[84, 100] == 8
    click(qtbot, brushes.background)
    stroke(viewer, qtbot, result, (18, 16), (18, 24))
    assert result.data[18, 16] == 0
    assert result.data.max() == 8


def test_a_brush_is_put_down_when_another_tool_or_layer_is_taken(viewer, brushes, qtbot):
    image = viewer.add_image(dots(), name="dots")
    click(qtbot, brushes.object)
    layer = viewer.layers[-1]
    layer.mode = "fill"
    assert not brushes.object.isChecked()
    press(viewer, qtbot, Qt.Key.Key_E)  # napari's own
    assert brushes.eraser.isChecked()
    click(qtbot, brushes.object)
    viewer.layers.selection.active = image
    assert not brushes.object.isChecked()
    layer.data_setitem((np.array([0]), np.array([0])), 5)
    assert layer.selected_label == 2, "nobody holds the object brush"


def test_of_classes_the_chosen_one_stays(viewer, brushes, qtbot):
    image = viewer.add_image(dots(), name="dots")
    result = result_on(viewer, image, np.zeros((96, 128), np.uint8), values="classes")
    result.selected_label = 2
    click(qtbot, brushes.object)
    stroke(viewer, qtbot, result, (20, 20), (20, 24))
    stroke(viewer, qtbot, result, (52, 20), (52, 24))
    assert set(np.unique(result.data)) == {0, 2}


def test_where_no_id_is_left_the_user_reads_so(viewer, brushes, qtbot):
    image = viewer.add_image(dots(), name="dots")
    labels = np.zeros((96, 128), np.uint8)
    labels[0, 0] = 255
    result_on(viewer, image, labels, values="objects")
    click(qtbot, brushes.object)
    assert "has no ids left" in messages()[-1]
    assert not brushes.object.isChecked()


def test_keys_are_in_the_tooltips_and_go_with_the_panel(viewer, segment_panel, panel, qtbot):
    brushes = panel.tools.brushes
    for button, key in (
        (brushes.object, "D"),
        (brushes.eraser, "Shift+E"),
        (segment_panel.job.start_button, "Shift+S"),
    ):
        assert button.toolTip().endswith(f"Key: {key}")
    press(viewer, qtbot, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert "There is no image" in messages()[-1]
    bound = len(viewer.keymap)
    viewer.window.remove_dock_widget(panel)
    assert len(viewer.keymap) < bound
