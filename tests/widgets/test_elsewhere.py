"""The Export panel copies how labels were made, writes other formats, and opens outlines corrected elsewhere."""

import shlex

import numpy as np
import pytest
import roifile
import tifffile
from napari.layers import Labels
from qtpy.QtGui import QClipboard
from qtpy.QtWidgets import QApplication

from napari_unet.cli import main
from napari_unet.files.images import read_labels
from napari_unet.files.label_formats import FORMATS
from napari_unet.widgets.export.panel import ExportPanel
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.teach.painted_table import PaintedTable
from napari_unet.widgets.viewer.paint import TRUTH, meanings_of
from tests.conftest import make_bright_model
from tests.widgets.conftest import click, wait_until_done
from tests.widgets.saving import export


@pytest.fixture
def panel(make_napari_viewer, qtbot, tmp_path):
    """The Export panel of a viewer whose image, from a file, was segmented by a model in a file."""
    viewer = make_napari_viewer()
    image = np.random.default_rng(0).integers(0, 90, (64, 96)).astype(np.uint8)
    image[5:15, 5:20] = image[20:40, 30:50] = image[3:9, 40:60] = 220
    tifffile.imwrite(tmp_path / "cells 1.tif", image)
    viewer.open(tmp_path / "cells 1.tif")
    make_bright_model().save(tmp_path / "bright.safetensors")
    segment = SegmentPanel(viewer)
    qtbot.addWidget(segment)
    segment.model.choose_file(tmp_path / "bright.safetensors")
    click(qtbot, segment.job.start_button)
    wait_until_done(qtbot, segment)
    panel = ExportPanel(viewer)
    qtbot.addWidget(panel)
    panel.labels.value = next(layer for layer in viewer.layers if isinstance(layer, Labels))
    panel.viewer, panel.folder = viewer, tmp_path
    return panel


def copied(qtbot, button):
    """Press a button, again where the clipboard was not free, and return what it holds."""
    QApplication.clipboard().clear()

    def press():
        click(qtbot, button)
        return QApplication.clipboard().text()

    qtbot.waitUntil(lambda: press() != "", timeout=300000)
    return QApplication.clipboard().text()


def test_a_clipboard_that_another_program_holds_is_told(panel, qtbot, monkeypatch):
    monkeypatch.setattr(QClipboard, "setText", lambda *_: None)
    QApplication.clipboard().clear()
    click(qtbot, panel.elsewhere.command)
    assert "nother program holds the clipboard" in panel.job.status.text()


def test_what_is_copied_makes_the_same_labels(panel, qtbot, monkeypatch):
    labels = np.asarray(panel.layer.data)
    assert labels.max() == 3
    monkeypatch.chdir(panel.folder)
    words = shlex.split(copied(qtbot, panel.elsewhere.command))
    assert words[0] == "napari-unet"
    assert main(words[1:]) == 0
    np.testing.assert_array_equal(read_labels("cells 1_labels.tif").array, labels)
    names = {}
    exec(copied(qtbot, panel.elsewhere.python), names)
    np.testing.assert_array_equal(names["labels"], labels)
    qtbot.waitUntil(lambda: panel.layer._slice.image.view.shape == labels.shape, timeout=300000)  # it is drawn
    panel.layer.data_setitem(np.nonzero(labels == 2), 0)
    paragraph = copied(qtbot, panel.elsewhere.methods)
    assert "model bright" in paragraph
    assert "corrected by hand: 1 removed" in paragraph
    assert "was copied" in panel.job.status.text()


def test_labels_that_no_model_made_have_nothing_to_copy(panel, qtbot):
    panel.labels.value = panel.viewer.add_labels(np.eye(9, dtype=np.uint16))
    for button in (panel.elsewhere.command, panel.elsewhere.python, panel.elsewhere.methods):
        QApplication.clipboard().clear()
        click(qtbot, button)
        assert QApplication.clipboard().text() == ""
        assert "choose a result of Segment" in panel.job.status.text()


def test_the_format_is_the_ending_of_the_name(panel):
    titles = [known.title for known in FORMATS]
    panel.path.setText("/x/cells.ome.tif")
    assert panel.format.currentText() == "OME-TIFF"
    panel.format.setCurrentIndex(titles.index("ImageJ ROIs"))
    panel.format.activated.emit(titles.index("ImageJ ROIs"))
    assert panel.path.text() == "/x/cells.zip"
    panel.path.setText("")
    panel.format.activated.emit(titles.index("OME-Zarr"))
    assert panel.path.text() == "masks.zarr"


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.title)
def test_every_format_is_written(panel, qtbot, known):
    target = panel.folder / f"a{known.endings[0]}"
    export(qtbot, panel, target)
    wait_until_done(qtbot, panel)
    assert target.exists(), panel.job.status.text()
    assert "Written" in panel.job.status.text()


def test_outlines_corrected_in_imagej_become_labels_to_learn_from(panel, qtbot):
    target = panel.folder / "a.zip"
    export(qtbot, panel, target)
    wait_until_done(qtbot, panel)
    rois = [roi for roi in roifile.roiread(target) if roi.name != "object_2"]  # erased there
    rois.append(roifile.ImagejRoi.frompoints([[70, 50], [80, 50], [80, 60], [70, 60]], name="0055-0075"))
    roifile.roiwrite(target, rois, mode="w")
    before = set(panel.viewer.layers)
    panel.elsewhere.open_file(target)
    wait_until_done(qtbot, panel)
    [layer] = set(panel.viewer.layers) - before
    wanted = np.where(np.asarray(panel.labels.choices[0].data) == 2, 0, panel.labels.choices[0].data)
    wanted[50:60, 70:80] = 4
    np.testing.assert_array_equal(layer.data, wanted)
    assert meanings_of(layer)[0] == TRUTH
    table = PaintedTable(panel.viewer)
    qtbot.addWidget(table)
    table.refresh()
    assert layer in [row[0] for row in table._rows]
    qtbot.waitUntil(lambda: panel.layer is layer, timeout=300000)
    assert "tick them under Use for training" in panel.job.status.text()


def test_a_damaged_file_of_outlines_is_a_sentence(panel, qtbot):
    (panel.folder / "a.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    panel.elsewhere.open_file(panel.folder / "a.zip")
    wait_until_done(qtbot, panel)
    assert "a.zip is damaged or cut off" in panel.job.status.text()
