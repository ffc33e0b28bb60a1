"""The Results panel: a table that follows its labels, rows and objects that find each other, and proof-reading."""

import csv
import json

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

from napari_unet.files.tiff import read_provenance
from napari_unet.widgets.results import corrections
from napari_unet.widgets.viewer.notes import RESULT, LayerNotes, as_metadata
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, wait_until_done
from tests.widgets.painting import brush, on_canvas
from tests.widgets.saving import export

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def drawn():
    """Return labels (60, 80) and an image: 1 is at the border, 2 and 3 touch, 4 is two discs, 5 is small."""
    labels = np.zeros((60, 80), np.uint16)
    rows, columns = np.indices(labels.shape)
    labels[0:10, 5:15] = 1
    labels[20:32, 5:15], labels[20:32, 15:24] = 2, 3
    labels[((rows - 45) ** 2 + (columns - 45) ** 2 < 64) | ((rows - 45) ** 2 + (columns - 58) ** 2 < 64)] = 4
    labels[30:33, 60:63] = 5
    image = (labels * 10).astype(np.float32)
    return labels, image


@pytest.fixture
def results(viewer, drawn):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Results")[1]


@pytest.fixture
def layer(viewer, drawn, results, qtbot):
    """Return a result over its image, calibrated, with what the model had found."""
    labels, image = drawn
    place = {"scale": (0.5, 0.5), "units": ("um", "um")}
    viewer.add_image(image, name="cells", **place)
    notes = LayerNotes(role=RESULT, provenance={"model": "nuclei"}, predictions=(labels.copy(),))
    added = viewer.add_labels(labels.copy(), name="found", metadata=as_metadata(notes), **place)
    qtbot.wait(50)
    return added


@pytest.fixture
def measured(results, layer, qtbot):
    click(qtbot, results.job.start_button)
    wait_until_done(qtbot, results)
    settle(qtbot, results)
    return results


def settle(qtbot, panel):
    """Wait until the table shows the labels as they are now."""
    qtbot.wait(20)
    qtbot.waitUntil(lambda: not panel.follower.is_busy, timeout=300000)
    qtbot.wait(20)


def rows_of(panel):
    """Return what the cells of the table show, by label."""
    model = panel.table.rows
    cells = [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]
    return {int(line[0]): dict(zip(model.names, line, strict=True)) for line in cells}


def click_row(qtbot, panel, number, modifier=Qt.KeyboardModifier.NoModifier):
    """Click the row of an object."""
    row = panel.table.rows.ids().tolist().index(number)
    panel.table.scrollTo(panel.table.rows.index(row, 0))
    cell = panel.table.visualRect(panel.table.rows.index(row, 0)).center()
    qtbot.mouseClick(panel.table.viewport(), LEFT, modifier, pos=cell)


def click_object(qtbot, viewer, layer, point, modifier=Qt.KeyboardModifier.NoModifier):
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.mouseClick(canvas, LEFT, modifier, pos=on_canvas(viewer, layer, point))
    qtbot.wait(20)


def press(qtbot, viewer, key):
    viewer.window._qt_viewer.canvas.native.setFocus()
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key)
    qtbot.wait(20)


def test_measure_fills_the_table_and_the_features(measured, layer):
    shown = rows_of(measured)
    assert sorted(shown) == [1, 2, 3, 4, 5]
    assert shown[1]["area"] == "25"
    assert shown[2]["intensity_mean"] == "20"
    assert not {"bbox-0", "num_pixels"} & set(measured.table.rows.names)
    assert measured.table.rows.unit("area") == "µm²"
    assert layer.features["area"].tolist()[0] == 25
    assert measured.count.text() == "5 objects"
    assert measured.histogram.counts.sum() == 5


