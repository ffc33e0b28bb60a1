"""Export: pixel sizes by axis, the result that is seen, and what was done to it by hand."""

import shlex
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from napari.layers import Labels

from napari_unet.cli import build_parser
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import read_provenance
from napari_unet.widgets.export.panel import ExportPanel
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, wait_until_done
from tests.widgets.saving import export
from tests.widgets.segmenting import nuclei_image

SIZES = {"z": 2.0, "y": 0.5, "x": 0.2, "t": 30.0}


@pytest.fixture
def bright(user_folder):
    """Two models that find what is bright, in the user's own folder."""
    (user_folder / "models").mkdir(parents=True)
    for name in ("bright", "bright 2"):
        model = make_bright_model()
        replace(model, spec=replace(model.spec, name=name)).save(user_folder / "models" / f"{name}.safetensors")


SHOWN, PANEL = False, "Export"


@pytest.mark.parametrize("order", ["zyx", "yx", "xy", "yxz", "xzy", "tyx", "xyt"])
def test_pixel_sizes_go_to_their_axes_whatever_the_order(viewer, panel, qtbot, tmp_path, order):
    shape = [{"t": 2, "z": 3, "y": 5, "x": 7}[axis] for axis in order]
    units = ["s" if axis == "t" else "um" for axis in order]
    sizes = {axis.upper(): SIZES[axis] for axis in order}
    layer = viewer.add_labels(
        np.ones(shape, np.uint16), axis_labels=tuple(order), scale=[SIZES[axis] for axis in order], units=units
    )
    shown = {axis: box.value() for axis, box in panel._boxes.items() if panel._form.isRowVisible(box)}
    assert shown == pytest.approx(sizes)
    export(qtbot, panel, tmp_path / "a.tif")
    layer.save(str(tmp_path / "b.tif"), plugin=PLUGIN)
    for name in "ab":
        assert read_labels(tmp_path / f"{name}.tif").calibration.by_axis == pytest.approx(sizes)


def test_what_is_typed_replaces_that_side_alone(viewer, panel, qtbot, tmp_path):
    layer = viewer.add_labels(
        np.ones((4, 3, 5, 7), np.uint16), scale=(30, 2, 0.5, 0.2), units=("s", "um", "um", "um"),
        axis_labels=tuple("tzyx"),
    )  # fmt: skip
    panel.interval.setValue(12.5)
    panel.height.setValue(0.4)
    export(qtbot, panel, tmp_path / "a.tif")
    assert read_labels(tmp_path / "a.tif").calibration.by_axis == pytest.approx(
        {"T": 12.5, "Z": 2, "Y": 0.4, "X": 0.2}
    )
    layer.scale = (30, 2, 0.2, 0.2)
    assert not panel._form.isRowVisible(panel.height)
    panel.size.setValue(0.3)
    export(qtbot, panel, tmp_path / "b.tif")
    assert read_labels(tmp_path / "b.tif").pixel_size == pytest.approx((2, 0.3, 0.3)), (
        "a square pixel stays square"
    )


def test_an_unknown_frame_interval_may_be_typed_without_a_pixel_size(viewer, panel, qtbot, tmp_path):
    viewer.add_labels(np.ones((4, 5, 7), np.uint16), axis_labels=tuple("tyx"))
    assert panel._form.isRowVisible(panel.interval)
    assert not panel._form.isRowVisible(panel.depth)
    panel.interval.setValue(0.5)
    export(qtbot, panel, tmp_path / "a.ome.tif")
    assert read_labels(tmp_path / "a.ome.tif").calibration.by_axis == {"T": 0.5}


def test_the_visible_result_is_offered_and_followed(bright, viewer, qtbot):
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    _, before = viewer.window.add_plugin_dock_widget(PLUGIN, "Export")
    image = viewer.add_image(nuclei_image((64, 80)))
    results = []
    for name in ("bright", "bright 2"):
        segment.model.choose_name(name)
        click(qtbot, segment.job.start_button)
        wait_until_done(qtbot, segment)
        results.append(viewer.layers[-1])
        qtbot.waitUntil(lambda: results[-1].visible)
        viewer.layers.selection.active = image
        assert before.layer is results[-1]
    assert not results[0].visible
    later = ExportPanel(viewer)
    qtbot.addWidget(later)
    assert later.layer is results[1], "a panel that is opened later offers it, too"
    results[0].visible, results[1].visible = True, False
    assert before.layer is results[0]
    viewer.layers.remove(results[0])
    assert before.layer is results[1], "the only one that is left"


