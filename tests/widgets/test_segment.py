"""The user's stories through the real window: sample, Segment, look, again, cancel, close."""

from copy import deepcopy

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.arrays.metrics import average_precision
from napari_unet.files.images import read_image, read_labels
from napari_unet.samples import SAMPLES
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.segment.region_choice import VISIBLE, WHOLE
from napari_unet.widgets.viewer.notes import KEY
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.segmenting import PLUGIN, nuclei_image, segment


@pytest.fixture
def panel(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    return panel


@pytest.fixture
def viewer(panel):
    return panel._viewer


@pytest.mark.usefixtures("shipped")
def test_a_sample_becomes_the_right_number_of_instances_over_the_image(panel, viewer, qtbot, data_folder):
    [image] = viewer.open_sample(PLUGIN, "u2os")
    assert "696 × 520 px" in panel.line.text()
    labels = segment(qtbot, panel)
    truth = read_labels(data_folder / "u2os_nuclei_truth.tif").array
    assert labels.name == "U2OS nuclei, 16 bit (nuclei)"
    assert labels.data.shape == image.data.shape
    assert abs(int(labels.data.max()) - truth.max()) <= 8
    assert average_precision(labels.data, truth, 0.5) > 0.7
    assert labels.metadata[KEY]["provenance"]["model_sha256"]
    assert f"{labels.data.max()} objects" in panel.job.status.text()


@pytest.mark.usefixtures("shipped")
def test_large_objects_are_seen_smaller_and_the_user_reads_so(panel, viewer, qtbot):
    small = read_image(SAMPLES[0].path).array[:140, :140]
    viewer.add_image(np.kron(small, np.ones((4, 4), np.uint16)))
    labels = segment(qtbot, panel)
    assert labels.data.shape == (560, 560)
    assert "1/2 of its size" in panel.job.status.text()
    assert labels.metadata[KEY]["provenance"]["settings"]["zoom"] == 0.5
    panel.advanced.boxes["zoom"].choose(1.0)
    again = segment(qtbot, panel)
    assert again.metadata[KEY]["provenance"]["settings"]["zoom"] == 1
    assert "size" not in panel.job.status.text()


def test_a_range_under_advanced_is_what_the_network_sees_as_0_and_1(panel, viewer, qtbot):
    viewer.add_image(nuclei_image())
    box = panel.advanced.boxes["range"]
    qtbot.keyClicks(box, "100;")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert "two rising numbers" in panel.line.text()
    box.clear()
    qtbot.keyClicks(box, "0,60000")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert "two rising numbers" not in panel.line.text()
    made = segment(qtbot, panel).metadata[KEY]["provenance"]
    assert made["settings"]["range"] == [[0, 60000]]
    assert {"step": "range", "low": 0, "high": 60000} in made["intensity"]["channels"][0]


def test_labels_lie_exactly_over_a_moved_turned_and_scaled_image(panel, viewer, qtbot):
    affine = np.array([[1.1, 0.1, 3], [0, 0.9, -2], [0, 0, 1]])
    image = viewer.add_image(
        nuclei_image(),
        scale=(0.5, 0.25),
        translate=(7, -3),
        rotate=30,
        shear=[0.2],
        affine=affine,
        units=("um", "um"),
        axis_labels=("y", "x"),
    )
    labels = segment(qtbot, panel)
    for point in [(0, 0), (95, 111), (10, 80)]:
        np.testing.assert_allclose(labels.data_to_world(point), image.data_to_world(point))
    assert labels.units == image.units
    assert labels.axis_labels == image.axis_labels


def test_running_again_updates_in_place_and_undo_brings_the_former_result_back(panel, viewer, qtbot):
    viewer.add_image(nuclei_image())
    labels = segment(qtbot, panel)
    former = labels.data.copy()
    assert former.max() > 0
    panel.advanced.boxes["min_size"].setValue(10**6)
    again = segment(qtbot, panel)
    assert again.unique_id == labels.unique_id
    assert len(viewer.layers) == 2
    assert labels.data.max() == 0
    labels.undo()
    np.testing.assert_array_equal(labels.data, former)


def test_running_again_replaces_no_copies_and_without_the_tick_no_corrections(panel, viewer, qtbot):
    viewer.add_image(nuclei_image())
    labels = segment(qtbot, panel)
    found = labels.data.copy()
    copy = labels.__class__(labels.data.copy(), name="backup", metadata=deepcopy(labels.metadata))
    viewer.layers.insert(0, copy)
    labels.visible = False
    panel.advanced.boxes["min_size"].setValue(10**6)
    segment(qtbot, panel)
    assert labels.data.max() == 0, "the result itself was replaced"
    qtbot.waitUntil(lambda: labels.visible)
    assert viewer.layers.selection.active == labels, "Undo acts on it"
    np.testing.assert_array_equal(copy.data, found)
    labels.data_setitem(np.nonzero(np.indices(labels.data.shape).sum(0) == 30), 1)
    corrected = labels.data.copy()
    panel.corrections.keep.setChecked(False)
    panel.advanced.boxes["min_size"].setValue(-1)
    again = segment(qtbot, panel)
    assert again.unique_id != labels.unique_id
    np.testing.assert_array_equal(again.data, found)
    np.testing.assert_array_equal(labels.data, corrected)


def test_running_again_follows_an_image_that_was_calibrated_meanwhile(panel, viewer, qtbot):
    image = viewer.add_image(nuclei_image())
    labels = segment(qtbot, panel)
    image.scale, image.units, image.shear = (0.2, 0.2), ("um", "um"), [0.1]
    segment(qtbot, panel)
    np.testing.assert_allclose(labels.data_to_world((10, 20)), image.data_to_world((10, 20)))
    assert labels.units == image.units


def test_axes_that_belie_an_rgb_layer_are_refused(panel, viewer, qtbot):
    viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True)
    panel.advanced.axes.setText("YXC")
    click(qtbot, panel.job.start_button)
    assert "ends its axes with S" in messages()[-1]


