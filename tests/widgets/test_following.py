"""Panels that follow what the user does: the model that made a result, the image that was drawn on, the window."""

import numpy as np
import pytest
import tifffile
import torch
from qtpy.QtCore import Qt

from napari_unet.arrays.annotations import corrected
from napari_unet.models.library import load_model
from napari_unet.widgets.export.panel import ExportPanel
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.teach.panel import FineTunePanel
from napari_unet.widgets.viewer.annotation_layers import new_annotation_layer
from napari_unet.widgets.viewer.layers import pixel_size, read_layer
from napari_unet.widgets.viewer.paint import CORRECTIONS, image_of, painted_layers, take
from napari_unet.widgets.viewer.visible import visible_region
from tests.widgets.conftest import click, wait_until_done
from tests.widgets.painting import dots

SHOWN = False


def panel_of(kind, viewer, qtbot):
    panel = kind(viewer)
    qtbot.addWidget(panel)
    return panel


def segmented(viewer, panel, qtbot):
    known = set(viewer.layers)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    return next(layer for layer in viewer.layers if layer not in known)


def test_corrections_teach_the_model_and_channel_that_were_corrected(viewer, qtbot):
    viewer.add_image(np.stack([np.zeros_like(dots()), dots()]), axis_labels=("c", "y", "x"))
    segment, teach = panel_of(SegmentPanel, viewer, qtbot), panel_of(FineTunePanel, viewer, qtbot)
    segment.model.choose_name("cells-phase")
    segment.channel.setCurrentIndex(2)
    segmented(viewer, segment, qtbot)
    assert teach.form.model.currentText() == "cells-phase"
    assert teach.form.channel.value() == 1
    opened_later = panel_of(FineTunePanel, viewer, qtbot)
    assert opened_later.form.model.currentText() == "cells-phase"


def test_what_is_drawn_after_segmenting_is_an_object_of_its_own(viewer, qtbot):
    viewer.add_image(dots())
    layer = segmented(viewer, panel_of(SegmentPanel, viewer, qtbot), qtbot)
    assert layer.selected_label == layer.data.max() + 1


def test_a_result_of_classes_leaves_the_brush_alone(viewer, qtbot):
    viewer.add_image(dots())
    segment = panel_of(SegmentPanel, viewer, qtbot)
    segment.model.choose_name("axons")
    assert segmented(viewer, segment, qtbot).selected_label == 1


def test_one_id_in_far_places_of_a_corrected_result_teaches_two_objects_and_can_be_split(viewer, qtbot):
    viewer.add_image(dots())
    layer = segmented(viewer, panel_of(SegmentPanel, viewer, qtbot), qtbot)
    qtbot.waitUntil(lambda: layer.visible)
    teach = panel_of(FineTunePanel, viewer, qtbot)
    before = layer.data.copy()
    objects = int(before.max())
    far = np.nonzero((before == 0) & (np.indices(before.shape)[0] > 85) & (np.indices(before.shape)[1] > 115))
    near_corner = int(before[20, 20])
    layer.data_setitem(far, near_corner)
    assert corrected(before, layer.data).labels.max() == 2
    teach.tools.offer_split(teach._paints())
    assert not teach.tools.split.isHidden()
    click(qtbot, teach.tools.split)
    assert layer.data[far].max() == objects + 1
    assert layer.data[20, 20] == near_corner


def test_labels_of_the_users_own_belong_to_the_image_they_were_made_for(viewer):
    first, second = (viewer.add_image(dots(), name=name) for name in ("B22", "C09"))
    named = viewer.add_labels(np.zeros_like(dots()), name="C09 - Labels")
    above = viewer.add_labels(np.zeros_like(dots()), name="drawn")
    assert image_of(viewer, named) is second
    assert image_of(viewer, above) is second
    viewer.layers.move(viewer.layers.index(above), 1)
    assert image_of(viewer, above) is first


