"""A whole study in one dock: segmented, corrected, taught, measured, proof-read, exported; clicks are counted."""

import csv

import numpy as np
import pytest
import roifile
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

from napari_unet.widgets.viewer.notes import RESULT, role_of
from tests.widgets.conftest import PLUGIN, type_key, wait_until_done
from tests.widgets.painting import dots, in_small_patches, on_canvas
from tests.widgets.test_brushes import press, stroke
from tests.widgets.test_results import click_row, settle

LEFT = Qt.MouseButton.LeftButton
MAX_CLICKS = 8
"""Beside strokes and proof-reading."""
PATIENCE = 30 * 60 * 1000
"""Milliseconds for each step: slow machines take longer, fast ones do not wait."""


class Hand:
    """Clicks and keys of a person, counted."""

    def __init__(self, qtbot, viewer, workspace):
        self.qtbot, self.viewer, self.workspace = qtbot, viewer, workspace
        self.clicks = 0

    def click(self, widget, at=None):
        """Click a widget, or a place in it."""
        self.clicks += 1
        self.qtbot.mouseClick(widget, LEFT, pos=at if at is not None else widget.rect().center())

    def tab(self, name):
        """Click a tab and return its panel."""
        bar = self.workspace.tabs.tabBar()
        number = [bar.tabText(n) for n in range(bar.count())].index(name)
        self.click(bar, bar.tabRect(number).center())
        return self.workspace.panels[name]

    def key(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        """Press a key over the canvas."""
        press(self.viewer, self.qtbot, key, modifier)


@pytest.fixture
def hand(viewer, qtbot):
    workspace = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    qtbot.waitUntil(lambda: "Segment" in workspace.panels, timeout=300000)
    return Hand(qtbot, viewer, workspace)


def segmented(hand):
    """Press the key of Segment and return the one result."""
    hand.key(Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    wait_until_done(hand.qtbot, hand.workspace.panels["Segment"], PATIENCE)
    hand.qtbot.wait(100)
    [result] = [layer for layer in hand.viewer.layers if role_of(layer) == RESULT]
    return result


def corrected(hand, result):
    """Draw an object and erase two diamonds, with brushes taken by keys."""
    hand.viewer.layers.selection.active = result
    hand.key(Qt.Key.Key_D)
    result.brush_size = 5
    stroke(hand.viewer, hand.qtbot, result, (22, 36), (22, 38))
    hand.key(Qt.Key.Key_G)
    result.brush_size = 22
    stroke(hand.viewer, hand.qtbot, result, (70, 20), (70, 22))
    stroke(hand.viewer, hand.qtbot, result, (38, 84), (38, 86))
    hand.key(Qt.Key.Key_G)
    return result.data == result.data[22, 37]


def taught(hand):
    """Fine-tune, stop when held-out strokes are right, and accept by the key."""
    panel = hand.workspace.panels["Teach"]
    in_small_patches(panel)
    panel.form.seconds.setValue(3600)
    hand.click(panel.job.start_button)

    def learnt():
        return not panel.job.is_running or max((y for _, y in panel.curves.points["score"]), default=0) > 0.8

    hand.qtbot.waitUntil(learnt, timeout=PATIENCE)
    hand.click(panel.job.cancel_button)
    wait_until_done(hand.qtbot, panel, PATIENCE)
    assert panel.outcome.accept.isEnabled(), panel.outcome.sentence.text()
    hand.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    wait_until_done(hand.qtbot, panel, PATIENCE)
    hand.qtbot.wait(100)


def proof_read(hand, panel, result):
    """Remove what touches the border, merge two discs, split them, cut one, and take the cut back, all by keys."""
    border = np.unique(result.data[0])
    panel.bar.removal.setCurrentText("touching the border")
    hand.qtbot.mouseClick(panel.bar.remove, LEFT)
    assert not result.data[0].any()
    assert border.any()
    first, second = (int(result.data[at]) for at in ((70, 52), (70, 84)))
    settle(hand.qtbot, panel)
    click_row(hand.qtbot, panel, first)
    click_row(hand.qtbot, panel, second, Qt.KeyboardModifier.ControlModifier)
    assert panel.table.selected_ids() == [first, second]
    type_key(hand.qtbot, panel.table, Qt.Key.Key_J)  # where the rows were clicked
    assert result.data[70, 52] == result.data[70, 84] == first
    settle(hand.qtbot, panel)
    hand.key(Qt.Key.Key_S)
    assert result.data[70, 52] != result.data[70, 84]
    hand.viewer.scene.camera.center, hand.viewer.scene.camera.zoom = (24, 32), 8  # um
    hand.qtbot.wait(50)
    settle(hand.qtbot, panel)
    hand.key(Qt.Key.Key_K)
    canvas = hand.viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(hand.viewer, result, point) for point in ((38, 38), (38, 52), (38, 66))]
    before = result.data.copy()
    hand.qtbot.mousePress(canvas, LEFT, pos=spots[0])
    for spot in spots[1:]:
        hand.qtbot.mouseMove(canvas, spot)
    hand.qtbot.mouseRelease(canvas, LEFT, pos=spots[-1])
    assert len(np.unique(result.data)) == len(np.unique(before)) + 1
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(result.data, before)
    settle(hand.qtbot, panel)


def exported(hand, panel, path):
    """Type a file name and press Enter."""
    panel.path.clear()
    hand.qtbot.keyClicks(panel.path, str(path))
    hand.qtbot.keyClick(panel.path, Qt.Key.Key_Return)
    wait_until_done(hand.qtbot, panel, PATIENCE)


@pytest.mark.slow
def test_a_study_from_image_to_spreadsheet(viewer, hand, qtbot, tmp_path, monkeypatch, user_folder):
    image = dots(shape=(110, 128), diamonds=((84, 20), (52, 84)))[14:]  # the upper discs are cut off
    viewer.add_image(image, name="dots", scale=(0.5, 0.5), units=("um", "um"))
    result = segmented(hand)
    assert result.data.max() == 12
    hand.tab("Teach")
    drawn = corrected(hand, result)
    taught(hand)
    assert segmented(hand) is result
    assert len(np.unique(result.data[drawn])) == 1, "what was drawn stays"
    assert result.data[70, 20] == result.data[38, 84] == 0, "what was erased stays away"

    panel = hand.tab("Results")
    qtbot.waitUntil(lambda: panel.measured is not None, timeout=PATIENCE)
    settle(qtbot, panel)
    header = panel.table.horizontalHeader()
    column = header.sectionViewportPosition(panel.table.rows.names.index("area"))
    hand.click(header.viewport(), QPoint(column + 10, header.height() // 2))
    viewer.scene.camera.zoom = 40
    row = panel.table.rows.index(0, 0)
    hand.click(panel.table.viewport(), panel.table.visualRect(row).center())
    places = np.argwhere(result.data == panel.table.rows.ids()[0])
    centre = result.data_to_world(places.mean(axis=0))
    assert viewer.scene.camera.center[-2:] == pytest.approx(centre, abs=1)
    proof_read(hand, panel, result)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "dots.csv"), ""))
    hand.click(panel.export)
    wait_until_done(qtbot, panel, PATIENCE)
    export = hand.tab("Export")
    for name in ("dots.zip", "dots.tif"):
        exported(hand, export, tmp_path / name)

    present = set(np.unique(result.data)) - {0}
    with (tmp_path / "dots.csv").open() as file:
        assert {int(line["label"]) for line in csv.DictReader(file)} == present
    assert len({roi.name for roi in roifile.roiread(tmp_path / "dots.zip")}) >= len(present)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "dots.tif"), result.data)
    print(f"{hand.clicks} clicks beside strokes and proof-reading")  # noqa: T201
    assert hand.clicks <= MAX_CLICKS
