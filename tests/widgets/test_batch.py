"""The Batch panel: a folder, a table that shows the worst first, corrections that outlive their layers."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_unet.arrays.annotations import painted
from napari_unet.files.batch_row import FAILED, KEPT
from napari_unet.files.images import read_labels
from napari_unet.widgets.batch.corrections import annotation_file
from napari_unet.widgets.batch.table import short_names, short_number
from napari_unet.widgets.viewer.notes import ANNOTATION, RESULT, InputChoice, notes_of, role_of
from tests.conftest import make_two_input_model
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done

SIDE = 40


@pytest.fixture
def folder(tmp_path):
    """Three images: sharp discs, blurred ones, and a file that is none."""
    images = tmp_path / "plate"
    images.mkdir()
    sharp = np.zeros((SIDE, SIDE), np.uint8)
    sharp[5:15, 5:15] = sharp[22:35, 20:36] = 200
    faint = sharp.copy()
    faint[22:35, 20:36] = 120
    tifffile.imwrite(images / "sharp.tif", sharp)
    tifffile.imwrite(images / "faint.tif", faint)
    (images / "broken.tif").write_bytes(b"II*\0 and no more")
    return images


@pytest.fixture
def panel(viewer, bright_model, tmp_path):
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Batch")[1]
    panel.model.choose_file(bright_model.save(tmp_path / "bright.safetensors").path)
    return panel


def choose(qtbot, panel, folder):
    panel.images.clear()
    qtbot.keyClicks(panel.images, str(folder))
    qtbot.keyClick(panel.images, Qt.Key.Key_Return)
    wait_until_done(qtbot, panel)


def segment_all(qtbot, panel):
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)


def double_click(qtbot, panel, name):
    """Double-click a row; Qt wants a click before."""
    number = panel.table.shown().index(name)
    index = panel.table.model().index(number, 0)
    spot = panel.table.visualRect(index).center()
    viewport = panel.table.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=spot)
    qtbot.wait(80)  # until the labels are shown


def cells(panel, name):
    number, model = panel.table.shown().index(name), panel.table.model()
    return [model.data(model.index(number, column)) for column in range(model.columnCount())]


def results(viewer):
    return [layer for layer in viewer.layers if role_of(layer) == RESULT]


def test_a_folder_is_segmented_corrected_closed_and_opened_again(viewer, panel, folder, qtbot):
    choose(qtbot, panel, folder)
    assert "3 images" in panel.job.status.text()
    assert panel.output.text() == str(folder / "masks")
    segment_all(qtbot, panel)
    assert panel.table.shown() == ["broken.tif", "faint.tif", "sharp.tif"], "the worst first"
    assert cells(panel, "sharp.tif")[1:3] == ["2", "154"]
    assert "broken.tif holds no image" in cells(panel, "broken.tif")[0]
    assert cells(panel, "broken.tif")[1] == "failed"
    assert "2 of 3 images have a mask. 1 failed" in panel.job.status.text()

    double_click(qtbot, panel, "faint.tif")
    image, result = viewer.layers
    assert (type(image), type(result)) == (Image, Labels)
    assert viewer.layers.selection.active is result
    np.testing.assert_array_equal(result.data, read_labels(folder / "masks" / "faint_labels.tif").array)
    result.data_setitem(np.nonzero(result.data == 1), 0)
    double_click(qtbot, panel, "sharp.tif")
    assert not result.visible, "one image is seen at a time"
    assert not image.visible

    for layer in (image, result):
        viewer.layers.remove(layer)
    said = painted(read_labels(annotation_file(folder / "masks" / "faint_labels.tif")).array)
    assert said.annotated[10, 10]
    assert said.labels.max() == 0, "what was erased is background"
    assert panel.corrected.isVisible()
    click(qtbot, panel.corrected)
    [annotation] = [layer for layer in viewer.layers if role_of(layer) == ANNOTATION]
    assert annotation.data[10, 10] == 1


def test_what_was_painted_feeds_the_table_of_the_teaching_panel(viewer, panel, folder, qtbot):
    teach = viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")[1]
    choose(qtbot, panel, folder)
    segment_all(qtbot, panel)
    double_click(qtbot, panel, "sharp.tif")
    [result] = results(viewer)
    result.data_setitem(np.nonzero(result.data == 1), 0)
    [paint] = teach._paints()
    assert paint.name == result.name
    assert (paint.prediction != paint.values).sum() == 100


def test_a_second_run_does_nothing_twice_and_another_model_keeps_what_was_corrected(
    viewer, panel, folder, qtbot, bright_model, tmp_path
):
    choose(qtbot, panel, folder)
    segment_all(qtbot, panel)
    written = (folder / "masks" / "sharp_labels.tif").stat().st_mtime_ns
    segment_all(qtbot, panel)
    assert [row.state for row in panel.table.rows.rows()] == [FAILED, KEPT, KEPT]
    assert cells(panel, "sharp.tif")[1] == "2"
    assert (folder / "masks" / "sharp_labels.tif").stat().st_mtime_ns == written
    for name in ("sharp.tif", "faint.tif"):
        double_click(qtbot, panel, name)
    untouched, corrected = results(viewer)
    corrected.data_setitem(np.nonzero(corrected.data == 1), 0)
    bright_model.net.head.weight.data.neg_()
    bright_model.net.head.bias.data.neg_()
    panel.model.choose_file(bright_model.save(tmp_path / "dark.safetensors").path)
    segment_all(qtbot, panel)
    assert untouched.data[0, 0] > 0, "the new model finds what is dark"
    assert corrected.data[0, 0] > 0
    assert not corrected.data[5:15, 5:15].any(), "what was erased stays erased"
    assert annotation_file(folder / "masks" / "faint_labels.tif").exists()


def test_nothing_begins_before_it_is_clear_what_is_wanted(viewer, panel, folder, qtbot):
    click(qtbot, panel.job.start_button)
    assert "Choose a folder" in messages()[-1]
    choose(qtbot, panel, folder)
    panel.output.clear()
    click(qtbot, panel.job.start_button)
    assert "where the masks go" in messages()[-1]
    double_click(qtbot, panel, "sharp.tif")
    assert "has no mask" in messages()[-1]
    assert not viewer.layers


def test_stopping_keeps_what_is_finished_and_the_next_run_goes_on(viewer, panel, folder, qtbot):
    choose(qtbot, panel, folder)
    panel.table.rows.dataChanged.connect(lambda *_: panel._stop_asked.set())  # at the first row
    segment_all(qtbot, panel)
    assert "press Segment all to go on" in panel.job.status.text()
    panel.table.rows.dataChanged.disconnect()


@pytest.mark.parametrize("typed", ["cells,borders", "1,0", ""])
def test_inputs_are_chosen_by_name_and_number_as_on_the_command_line(viewer, panel, tmp_path, qtbot, typed):
    cells, borders = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    cells[5:15, 5:35], borders[5:15, 19:21] = 200, 3
    tifffile.imwrite(
        tmp_path / "two.ome.tif",
        np.stack([borders, cells]),
        metadata={"axes": "CYX", "Channel": {"Name": ["Borders", "cells"]}},
    )
    panel.model.choose_file(make_two_input_model().save(tmp_path / "two.safetensors").path)
    assert panel.channels.placeholderText() == "cells, borders (optional)"
    qtbot.keyClicks(panel.channels, typed)
    choose(qtbot, panel, tmp_path / "two.ome.tif")
    segment_all(qtbot, panel)
    assert panel.table.rows.rows()[0].count == 2
    double_click(qtbot, panel, "two.ome.tif")
    assert notes_of(results(viewer)[0]).inputs == (InputChoice(channel=1), InputChoice(channel=0))


@pytest.mark.parametrize("typed", ["-1", "7", "DAPI"])
def test_a_channel_that_an_image_lacks_is_said_in_its_row(panel, folder, qtbot, typed):
    qtbot.keyClicks(panel.channels, typed)
    choose(qtbot, panel, folder)
    segment_all(qtbot, panel)
    assert f"channel {typed} does not exist" in cells(panel, "sharp.tif")[0]


def test_long_sentences_do_not_widen_the_panel(panel, folder, qtbot):
    choose(qtbot, panel, folder)
    segment_all(qtbot, panel)
    assert panel.minimumSizeHint().width() <= 330
    assert panel.minimumWidth() <= 330


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["well_A01_site_1_DAPI", "well_A02_site_1_DAPI"], ["…A01…", "…A02…"]),
        (["well_A01_site_1_DAPI", "well_B02_late"], ["…A01_site_1_DAPI", "…B02_late"]),
        (["experiment number 19", "experiment number 191"], ["…19", "…191"]),
        (["a_1", "a_2"], ["a_1", "a_2"]),
        (["one_long_name_alone"], ["one_long_name_alone"]),
        (["long_words_long_words", "long_words_long_words_long_words"],) * 2,
    ],
)
def test_names_show_in_what_they_differ(names, shown):
    assert short_names([Path(f"{name}.tif") for name in names]) == shown


def test_no_number_is_cut():
    assert [short_number(value) for value in (113.2, 999_999, 1_234_567)] == ["113", "999,999", "1.2 M"]