def test_the_table_names_the_image_where_several_are_open(viewer, qtbot):
    panel = panel_of(FineTunePanel, viewer, qtbot)
    viewer.add_image(dots(), name="B22")
    viewer.add_image(dots(), name="C09")
    viewer.add_labels(np.ones_like(dots()), name="drawn")
    assert [panel.table.topLevelItem(n).text(0) for n in range(panel.table.topLevelItemCount())] == [
        "drawn on C09"
    ]


def test_masks_never_replace_an_open_image(viewer, qtbot, tmp_path):
    path = tmp_path / "raw.tif"
    tifffile.imwrite(path, dots())
    viewer.open(str(path))
    viewer.add_labels(np.ones_like(dots()))
    export = panel_of(ExportPanel, viewer, qtbot)
    for target, reason in ((path, "is an image that is open here"), (tmp_path, "is a folder")):
        export.path.setText(str(target))
        click(qtbot, export.job.start_button)
        assert reason in export.job.status.text()
    np.testing.assert_array_equal(tifffile.imread(path), dots())


def test_paint_for_classes_is_named_after_them(viewer, qtbot):
    viewer.add_image(dots())
    panel = panel_of(FineTunePanel, viewer, qtbot)
    assert "one stroke per object" in panel.advice.text()
    panel.form.model.choose_name("axons")
    assert "1 background, 2 myelin, 3 axon" in panel.advice.text()
    click(qtbot, panel.tools.new_layer)
    assert list(viewer.layers[-1].features["meaning"]) == ["background", "myelin", "axon"]
    assert list(viewer.layers[-1].features["index"]) == [1, 2, 3]


def test_a_better_model_that_waits_is_not_lost_to_a_worse_one(viewer, qtbot):
    image = viewer.add_image(dots())
    panel = panel_of(FineTunePanel, viewer, qtbot)
    better, worse = outcome(improved=True), outcome(improved=False)
    panel.trial.begin(str(image.unique_id))
    panel._learnt(better)
    panel.trial.begin(str(image.unique_id))
    panel._learnt(worse)
    assert panel.trial.outcome is better
    assert panel.outcome.accept.isEnabled()
    assert "still" in panel.job.status.text() or "on offer" in panel.job.status.text()


def _nowhere(region):
    """Segment nothing, at no place."""
    from napari_unet.widgets.teach.shown_part import SeenByBoth

    yield from ()
    return SeenByBoth(before=None, after=None, in_view="")


def outcome(*, improved):
    from napari_unet.settings.finetuning import FineTuningSettings
    from napari_unet.teaching.result import FineTuneResult
    from napari_unet.widgets.teach.shown_part import SeenByBoth
    from napari_unet.widgets.teach.work import FineTuneComparison, FineTuneRequest

    after = 0.8 if improved else 0.4
    tuned = FineTuneResult(
        model=load_model("nuclei"), before=0.5, after=after, held_out=True, pixels=900, strokes=9, iterations=5,
        seconds=1,
    )  # fmt: skip
    seen = SeenByBoth(before=None, after=None, in_view="")
    asked = FineTuneRequest(paints=[], model=None, classes=False, settings=FineTuningSettings())
    return FineTuneComparison(request=asked, tuned=tuned, seen=seen, region=None, look=_nowhere)


def test_every_prediction_that_undo_brings_back_is_known_again(viewer, qtbot):
    viewer.add_image(dots())
    panel = panel_of(SegmentPanel, viewer, qtbot)
    layer = segmented(viewer, panel, qtbot)
    for seed in (0.6, 0.8):
        panel.advanced.boxes["core_threshold"].setValue(seed)
        panel.advanced.boxes["min_size"].setValue(int(1000 * seed))
        click(qtbot, panel.job.start_button)
        wait_until_done(qtbot, panel)
    while layer._undo_history:
        layer.undo()
        [(found, image)] = painted_layers(viewer)
        assert found is layer
        assert take(layer, image, CORRECTIONS) is None


def test_new_annotation_layers_say_what_the_values_mean(viewer):
    image = viewer.add_image(dots())
    layer = new_annotation_layer(viewer, image, read_layer(image))
    assert list(layer.features["meaning"]) == ["background", "object"]


