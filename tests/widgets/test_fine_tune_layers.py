"""What is painted where: annotation layers, results and their channels, axes and sizes, weights, previews."""

import numpy as np
import pytest

from napari_unet.widgets.teach.preview import NAME, Preview
from napari_unet.widgets.teach.shown_part import ShownPart, coloured
from napari_unet.widgets.teach.work import starting_model
from napari_unet.widgets.viewer.notes import RESULT, LayerNotes, as_metadata
from napari_unet.widgets.viewer.paint import CORRECTIONS, TRUTH, image_reference
from tests.teaching import small
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import brush, dots, learn, learn_until, segment


def test_an_annotation_layer_is_ready_to_paint_and_teaches(viewer, panel, qtbot):
    image = viewer.add_image(dots(), name="dots", scale=(0.5, 0.5))
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers["dots (annotation)"]
    assert (layer.mode, layer.selected_label, int(layer.data.max())) == ("paint", 2, 0)
    np.testing.assert_allclose(layer.data_to_world((3, 5)), image.data_to_world((3, 5)))
    assert not np.allclose(layer.colormap.map(1), layer.colormap.map(2))
    click(qtbot, panel.job.start_button)
    assert "Nothing is painted yet" in messages()[-1]
    brush(viewer, qtbot, layer, [(20, 18), (20, 24)], label=2)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "Only objects are painted" in messages()[-1]
    assert NAME not in viewer.layers
    assert panel.job.start_button.isEnabled()
    click(qtbot, panel.tools.ring)
    assert (layer.data == 1).sum() > 10
    learn(qtbot, panel, 1)
    assert panel.outcome.isVisible()
    layer.undo()
    assert (layer.data == 1).sum() == 0