def test_a_click_on_a_column_sorts_and_the_filter_hides_rows(measured, qtbot):
    header = measured.table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(measured.table.rows.names.index("area")) + 10, header.height() // 2)
    qtbot.mouseClick(header.viewport(), LEFT, pos=at)
    ascending = measured.table.rows.ids().tolist()
    qtbot.mouseClick(header.viewport(), LEFT, pos=at)
    assert {tuple(ascending), tuple(measured.table.rows.ids())} == {(5, 1, 3, 2, 4), (4, 2, 3, 1, 5)}
    qtbot.keyClicks(measured.filter, "area > 25 and label<4")
    assert set(measured.table.rows.ids()) == {2, 3}
    assert measured.count.text() == "5 objects, 2 listed"
    assert measured.histogram.counts.sum() == 2
    measured.filter.setText("size > 3")
    assert "no column 'size'" in measured.line.text()
    assert len(measured.table.rows.rows) == 5


def test_rows_and_objects_find_each_other(measured, viewer, layer, qtbot):
    viewer.scene.camera.zoom = 40
    click_row(qtbot, measured, 5)
    assert layer.selected_label == 5
    assert viewer.scene.camera.center[-2:] == pytest.approx((15.5, 30.5))
    qtbot.wait(20)
    viewer.scene.camera.zoom, viewer.scene.camera.center = 8, (15, 20)
    qtbot.wait(20)
    click_object(qtbot, viewer, layer, (25, 10))
    assert measured.table.selected_ids() == [2]
    assert [index.row() for index in measured.table.selectionModel().selectedRows()] == [1]
    click_object(qtbot, viewer, layer, (25, 20), Qt.KeyboardModifier.ShiftModifier)
    assert measured.table.selected_ids() == [2, 3]


def test_every_correction_is_one_step_back(measured, viewer, layer, drawn, qtbot):
    labels, _ = drawn
    steps = {
        "delete": ([5], lambda after: not (after == 5).any()),
        "merge": ([3, 2], lambda after: (after[labels == 2] == 3).all()),
        "split": ([4], lambda after: set(np.unique(after[labels == 4])) == {4, 6}),
        "smooth": ([1], lambda after: (after != labels).any()),
    }
    for action, (ids, right) in steps.items():
        for number, one in enumerate(ids):
            click_row(
                qtbot,
                measured,
                one,
                Qt.KeyboardModifier.ControlModifier if number else Qt.KeyboardModifier.NoModifier,
            )
        assert measured.table.selected_ids() == ids
        click(qtbot, measured.bar.buttons[action])
        assert right(layer.data), action
        settle(qtbot, measured)
        assert set(rows_of(measured)) == set(np.unique(layer.data)) - {0}, action
        click(qtbot, measured.bar.buttons["undo"])
        np.testing.assert_array_equal(layer.data, labels, err_msg=action)
        settle(qtbot, measured)
        assert sorted(rows_of(measured)) == [1, 2, 3, 4, 5], action


def test_keys_correct_and_control_z_takes_back(measured, viewer, layer, drawn, qtbot):
    viewer.layers.selection.active = layer
    click_row(qtbot, measured, 5)
    press(qtbot, viewer, Qt.Key.Key_Delete)
    assert not (layer.data == 5).any()
    assert layer in viewer.layers
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn[0])
    click_row(qtbot, measured, 4)
    press(qtbot, viewer, Qt.Key.Key_S)
    assert (layer.data == 6).any()


@pytest.mark.usefixtures("pixels_drawn")
def test_a_line_across_an_object_cuts_it(measured, viewer, layer, drawn, qtbot):
    viewer.scene.camera.zoom, viewer.scene.camera.center = 10, (15, 20)
    qtbot.wait(20)
    click(qtbot, measured.bar.buttons["cut"])
    canvas = viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(viewer, layer, point) for point in ((34, 10), (26, 9), (18, 10))]
    qtbot.mousePress(canvas, LEFT, pos=spots[0])
    for spot in spots[1:]:
        qtbot.mouseMove(canvas, spot)
    centre = viewer.scene.camera.center
    qtbot.mouseRelease(canvas, LEFT, pos=spots[-1])
    assert set(np.unique(layer.data[drawn[0] == 2])) == {2, 6}
    assert viewer.scene.camera.center == centre
    assert not measured.tools.is_cutting
    assert layer.mouse_pan
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn[0])