def test_panels_follow_the_selected_layer(viewer, qtbot):
    segment, export = panel_of(SegmentPanel, viewer, qtbot), panel_of(ExportPanel, viewer, qtbot)
    first = viewer.add_image(dots(), name="B22")
    second = viewer.add_image(dots(), name="C09")
    assert segment.layer is second
    viewer.layers.selection.active = first
    assert segment.layer is first
    one, other = viewer.add_labels(np.ones_like(dots())), viewer.add_labels(np.ones_like(dots()))
    assert (segment.layer, export.layer) == (first, other)
    viewer.layers.selection.active = one
    assert export.layer is one


def test_a_new_result_hides_the_one_before_it_and_none_of_another_channel(viewer, qtbot):
    viewer.add_image(np.stack([dots(), dots()]), axis_labels=("c", "y", "x"))
    panel = panel_of(SegmentPanel, viewer, qtbot)
    panel.channel.setCurrentIndex(1)
    first = segmented(viewer, panel, qtbot)
    qtbot.waitUntil(lambda: first.visible)
    panel.channel.setCurrentIndex(2)
    other_channel = segmented(viewer, panel, qtbot)
    qtbot.waitUntil(lambda: other_channel.visible)
    assert first.visible
    panel.model.choose_name("cells-phase")
    other_model = segmented(viewer, panel, qtbot)
    qtbot.waitUntil(lambda: other_model.visible)
    assert (first.visible, other_channel.visible) == (True, False)


@pytest.mark.usefixtures("pixels_drawn")
@pytest.mark.parametrize("zoom", [1, 4])
def test_what_is_visible_of_a_pyramid_is_what_is_visible_of_its_image(make_napari_viewer, qtbot, zoom):
    viewer = make_napari_viewer(show=True)
    whole = np.zeros((2000, 3000), np.uint8)
    flat = viewer.add_image(whole, scale=(0.5, 0.5), translate=(10, 20))
    pyramid = viewer.add_image([whole, whole[::2, ::2], whole[::4, ::4]], scale=(0.5, 0.5), translate=(10, 20))
    viewer.scene.camera.center = (300, 500)
    viewer.scene.camera.zoom *= zoom
    qtbot.wait(300)
    regions = [visible_region(viewer, layer, "YX") for layer in (flat, pyramid)]
    np.testing.assert_allclose(*[[regions[n][axis] for axis in "YX"] for n in (0, 1)], atol=3)


def test_a_mask_is_no_complete_truth_of_objects(viewer, qtbot):
    viewer.add_image(dots())
    viewer.add_labels((dots() > 200).astype(np.uint8), name="mask")
    panel = panel_of(FineTunePanel, viewer, qtbot)
    panel.table.topLevelItem(0).setCheckState(0, Qt.CheckState.Checked)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "Labels of mask are a mask with one value (1)" in panel.job.status.text()


def test_channels_between_other_axes_are_split_by_a_click(viewer, qtbot, tmp_path):
    """Labels have no channels, and napari aligns from the last axis: they would lie in other planes."""
    path = tmp_path / "stack.tif"
    planes = np.stack([[dots(), dots()[::-1]]] * 3)
    facts = {"axes": "ZCYX", "spacing": 0.5, "unit": "um"}
    tifffile.imwrite(path, planes, imagej=True, resolution=(4, 4), metadata=facts)
    stack = viewer.open(str(path))[0]
    panel = panel_of(SegmentPanel, viewer, qtbot)
    assert "In ZCYX channels lie between other axes" in panel.line.text()
    click(qtbot, panel.split)
    assert stack not in viewer.layers
    assert viewer.dims.axis_labels == ("z", "y", "x")
    assert panel.split.isHidden()
    first, second = panel.layer, viewer.layers["stack channel 1"]
    assert first.name == "stack channel 0"
    np.testing.assert_array_equal(second.data, planes[:, 1])
    assert np.shares_memory(second.data, stack.data)
    assert "3 planes" in panel.line.text()
    assert not panel.join.isHidden()
    assert pixel_size(second, "ZYX").um == (0.5, 0.25, 0.25)
    viewer.layers.selection.active = second
    panel.join.setCurrentText("joined through Z")
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "12 objects joined through Z" in panel.job.status.text()
    labels = viewer.layers.selection.active
    assert labels.name.startswith("stack channel 1")
    viewer.add_image(dots())
    assert panel.join.isHidden()
    viewer.layers.selection.active = second
    assert panel.join.axes == "Z", "the choice is back"
    viewer.add_image(np.zeros((2, 2, 3, 20, 30), np.uint8))
    assert not panel.split.isHidden(), "a guess has channels between other axes, too"
    assert labels.data.shape == planes[:, 1].shape