def test_a_mask_edited_by_hand_says_so_and_how_the_rest_was_made(bright, viewer, panel, qtbot, tmp_path):
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    tifffile.imwrite(tmp_path / "cells 1.tif", nuclei_image((64, 80)))
    viewer.open(tmp_path / "cells 1.tif")
    segment.model.choose_name("bright")
    segment.advanced.boxes["zoom"].choose(0.5)
    segment.advanced.boxes["core_threshold"].setValue(0.6)
    segment.advanced.boxes["rotations"].setChecked(True)
    click(qtbot, segment.job.start_button)
    wait_until_done(qtbot, segment)
    result = viewer.layers[-1]
    qtbot.waitUntil(lambda: result.visible)
    export(qtbot, panel, tmp_path / "as_made.tif")
    made = read_provenance(tmp_path / "as_made.tif")
    assert "edited_by_hand" not in made
    assert shlex.split(made["command"]) == [
        "napari-unet", "segment", str(tmp_path / "cells 1.tif"), "--model", "bright", "--output",
        "cells 1_labels.tif", "--rotations", "--zoom", "0.5", "--core", "0.6",
    ]  # fmt: skip
    assert build_parser("segment").parse_args(shlex.split(made["command"])[1:]).core_threshold == 0.6
    result.data_setitem(np.nonzero(result.data == 1), 0)
    result.data_setitem((np.array([0, 0]), np.array([0, 1])), 99)
    export(qtbot, panel, tmp_path / "edited.tif")
    facts = read_provenance(tmp_path / "edited.tif")
    assert facts == {
        **made,
        "edited_by_hand": {"changed": 0, "added": 1, "removed": 1},
        "objects": {"drawn": [99], "edited": []},
    }
    result.save(str(tmp_path / "saved.tif"), plugin=PLUGIN)
    assert read_provenance(tmp_path / "saved.tif") == facts
    viewer.layers.remove(result)
    viewer.open(tmp_path / "edited.tif")
    qtbot.waitUntil(lambda: isinstance(viewer.layers[-1], Labels))
    back = viewer.layers[-1]
    viewer.layers.selection.active = back
    export(qtbot, panel, tmp_path / "again.tif")
    assert read_provenance(tmp_path / "again.tif") == facts
    back.data_setitem((np.array([0]), np.array([2])), 99)
    export(qtbot, panel, tmp_path / "more.tif")
    more = read_provenance(tmp_path / "more.tif")
    assert more["edited_by_hand"] == {"changed": 1, "added": 1, "removed": 1}
    assert more["objects"] == {"drawn": [99], "edited": []}, "drawn before it was edited"


def test_masks_of_very_many_objects_come_back_as_labels(viewer, panel, qtbot, tmp_path):
    viewer.add_labels(np.array([[0, 70000], [5, 65535]], np.int32))
    export(qtbot, panel, tmp_path / "many.tif")
    assert tifffile.imread(tmp_path / "many.tif").dtype == np.float32
    viewer.layers.clear()
    viewer.open(tmp_path / "many.tif")
    qtbot.waitUntil(lambda: isinstance(viewer.layers[0], Labels))
    np.testing.assert_array_equal(viewer.layers[0].data, [[0, 70000], [5, 65535]])


def test_where_it_was_written_is_said_of_those_labels(viewer, panel, qtbot, tmp_path):
    click(qtbot, panel.job.start_button)
    assert "There are no labels" in panel.job.status.text()
    one = viewer.add_labels(np.eye(20, dtype=np.uint16))
    assert panel.job.status.text() == ""
    export(qtbot, panel, tmp_path / "a.tif")
    other = viewer.add_labels(np.eye(20, dtype=np.uint16))
    viewer.layers.selection.active = other
    assert panel.job.status.text() == ""
    viewer.layers.selection.active = one
    assert panel.job.status.text() == f"Written: {tmp_path / 'a.tif'}"