def test_the_ring_avoids_what_a_model_takes_for_a_neighbour(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    layer.data[15:25, 13:20] = 2  # half of an object
    click(qtbot, panel.tools.ring)
    assert (layer.data == 1).any()
    assert not ((layer.data == 1) & (result.data > 0)).any()


def test_the_weights_that_the_loss_uses_are_shown(viewer, panel, qtbot):
    viewer.add_image(dots(), name="dots")
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers["dots (annotation)"]
    layer.data[40:60, 40:80] = 1
    layer.data[45:55, 45:60], layer.data[45:55, 60:75] = 2, 3
    click(qtbot, panel.tools.weights)
    wait_until_done(qtbot, panel)
    weights = viewer.layers["dots (annotation) (weights)"]
    whole = np.zeros(layer.data.shape)
    at = tuple(int(v) for v in weights.data_to_world((0, 0)))
    whole[at[0] : at[0] + weights.data.shape[0], at[1] : at[1] + weights.data.shape[1]] = weights.data
    assert (whole[layer.data == 0] == 0).all()
    assert whole[50, 60] > 3 * whole[41, 41] > 0  # between two touching cells


def test_corrections_are_learnt_at_the_size_at_which_the_result_was_found(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    segment_panel.advanced.boxes["zoom"].choose(2.0)
    result = segment(qtbot, segment_panel)
    result.data[result.data == result.data[20, 20]] = 0
    result.refresh()
    panel.table.refresh()
    click(qtbot, panel.tools.weights)
    wait_until_done(qtbot, panel)
    assert panel._request().settings.zoom == 2
    weights = viewer.layers[-1]
    assert weights.data.shape == result.data.shape
    assert weights.data[20, 20] > 0
    assert weights.data[52, 52] == 0


def test_results_found_at_different_sizes_are_not_learnt_together(viewer, segment_panel, panel, qtbot):
    for name, zoom in (("one", 1.0), ("other", 2.0)):
        viewer.add_image(dots(), name=name)
        segment_panel.image.value = viewer.layers[name]
        segment_panel.advanced.boxes["zoom"].choose(zoom)
        result = segment(qtbot, segment_panel)
        brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    click(qtbot, panel.job.start_button)
    assert "seen at its own size and 2 times its size" in panel.job.status.text()


def test_corrections_are_learnt_in_the_channel_in_which_the_result_was_found(viewer, segment_panel, panel, qtbot):
    rng = np.random.default_rng(1)
    viewer.add_image(np.stack([rng.normal(100, 3, (96, 128)), dots()]), axis_labels=("c", "y", "x"))
    segment_panel.channel.setCurrentIndex(segment_panel.channel.findData(1))
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.channel.setValue(0)
    assert panel._request().settings.channels == (1,)
    assert panel.form.channel.value() == 1, "the user sees which one"
    segment_panel.channel.setCurrentIndex(segment_panel.channel.findData(0))
    other = segment(qtbot, segment_panel)
    other.data[40:50, 40:50] = other.data.max() + 1
    panel.table.choose({layer.name: (True, CORRECTIONS) for layer in (result, other)})
    click(qtbot, panel.job.start_button)
    assert "found in channels 0 and 1: learn from one channel at a time" in panel.job.status.text()


def test_axes_that_were_typed_hold_in_every_panel_and_for_their_image_alone(viewer, segment_panel, panel, qtbot):
    rng = np.random.default_rng(1)
    image = viewer.add_image(np.stack([rng.normal(100, 3, (96, 128)), dots()]), name="two channels")
    segment_panel.advanced.axes.setText("cyx")
    segment_panel.advanced.axes.editingFinished.emit()
    segment_panel.channel.setCurrentIndex(segment_panel.channel.findData(1))
    result = segment(qtbot, segment_panel)
    assert result.data.shape == (96, 128)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    request = panel._request()
    assert (request.paints[0].image.axes, request.settings.channels) == ("CYX", (1,))
    viewer.layers.selection.active = image
    click(qtbot, panel.tools.new_layer)
    assert viewer.layers[-1].data.shape == (96, 128)
    other = viewer.add_image(dots(), name="other")
    segment_panel.image.value = other
    assert segment_panel.advanced.axes.text() == ""
    assert segment(qtbot, segment_panel).data.max() == 12
    segment_panel.image.value = image
    assert segment_panel.advanced.axes.text() == "cyx"


@pytest.mark.usefixtures("pixels_drawn")
def test_what_is_shown_is_of_the_image_that_was_painted_on(viewer, segment_panel, panel, qtbot):
    for name, image in (("faint", dots()[:, ::-1] // 50), ("dots", dots())):
        layer = viewer.add_image(image, name=name, translate=(0, 0 if name == "faint" else 300))
        segment_panel.image.value = layer
        result = segment(qtbot, segment_panel)
    viewer.reset_view()
    assert [image.name for _, image, _ in panel.table.chosen()] == ["faint", "dots"]
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    learn(qtbot, panel, 1)
    np.testing.assert_allclose(viewer.layers[NAME].data_to_world((0, 0)), layer.data_to_world((0, 0)))
    assert "In the part shown: 12 objects before" in panel.outcome.details.text()


def test_one_id_in_two_far_places_is_offered_to_be_split(viewer, panel, qtbot):
    viewer.add_image(dots())
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    layer.data[15:25, 15:25], layer.data[15:25, 80:90], layer.data[60:64, 10:90] = 2, 2, 1
    learn(qtbot, panel, 1)
    assert panel.tools.split.isVisible()
    click(qtbot, panel.tools.split)
    assert layer.data[20, 20] == 2
    assert layer.data[20, 85] == 3
    assert not panel.tools.split.isVisible()


def test_a_new_network_learns_classes_from_strokes(viewer, panel, qtbot, user_folder, monkeypatch):
    monkeypatch.setattr("napari_unet.models.fresh.fresh_model", small.small_fresh_model)
    image = np.random.default_rng(0).normal(0, 1, (64, 96))
    image[:, 32:64] += 10
    image[:, 64:] += 20
    viewer.add_image(image)
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    for number, column in enumerate((4, 36, 68), start=1):
        for row in (5, 25, 45):
            layer.data[row : row + 8, column : column + 20] = number
    panel.form.model.setCurrentIndex(panel.form.model.count() - 2)
    panel.form.model.activated.emit(panel.form.model.count() - 2)
    assert panel.form.kind.isVisible()
    panel.form.kind.setCurrentIndex(1)
    learn_until(qtbot, panel, 0.5, augmentation=small.QUICK.augmentation)
    tuned = panel.trial.outcome.tuned
    assert tuned.model.spec.classes == ("background", "class 1", "class 2")
    assert tuned.after > 0.5 > tuned.before


def test_foreign_labels_wait_for_a_tick_and_mean_truth(viewer, panel, qtbot):
    viewer.add_image(dots())
    viewer.add_labels((dots() > 200).astype(np.uint8), name="truth")
    assert list(panel.table.chosen()) == []
    click(qtbot, panel.job.start_button)
    assert "truth is painted, but not ticked" in messages()[-1]
    panel.table.choose({"truth": (True, TRUTH)})
    [(layer, _, meaning)] = panel.table.chosen()
    assert (layer.name, meaning) == ("truth", TRUTH)


def test_paint_without_its_image_is_not_called_nothing(viewer, panel, qtbot):
    image = viewer.add_image(dots(), name="dots")
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    brush(viewer, qtbot, layer, [(20, 18), (20, 24)], label=2)
    viewer.layers.remove(image)
    click(qtbot, panel.job.start_button)
    assert messages()[-1] == "The layer dots (annotation) is painted, but its image dots is not open: open it."
    viewer.layers.remove(layer)
    viewer.add_image(dots())
    viewer.add_labels(np.ones((7, 9), np.uint8), name="small")
    click(qtbot, panel.job.start_button)
    assert "small is painted, but it has 9 × 7 pixels, and no open image has" in messages()[-1]


def test_a_result_of_objects_does_not_teach_a_model_of_classes(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.model.choose_name("axons")
    click(qtbot, panel.job.start_button)
    assert f"{result.name} holds objects, and axons finds classes: choose a model like" in messages()[-1]


def part_of(labels, origin=(0, 0)):
    """Return labels as a preview draws them."""
    return ShownPart(labels=labels, colours=coloured(labels), axes="YX", origin=origin, count=1)


def test_the_preview_follows_the_view_in_one_layer(viewer):
    image = viewer.add_image(dots(), scale=(0.5, 0.5), translate=(10, 20))
    preview = Preview(viewer)
    for origin, shape in (((16, 32), (40, 50)), ((48, 0), (16, 20))):
        labels = np.full(shape, 3, np.int32)
        preview.show(part_of(labels, origin), image, "YX")
        [_, layer] = viewer.layers
        assert layer.data.shape == (*shape, 4)
        assert layer.visible
        np.testing.assert_allclose(layer.data_to_world((0, 0)), image.data_to_world(origin))
        preview.hide()
        assert not layer.visible
    preview.remove()
    assert list(viewer.layers) == [image]


def test_the_preview_is_coloured_where_there_are_objects_and_is_no_image_of_the_users(
    viewer, segment_panel, panel
):
    image = viewer.add_image(dots())
    labels = np.zeros((40, 50), np.int32)
    labels[5:9, 5:9], labels[20:30, 20:30] = 1, 70000
    Preview(viewer).show(part_of(labels), image, "YX")
    colours = viewer.layers[NAME].data
    np.testing.assert_array_equal(colours[..., 3] > 0, labels > 0)
    assert (colours[6, 6] != colours[25, 25]).any()
    assert list(segment_panel.image.choices) == [image]
    viewer.layers.selection = [viewer.layers[NAME]]
    panel.tools.new_layer.click()
    [(painted, of, _)] = panel.table.chosen()
    assert of is image
    assert painted.data.shape == image.data.shape


def test_results_are_hidden_only_where_a_preview_is_shown_over_them(viewer):
    image, other = viewer.add_image(dots(), name="dots"), viewer.add_image(dots(), name="other")
    one = np.ones(dots().shape, np.uint8)
    made = [
        viewer.add_labels(one, metadata=as_metadata(LayerNotes(role=RESULT, image=image_reference(owner))))
        for owner in (image, other)
    ]
    preview = Preview(viewer)
    seen = part_of(np.ones((40, 50), np.int32))
    preview.stand_alone()
    assert [layer.visible for layer in made] == [True, True]
    preview.show(seen, image, "YX")
    preview.stand_alone()
    assert [layer.visible for layer in made] == [False, True]
    preview.hide()
    preview.stand_alone()
    assert [layer.visible for layer in made] == [True, True]
    preview.show(seen, image, "YX")
    viewer.layers.remove(NAME)
    preview.stand_alone()
    assert [layer.visible for layer in made] == [True, True]


def test_a_new_network_sees_planes_or_volumes_of_a_stack(viewer, panel, qtbot):
    viewer.add_image(np.stack([dots()] * 4), name="stack", scale=(2.5, 1, 1))
    click(qtbot, panel.tools.new_layer)
    viewer.layers[-1].data[1, 12:28, 12:60] = 2
    viewer.layers[-1].data[1, 30:36, 12:60] = 1
    assert not panel.form.sees.isVisible(), "the model at hand sees planes"
    panel.form.model.choose_new()
    assert panel.form.sees.isVisible()
    assert starting_model(panel.form.request(panel._paints())).spec.axes == "YX"
    panel.form.sees.setCurrentIndex(1)
    spec = starting_model(panel.form.request(panel._paints())).spec
    assert (spec.axes, spec.spacing) == ("ZYX", (2.5, 1.0, 1.0))
    chosen = panel.form.settings()
    panel.form.sees.setCurrentIndex(0)
    panel.form.restore(chosen)
    assert panel.form.sees.currentData() == "ZYX"