def test_lazy_and_multiscale_images_are_segmented_at_full_resolution(panel, viewer, qtbot):
    import dask.array as da

    viewer.add_image(da.from_array(nuclei_image(), chunks=50))
    assert segment(qtbot, panel).data.shape == (96, 112)
    viewer.layers.clear()
    viewer.add_image([nuclei_image(), nuclei_image()[::2, ::2]], multiscale=True)
    assert segment(qtbot, panel).data.shape == (96, 112)


def test_full_collections_are_held_off_only_while_work_runs(panel, viewer, qtbot):
    import gc

    before = gc.get_threshold()
    viewer.add_image(nuclei_image())
    click(qtbot, panel.job.start_button)
    assert gc.get_threshold() != before
    wait_until_done(qtbot, panel)
    qtbot.waitUntil(lambda: gc.get_threshold() == before, timeout=300000)


def test_every_plane_of_a_stack_is_segmented_with_ids_of_its_own(panel, viewer, qtbot):
    viewer.add_image(np.stack([nuclei_image(seed=seed) for seed in range(3)]), scale=(2, 1, 1))
    assert "3 planes" in panel.line.text()
    labels = segment(qtbot, panel)
    assert labels.data.shape == (3, 96, 112)
    np.testing.assert_array_equal(labels.scale, (2, 1, 1))
    ids = [set(np.unique(plane)) - {0} for plane in labels.data]
    assert all(ids)
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]


def test_several_channels_ask_which_one_and_fall_away(panel, viewer, qtbot):
    stack = np.stack([np.zeros((96, 112), np.uint16), nuclei_image()])
    viewer.add_image(stack, axis_labels=("c", "y", "x"), translate=(0, 5, 6), scale=(1, 0.5, 0.5))
    assert "2 channels" in panel.line.text()
    click(qtbot, panel.job.start_button)
    assert "choose the one to segment" in messages()[-1]
    panel.channel.setCurrentIndex(2)
    labels = segment(qtbot, panel)
    assert labels.data.shape == (96, 112)
    assert labels.data.max() > 0
    np.testing.assert_array_equal(labels.translate, (5, 6))
    assert panel.channel.currentData() == 1, "the choice outlives a run"
    assert segment(qtbot, panel).unique_id == labels.unique_id
    panel.channel.setCurrentIndex(1)
    other = segment(qtbot, panel)
    assert other.unique_id != labels.unique_id, "another channel is another result"


def test_rgb_is_turned_to_grey(panel, viewer, qtbot):
    grey = (nuclei_image() / 2).astype(np.uint8)
    viewer.add_image(np.stack([grey] * 3, axis=-1), rgb=True)
    assert "RGB" in panel.line.text()
    assert segment(qtbot, panel).data.shape == (96, 112)


@pytest.mark.usefixtures("pixels_drawn")
def test_what_is_visible_gets_the_labels_it_has_in_the_whole_image(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel)
    viewer.add_image(nuclei_image((480, 480)), scale=(0.5, 0.5), translate=(3, 4))
    whole = segment(qtbot, panel)
    seen = viewer.layers[0].corner_pixels.copy()
    viewer.scene.camera.center = (3 + 120, 4 + 120)
    viewer.scene.camera.zoom *= 4
    qtbot.waitUntil(lambda: not np.array_equal(viewer.layers[0].corner_pixels, seen), timeout=300000)
    panel.region.setCurrentText(VISIBLE)
    part = segment(qtbot, panel)
    assert part.unique_id != whole.unique_id
    assert part.data.size < whole.data.size / 4
    start = np.round((np.asarray(part.translate) - whole.translate) / whole.scale).astype(int)
    same = whole.data[tuple(slice(s, s + n) for s, n in zip(start, part.data.shape, strict=True))]
    inner = (slice(16, -16), slice(16, -16))
    np.testing.assert_array_equal(part.data[inner] > 0, same[inner] > 0)


def test_a_volume_shown_in_3d_has_no_visible_part(panel, viewer, qtbot):
    viewer.add_image(np.stack([nuclei_image((64, 64))] * 3))
    viewer.dims.ndisplay = 3
    panel.region.setCurrentText(VISIBLE)
    assert "switch to 2D" in panel.line.text()
    click(qtbot, panel.job.start_button)
    assert "switch to 2D" in messages()[-1]
    panel.region.setCurrentText(WHOLE)
    assert segment(qtbot, panel).data.shape == (3, 64, 64)