@pytest.mark.parametrize(
    ("kind", "gone"),
    [("touching the border", {1}), ("smaller than", {5}), ("larger than", {4}), ("listed", {2, 3})],
)
def test_objects_are_removed_from_the_whole_image(measured, layer, drawn, qtbot, kind, gone):
    measured.filter.setText("area > 25 and label < 4")
    measured.bar.size.setValue({"smaller than": 5, "larger than": 50}.get(kind, 0))
    measured.bar.removal.setCurrentIndex(measured.bar.removal.findData(kind))
    click(qtbot, measured.bar.remove)
    assert set(np.unique(layer.data)) == {0, 1, 2, 3, 4, 5} - gone
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn[0])


@pytest.fixture
def all_is_large(monkeypatch):
    """Let every image count as one for which the window would have to wait, and every change as large."""
    for name in ("MAX_AT_ONCE", "MAX_INDEXED"):
        monkeypatch.setattr(corrections, name, 0)


@pytest.mark.parametrize(
    ("action", "right"),
    [("renumber", {0, 1, 2, 3, 4}), ("remove", {0, 7, 8, 9}), ("smooth", {0, 6, 7, 8, 9})],
)
def test_corrections_of_large_images_are_found_in_a_worker(results, layer, qtbot, all_is_large, action, right):
    layer.data[layer.data > 0] += 5
    layer.data[layer.data == 10] = 0
    before = layer.data.copy()  # 6 to 9, of which 6 is at the border
    told = []
    layer.events.paint.connect(told.append)
    results.table.select_ids([6])
    click(qtbot, results.bar.remove if action == "remove" else results.bar.buttons[action])
    np.testing.assert_array_equal(layer.data, before)  # the window goes on
    wait_until_done(qtbot, results)
    assert set(np.unique(layer.data)) == right, results.line.text()
    assert not np.array_equal(layer.data, before)
    assert "Undo: Ctrl+Z" in results.line.text()
    assert len(told) == 1  # autosave hears of it
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    assert set(np.unique(layer.data)) == right


def test_what_was_painted_meanwhile_is_not_overwritten(results, layer, qtbot, all_is_large):
    layer.data[layer.data == 1] = 9
    apply = results.proof._apply
    results.proof._apply = lambda *found: (layer.data_setitem((np.array([15]), np.array([30])), 12), apply(*found))
    click(qtbot, results.bar.buttons["renumber"])
    wait_until_done(qtbot, results)
    assert set(np.unique(layer.data)) == {0, 2, 3, 4, 5, 9, 12}
    assert "changed meanwhile" in results.line.text()


def test_an_action_waits_for_the_work_above(results, layer, qtbot, all_is_large):
    click(qtbot, results.bar.buttons["renumber"])
    click(qtbot, results.bar.remove)
    assert "Wait until" in results.line.text()
    wait_until_done(qtbot, results)


def test_regions_of_a_shapes_layer(results, viewer, layer, qtbot):
    area = np.array([[8, 0], [8, 14], [18, 14], [18, 0]])  # um: the rows 16 to 36 of the labels
    viewer.add_shapes([area], shape_type="polygon", name="tissue")
    results.regions.setCurrentIndex(results.regions.findText("tissue"))
    click(qtbot, results.job.start_button)
    wait_until_done(qtbot, results)
    assert {number: row["region"] for number, row in rows_of(results).items()} == {
        1: "0", 2: "1", 3: "1", 4: "0", 5: "0",
    }  # fmt: skip
    settle(qtbot, results)
    results.bar.removal.setCurrentIndex(results.bar.removal.findData("outside"))
    click(qtbot, results.bar.remove)
    assert set(np.unique(layer.data)) == {0, 2, 3}


def test_a_stroke_of_the_brush_changes_its_row_alone(measured, viewer, layer, qtbot):
    before = rows_of(measured)
    viewer.scene.camera.zoom, viewer.scene.camera.center = 8, (15, 20)
    qtbot.wait(20)
    brush(viewer, qtbot, layer, [(40, 10), (40, 14)], label=9, size=3)
    settle(qtbot, measured)
    after = rows_of(measured)
    assert 9 in after
    del after[9]
    assert after == before