def test_channels_of_a_movie_in_a_pyramid_stay_where_they_are(viewer, qtbot):
    levels = [np.zeros((2, 3, 2, side, side), np.uint8) for side in (256, 128)]
    movie = viewer.add_image(
        levels,
        multiscale=True,
        axis_labels=("t", "z", "c", "y", "x"),
        scale=(1, 2, 1, 0.5, 0.5),
        translate=(0, 5, 0, 3, 4),
        units=("s", "um", "pixel", "um", "um"),
    )
    panel = panel_of(SegmentPanel, viewer, qtbot)
    click(qtbot, panel.split)
    only = panel.layer
    assert only is not movie
    assert [level.shape for level in only.data] == [(2, 3, 256, 256), (2, 3, 128, 128)]
    assert only.data_to_world((1, 1, 10, 20)) == (1, 7, 8, 14)
    assert read_layer(only).axes == "TZYX"
    assert pixel_size(only, "TZYX").um == (2, 0.5, 0.5)


def test_the_channel_stays_with_its_image_while_the_panel_follows_others(viewer, qtbot):
    panel = panel_of(SegmentPanel, viewer, qtbot)
    two = viewer.add_image(np.stack([dots(), dots()]), axis_labels=("c", "y", "x"))
    panel.channel.setCurrentIndex(2)
    viewer.add_image(dots())
    viewer.layers.selection.active = two
    assert panel.channel.currentData() == 1


def test_a_typed_pixel_size_stays_with_its_labels(viewer, qtbot):
    one, other = viewer.add_labels(np.ones_like(dots())), viewer.add_labels(np.ones_like(dots()))
    export = panel_of(ExportPanel, viewer, qtbot)
    viewer.layers.selection.active = one
    export.size.setValue(0.42)
    viewer.layers.selection.active = other
    assert export.size.value() == 0
    viewer.layers.selection.active = one
    assert export.size.value() == pytest.approx(0.42)


def test_a_result_that_is_made_anew_in_its_layer_is_followed_and_alone(viewer, qtbot):
    viewer.add_image(dots())
    panel, teach = panel_of(SegmentPanel, viewer, qtbot), panel_of(FineTunePanel, viewer, qtbot)
    first = segmented(viewer, panel, qtbot)
    qtbot.waitUntil(lambda: first.visible)
    copy = viewer.add_labels(first.data.copy(), name="my copy", metadata=first.metadata)
    panel.model.choose_name("cells-phase")
    second = segmented(viewer, panel, qtbot)
    qtbot.waitUntil(lambda: second.visible)
    assert teach.form.model.currentText() == "cells-phase"
    panel.model.choose_name("nuclei")
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    qtbot.waitUntil(lambda: first.visible)
    assert (second.visible, copy.visible) == (False, True)
    assert teach.form.model.currentText() == "nuclei"
    teach.form.model.choose_new()
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert teach.form.model.is_new


def test_ids_that_do_not_fit_are_a_sentence(viewer, qtbot):
    viewer.add_image(np.zeros((200, 200)))
    panel = panel_of(FineTunePanel, viewer, qtbot)
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    layer.data = layer.data.astype(np.uint8)
    layer.data[5:9, 5:9] = layer.data[180:184, 180:184] = 255
    failures = []
    panel.tools.failed.connect(failures.append)
    panel.tools._split()
    assert "no ids left beyond 255" in failures[0]


def test_a_tensor_is_an_image(viewer, qtbot):
    panel = panel_of(SegmentPanel, viewer, qtbot)
    viewer.add_image(torch.rand(64, 48))
    assert "48 × 64 px" in panel.line.text()
