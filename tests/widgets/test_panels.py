"""What all panels owe: they let go of what is closed, and speak of what a model really does."""

import gc
import weakref

import numpy as np
import pytest
import tifffile

from napari_unet.files.images import read_image
from napari_unet.widgets.export.panel import ExportPanel
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.teach.panel import FineTunePanel
from napari_unet.widgets.viewer.annotation_layers import new_annotation_layer
from napari_unet.widgets.viewer.layers import read_layer
from tests.widgets.conftest import PLUGIN, UNFREEZE, click, wait_until_done
from tests.widgets.painting import dots


@pytest.mark.parametrize("kind", [SegmentPanel, FineTunePanel, ExportPanel])
def test_a_closed_panel_holds_on_to_nothing(make_napari_viewer, kind):
    viewer = make_napari_viewer()
    viewer.add_image(dots())
    panel = kind(viewer)
    known = weakref.ref(panel)
    panel.close()
    del panel
    gc.collect()
    assert known() is None


def test_a_removed_layer_is_not_kept_in_memory(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    panel = FineTunePanel(viewer)
    qtbot.addWidget(panel)
    image = viewer.add_image(dots())
    paint = weakref.ref(new_annotation_layer(viewer, image, read_layer(image)))
    assert paint() in [layer for layer, *_ in panel.table._rows]
    viewer.layers.remove(paint())
    viewer.layers.remove(image)
    del image
    gc.collect()
    assert paint() is None


def test_a_model_of_classes_is_said_to_find_classes(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    viewer.add_image(dots())
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    panel.model.choose_name("axons")
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "classes background" in panel.job.status.text()
    assert "object" not in panel.job.status.text()
    result, teach = viewer.layers[-1], FineTunePanel(viewer)
    qtbot.addWidget(teach)
    assert "brush (0 background, 1 myelin, 2 axon)" in teach.advice.text()
    assert "layer: 1 background, 2 myelin, 3 axon." in teach.advice.text()
    result.data_setitem((np.array([20]), np.array([20])), 2)
    qtbot.waitUntil(lambda: result.visible)
    assert "meaning: axon" in result.get_status((20, 20))["value"]


def test_the_forecast_knows_that_rotations_take_longer(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    viewer.add_image(np.resize(dots(), (2000, 2000)))
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    before = panel.line.text()
    panel.advanced.boxes["rotations"].setChecked(True)
    assert panel.line.text() != before
    panel.advanced.boxes["rotations"].setChecked(False)
    assert panel.line.text() == before


def test_only_a_run_that_is_long_enough_to_tell_changes_the_forecast(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    large = viewer.add_image(np.broadcast_to(np.uint8(7), (16000, 16000)))
    forecast = panel.line.text().split("about")[1]
    panel.advanced.boxes["zoom"].choose(1.0)
    for size, said in (((96, 128), True), ((900, 900), False)):
        panel.image.value = viewer.add_image(np.resize(dots(), size))
        click(qtbot, panel.job.start_button)
        wait_until_done(qtbot, panel)
        panel.image.value = large
        assert (forecast in panel.line.text()) is said


def opened(viewer, path, array, **options):
    tifffile.imwrite(path, array, **options)
    [layer] = viewer.open(str(path))
    return layer


def test_what_a_file_says_of_axes_and_pixels_reaches_the_export(make_napari_viewer, qtbot, tmp_path):
    """napari opens a TIFF without them."""
    viewer = make_napari_viewer()
    image = opened(
        viewer, tmp_path / "two.tif", np.stack([dots(), dots()]), imagej=True,
        resolution=(1 / 0.65, 1 / 0.65), metadata={"unit": "um", "axes": "CYX"},
    )  # fmt: skip
    assert read_layer(image).axes == "CYX"
    panel, export = SegmentPanel(viewer), ExportPanel(viewer)
    qtbot.addWidget(panel)
    qtbot.addWidget(export)
    assert "2 channels" in panel.line.text()
    assert "0.65 µm per pixel" in panel.line.text()
    panel.channel.setCurrentIndex(1)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    qtbot.waitUntil(lambda: viewer.layers[-1] is not image)
    export.labels.value = viewer.layers[-1]
    assert export.size.value() == pytest.approx(0.65)
    export.path.setText(str(tmp_path / "masks.tif"))
    click(qtbot, export.job.start_button)
    wait_until_done(qtbot, export)
    assert read_image(tmp_path / "masks.tif").pixel_size == pytest.approx((0.65, 0.65))


def test_pixels_that_are_no_squares_are_described_as_they_are(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    panel, export = SegmentPanel(viewer), ExportPanel(viewer)
    qtbot.addWidget(panel)
    qtbot.addWidget(export)
    assert not export.depth.isVisibleTo(export)
    viewer.add_image(np.zeros((3, 32, 48)), scale=(2, 0.5, 0.25), units=("um",) * 3)
    assert "0.25 × 0.5 µm per pixel and 2 µm from plane to plane." in panel.line.text()


def test_an_axis_counted_in_seconds_is_time_and_no_depth(make_napari_viewer):
    viewer = make_napari_viewer()
    movie = viewer.add_image(np.zeros((3, 32, 48)), scale=(60, 0.65, 0.65), units=("s", "um", "um"))
    assert read_layer(movie).axes == "TYX"
    stack = viewer.add_image(np.zeros((3, 32, 48)), scale=(2, 0.65, 0.65), units=("um", "um", "um"))
    assert read_layer(stack).axes == "ZYX"


def test_the_pixels_of_a_removed_layer_are_freed_after_work_too(make_napari_viewer, qtbot, monkeypatch):
    """What lives at the end of the first work is set aside from garbage collection, layers among it."""
    monkeypatch.setattr(gc, "unfreeze", UNFREEZE)
    viewer = make_napari_viewer()
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    known = weakref.ref(viewer.add_image(dots()))
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    gc.freeze()  # as after the first work of a process, which this may not be
    qtbot.wait(200)
    viewer.layers.clear()
    qtbot.wait(200)
    gc.collect()
    assert known() is None


def test_panels_stay_narrow_whatever_they_say(viewer, segment_panel, qtbot, tmp_path):
    export = viewer.window.add_plugin_dock_widget(PLUGIN, "Export")[1]
    viewer.add_labels(dots())

    def is_narrow():
        return max(segment_panel.minimumWidth(), export.minimumWidth()) < 330

    qtbot.waitUntil(is_narrow)
    folder = tmp_path / ("folder" * 20) / "another"
    folder.mkdir(parents=True)
    export.path.setText(str(folder / f"{'m' * 100}.tif"))
    click(qtbot, export.job.start_button)
    wait_until_done(qtbot, export)
    assert export.job.status.text() == f"Written: {folder / ('m' * 100)}.tif"
    qtbot.wait(100)
    assert is_narrow()
