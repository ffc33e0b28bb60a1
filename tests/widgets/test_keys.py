"""Keys press the same buttons over the canvas and anywhere in the dock, but are typed in boxes of text."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QPushButton

from napari_unet.widgets.viewer.shortcuts import ACCEPT, bind_keys
from tests.widgets.conftest import PLUGIN, messages, type_key, wait_until_done
from tests.widgets.test_results import click_row, settle

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def workspace(viewer, qtbot):
    """Return the dock with a measured mask of three squares in Results; its image is the active layer."""
    labels = np.zeros((40, 60), np.uint8)
    labels[5:15, 5:15], labels[5:15, 15:25], labels[25:30, 40:50] = 1, 2, 3
    image = viewer.add_image(labels * 20.0, name="squares")
    viewer.add_labels(labels, name="mask")
    workspace = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    panel = workspace.show_tab("Results")
    qtbot.waitUntil(lambda: panel.measured is not None, timeout=300000)
    wait_until_done(qtbot, panel)
    settle(qtbot, panel)
    viewer.layers.selection.active = image
    return workspace


def test_keys_pass_by_tables_and_lists(viewer, workspace, qtbot):
    panel, mask = workspace.panels["Results"], viewer.layers["mask"]
    before = mask.data.copy()
    click_row(qtbot, panel, 1)
    click_row(qtbot, panel, 2, CONTROL)
    type_key(qtbot, panel.table, Qt.Key.Key_J)
    assert set(np.unique(mask.data)) == {0, 1, 3}
    settle(qtbot, panel)
    assert set(panel.table.rows.ids()) == {1, 3}
    assert panel.line.text() == "Merged objects 1, 2. Undo: Ctrl+Z."
    type_key(qtbot, panel.table, Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(mask.data, before)
    settle(qtbot, panel)
    click_row(qtbot, panel, 3)
    type_key(qtbot, panel.images, Qt.Key.Key_Delete)
    assert set(np.unique(mask.data)) == {0, 1, 2}
    type_key(qtbot, workspace.subject.model, Qt.Key.Key_K)
    assert panel.tools.is_cutting


def test_an_image_may_be_active(viewer, workspace, qtbot):
    panel, mask = workspace.panels["Results"], viewer.layers["mask"]
    panel.table.select_ids([1, 2])
    type_key(qtbot, viewer.window._qt_viewer.canvas.native, Qt.Key.Key_J)
    assert set(np.unique(mask.data)) == {0, 1, 3}
    type_key(qtbot, viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, CONTROL)
    assert set(np.unique(mask.data)) == {0, 1, 2, 3}


def test_text_is_typed_and_no_command(viewer, workspace, qtbot):
    panel, mask = workspace.panels["Results"], viewer.layers["mask"]
    panel.table.select_ids([1, 2])
    for key in (Qt.Key.Key_J, Qt.Key.Key_S, Qt.Key.Key_Delete):
        type_key(qtbot, panel.filter, key)
    panel.bar.removal.setCurrentText("smaller than")
    type_key(qtbot, panel.bar.size, Qt.Key.Key_J)
    assert panel.filter.text() == "js"
    assert set(np.unique(mask.data)) == {0, 1, 2, 3}


def test_keys_of_another_tab_work_too(workspace, qtbot):
    workspace.subject.model.choose_new()
    type_key(qtbot, workspace.panels["Results"].table, Qt.Key.Key_S, SHIFT)
    assert "knows nothing yet" in messages()[-1]


def test_a_key_of_the_active_layers_own_goes_first(viewer, workspace, qtbot):
    panel, mask = workspace.panels["Results"], viewer.layers["mask"]
    points = viewer.add_points([[20, 20], [30, 30]])
    points.mode, points.selected_data = "select", {0}
    panel.table.select_ids([1])
    type_key(qtbot, panel.table, Qt.Key.Key_Delete)
    assert len(points.data) == 1
    assert set(np.unique(mask.data)) == {0, 1, 2, 3}


def test_return_is_enter(viewer, qtbot):
    panel, pressed = QComboBox(), []
    button = QPushButton(panel)
    button.clicked.connect(lambda: pressed.append(1))
    bind_keys(viewer, panel, {ACCEPT: button})
    viewer.window.add_dock_widget(panel)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        type_key(qtbot, panel, key, CONTROL)
    assert len(pressed) == 2