def test_corrections_are_counted_in_tables_and_masks(measured, viewer, layer, qtbot, tmp_path, monkeypatch):
    click_row(qtbot, measured, 4)
    click(qtbot, measured.bar.buttons["split"])
    click_row(qtbot, measured, 5)
    click(qtbot, measured.bar.buttons["delete"])
    settle(qtbot, measured)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "cells.csv"), ""))
    click(qtbot, measured.export)
    wait_until_done(qtbot, measured)
    with (tmp_path / "cells.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["label"]) for line in lines] == [1, 2, 3, 4, 6]
    facts = json.loads((tmp_path / "cells.json").read_text())
    assert facts["labels"]["provenance"]["edited_by_hand"] == {"changed": 1, "added": 1, "removed": 1}
    assert facts["units"]["area"] == "um^2"
    assert facts["images"] == ["cells"]
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Export")[1]
    export(qtbot, panel, tmp_path / "mask.tif")
    assert (
        read_provenance(tmp_path / "mask.tif")["edited_by_hand"] == facts["labels"]["provenance"]["edited_by_hand"]
    )


def test_other_layers_have_their_own_table_and_the_panel_stays_narrow(measured, viewer, layer, qtbot):
    other = viewer.add_labels(np.eye(12, dtype=np.uint8), name="another layer " * 20)
    qtbot.wait(20)
    assert measured.layer is other
    assert measured.count.text() == "Not measured yet."
    assert measured.minimumSizeHint().width() <= 330
    assert measured.minimumWidth() <= 330
    viewer.layers.selection.active = layer
    assert len(rows_of(measured)) == 5
    viewer.layers.clear()
    assert measured.count.text() == "There are no labels: segment an image first."
    click(qtbot, measured.job.start_button)
    assert "There are no labels" in measured.job.status.text()


def test_a_volume_in_three_dimensions(results, viewer, qtbot):
    labels = np.zeros((5, 20, 24), np.uint8)
    labels[1:4, 3:9, 3:9], labels[2:, 12:18, 12:20] = 1, 2
    layer = viewer.add_labels(labels.copy(), scale=(2, 0.5, 0.5), units=("um",) * 3)
    click(qtbot, results.job.start_button)
    wait_until_done(qtbot, results)
    assert rows_of(results)[1]["area"] == "54"
    click_row(qtbot, results, 2)
    assert viewer.dims.current_step[0] == 3
    click(qtbot, results.bar.buttons["delete"])
    assert set(np.unique(layer.data)) == {0, 1}


def test_the_model_divides_what_it_is_less_sure_of_in_between(results, viewer, qtbot, tmp_path):
    path = make_bright_model().save(tmp_path / "bright.safetensors").path
    image = np.zeros((48, 64), np.float32)
    image[16:32, 8:26], image[16:32, 34:52], image[18:30, 26:34] = 1, 1, 0.53
    viewer.add_image(image)
    facts = {"model": "bright", "settings": {"channels": [], "zoom": 1.0}}
    notes = LayerNotes(role=RESULT, model_path=str(path), provenance=facts)
    layer = viewer.add_labels((image > 0).astype(np.uint16), metadata=as_metadata(notes))
    qtbot.wait(20)
    click(qtbot, results.bar.buttons["model"])
    assert "No object is selected" in results.line.text()
    results.table.select_ids([1])
    click(qtbot, results.bar.buttons["model"])
    wait_until_done(qtbot, results)
    assert set(np.unique(layer.data)) == {0, 1, 2}
    assert set(np.unique(layer.data[20, 8:26])) | set(np.unique(layer.data[20, 34:52])) == {1, 2}
    assert len(set(np.unique(layer.data[20, 8:26]))) == 1
    layer.undo()
    assert set(np.unique(layer.data)) == {0, 1}
