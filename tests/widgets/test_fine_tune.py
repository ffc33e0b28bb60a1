"""The heart of the product through the real window: Segment, paint, Fine-tune, look, Accept or Revert."""

import time

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt, QTimer

from napari_unet.files.session import former_sessions
from napari_unet.models.spec import read_spec
from napari_unet.segmentation import Segmentation
from napari_unet.widgets import autosave
from napari_unet.widgets.autosave import Autosave
from napari_unet.widgets.fine_tune import FineTunePanel
from napari_unet.widgets.layers import KEY
from napari_unet.widgets.painted import CORRECTIONS, STROKES, TRUTH
from napari_unet.widgets.preview import NAME, Preview
from tests.widgets.conftest import click, messages, wait_until_done

PLUGIN = "napari-unet-interactive"


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    return viewer


@pytest.fixture
def segment_panel(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")[1]


@pytest.fixture
def panel(viewer, segment_panel):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")[1]


def dots(shape=(96, 128), diamonds=()):
    """Bright discs; at some places dimmer diamonds instead, which look like something else."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 3, shape)
    rows, columns = np.indices(shape)
    for row in range(20, shape[0], 32):
        for column in range(20, shape[1], 32):
            if (row, column) in diamonds:
                image[np.abs(rows - row) + np.abs(columns - column) < 10] += 120
            else:
                image[(rows - row) ** 2 + (columns - column) ** 2 < 64] += 200
    return image.astype(np.uint16)


def brush(viewer, qtbot, layer, points, *, label, size=5):
    """Paint a stroke with the mouse on the canvas, through the data points given."""
    viewer.layers.selection.active = layer
    layer.mode, layer.selected_label, layer.brush_size = "paint", label, size
    native = viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(viewer, layer, point) for point in points]
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        qtbot.mouseMove(native, spot)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=spots[-1])


def on_canvas(viewer, layer, point):
    """Return where a data point of a layer lies on the canvas."""
    canvas = viewer.window._qt_viewer.canvas.native
    centre = np.asarray(viewer.scene.camera.center)[-2:]
    offset = (np.asarray(layer.data_to_world(point)) - centre) * viewer.scene.camera.zoom
    return QPoint(round(canvas.width() / 2 + offset[1]), round(canvas.height() / 2 + offset[0]))


def segment(qtbot, segment_panel):
    click(qtbot, segment_panel.job.start_button)
    wait_until_done(qtbot, segment_panel)
    qtbot.wait(100)
    return segment_panel._viewer.layers[-1]


def learn(qtbot, panel, seconds=8):
    panel.form.seconds.setValue(seconds)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel, 120000)


def learn_until(qtbot, panel, score, seconds=100):
    """Learn until the score is reached, then press Stop: slow machines take longer, fast ones do not wait."""
    panel.form.seconds.setValue(seconds)
    click(qtbot, panel.job.start_button)

    def reached():
        return max((y for _, y in panel.curves.points["score"]), default=0) > score

    qtbot.waitUntil(reached, timeout=(seconds + 20) * 1000)
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel, 120000)


def heartbeat(every=20):
    """Start a timer; the returned function gives the longest gap between two beats in seconds."""
    beats = [time.monotonic()]
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start(every)

    def longest():
        timer.stop()
        return max(np.diff(beats), default=0)

    return longest


def test_corrections_are_learnt_shown_accepted_and_used(viewer, segment_panel, panel, qtbot, user_folder):
    image = viewer.add_image(
        dots(diamonds=((20, 20), (52, 84))), name="dots", scale=(0.5, 0.5), units=("um", "um")
    )
    result = segment(qtbot, segment_panel)
    before = result.data.copy()
    assert before.max() == 12
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    brush(viewer, qtbot, result, [(52, 84), (52, 86)], label=0, size=22)
    assert result.data[20, 20] == 0
    inserted = []
    viewer.layers.events.inserted.connect(lambda event: inserted.append(event.value.name))
    beats = heartbeat()
    learn_until(qtbot, panel, 0.9)
    assert beats() < 1  # 0.2 s on an idle machine: see benchmarks/heartbeat
    assert len(panel.curves.points["loss"]) > 3
    assert len(panel.curves.points["score"]) >= 1
    assert inserted == [NAME]
    assert viewer.layers[NAME].data.shape == (*image.data.shape, 4)
    assert viewer.layers.selection.active == result  # who paints goes on painting
    assert "In the part shown: 12 objects before, 10 after, 10 of them the same." in panel.outcome.sentence.text()
    np.testing.assert_allclose(viewer.layers[NAME].data_to_world((0, 0)), image.data_to_world((0, 0)))
    shown = viewer.layers[NAME].data.copy()
    assert not result.visible, "before and after are compared without the former result over them"
    click(qtbot, panel.outcome.before)
    assert (viewer.layers[NAME].data != shown).any()
    panel.outcome.name.setText("fewer dots")
    click(qtbot, panel.outcome.accept)
    wait_until_done(qtbot, panel)
    path = user_folder / "models" / "fewer dots.safetensors"
    spec = read_spec(path)
    assert spec.parent == result.metadata[KEY]["provenance"]["model_sha256"]
    assert spec.training["fine_tuning"]["annotated_pixels"] > 100
    assert NAME not in viewer.layers
    assert result.visible
    assert segment_panel.model.currentText() == panel.form.model.currentText() == "fewer dots"
    again = segment(qtbot, segment_panel)
    assert again is not result
    assert again.data[20, 20] == 0 != before[20, 20]
    assert again.data[52, 84] == 0 != before[52, 84]
    assert again.data.max() == 10  # nobody complained about the discs


def test_revert_leaves_model_and_layers_as_they_were(viewer, segment_panel, panel, qtbot, user_folder):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    painted, layers = result.data.copy(), list(viewer.layers)
    learn(qtbot, panel, 3)
    assert not result.visible
    click(qtbot, panel.outcome.revert)
    assert result.visible
    assert list(viewer.layers) == layers
    np.testing.assert_array_equal(result.data, painted)
    assert panel.form.model.currentText() == "nuclei"
    assert not panel.outcome.isVisible()
    assert not list(user_folder.glob("models/*"))


def test_what_was_learnt_is_kept_where_learning_again_fails(viewer, segment_panel, panel, qtbot, user_folder):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    learn(qtbot, panel, 3)
    learnt = panel._outcome
    panel.table.choose({result.name: (False, CORRECTIONS)})
    click(qtbot, panel.tools.new_layer)
    brush(viewer, qtbot, viewer.layers[-1], [(20, 18), (20, 24)], label=2)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "only objects are painted" in messages()[-1]
    assert panel._outcome is learnt
    assert panel.outcome.isVisible()
    user_folder.mkdir(parents=True, exist_ok=True)
    (user_folder / "models").write_text("no folder")
    panel.accept()
    wait_until_done(qtbot, panel)
    assert "cannot write" in messages()[-1]
    assert panel._outcome is learnt


def test_a_closed_panel_learns_nothing_any_more(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) > 1, timeout=60000)
    work = panel.job._work
    viewer.window.remove_dock_widget(panel)
    panel.close()
    panel.deleteLater()
    qtbot.waitUntil(lambda: work.begin is None, timeout=20000)


def test_stop_ends_at_once_and_keeps_what_was_learnt(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) >= 3, timeout=60000)
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel, 30000)
    assert panel._outcome.tuned.iterations >= 1
    assert panel.outcome.isVisible()


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
    assert "only objects are painted" in messages()[-1]
    assert NAME not in viewer.layers
    assert panel.job.start_button.isEnabled()
    click(qtbot, panel.tools.ring)
    assert (layer.data == 1).sum() > 10
    learn(qtbot, panel, 3)
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
    segment_panel.advanced.zoom.setCurrentIndex(segment_panel.advanced.zoom.findData(2.0))
    result = segment(qtbot, segment_panel)
    result.data[result.data == result.data[20, 20]] = 0
    result.refresh()
    panel.table.refresh()
    click(qtbot, panel.tools.weights)
    wait_until_done(qtbot, panel)
    assert panel._wished().options["zoom"] == 2
    weights = viewer.layers[-1]
    assert weights.data.shape == result.data.shape
    assert weights.data[20, 20] > 0
    assert weights.data[52, 52] == 0


def test_the_view_may_move_while_it_learns(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots((300, 400)))
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(6)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) > 1, timeout=60000)
    viewer.scene.camera.zoom *= 3
    viewer.scene.camera.center = (100, 150)
    wait_until_done(qtbot, panel, 120000)
    assert panel.outcome.isVisible()
    assert "In the part shown" in panel.outcome.sentence.text()


def test_results_found_at_different_sizes_are_not_learnt_together(viewer, segment_panel, panel, qtbot):
    for name, zoom in (("one", 1.0), ("other", 2.0)):
        viewer.add_image(dots(), name=name)
        segment_panel.image.value = viewer.layers[name]
        segment_panel.advanced.zoom.setCurrentIndex(segment_panel.advanced.zoom.findData(zoom))
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
    assert panel.form.channel.value() == 0
    assert panel._wished().options["channel"] == 1
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
    wish = panel._wished()
    assert (wish.paints[0].image.axes, wish.options["channel"]) == ("CYX", 1)
    viewer.layers.selection.active = image
    click(qtbot, panel.tools.new_layer)
    assert viewer.layers[-1].data.shape == (96, 128)
    other = viewer.add_image(dots(), name="other")
    segment_panel.image.value = other
    assert segment_panel.advanced.axes.text() == ""
    assert segment(qtbot, segment_panel).data.max() == 12
    segment_panel.image.value = image
    assert segment_panel.advanced.axes.text() == "cyx"


def test_what_is_shown_is_of_the_image_that_was_painted_on(viewer, segment_panel, panel, qtbot):
    for name, image in (("faint", dots()[:, ::-1] // 50), ("dots", dots())):
        layer = viewer.add_image(image, name=name, translate=(0, 0 if name == "faint" else 300))
        segment_panel.image.value = layer
        result = segment(qtbot, segment_panel)
    viewer.reset_view()
    assert [image.name for _, image, _ in panel.table.chosen()] == ["faint", "dots"]
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    learn(qtbot, panel, 2)
    np.testing.assert_allclose(viewer.layers[NAME].data_to_world((0, 0)), layer.data_to_world((0, 0)))
    assert "In the part shown: 12 objects before" in panel.outcome.sentence.text()


def test_one_id_in_two_far_places_is_offered_to_be_split(viewer, panel, qtbot):
    viewer.add_image(dots())
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    layer.data[15:25, 15:25], layer.data[15:25, 80:90], layer.data[60:64, 10:90] = 2, 2, 1
    learn(qtbot, panel, 2)
    assert panel.tools.split.isVisible()
    click(qtbot, panel.tools.split)
    assert layer.data[20, 20] == 2
    assert layer.data[20, 85] == 3
    assert not panel.tools.split.isVisible()


def test_a_new_network_learns_classes_from_strokes(viewer, panel, qtbot, user_folder):
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
    learn_until(qtbot, panel, 0.5)
    tuned = panel._outcome.tuned
    assert tuned.model.spec.classes == ("background", "class 1", "class 2")
    assert tuned.after > 0.5 > tuned.before


def test_foreign_labels_wait_for_a_tick_and_mean_truth(viewer, panel, qtbot):
    viewer.add_image(dots())
    viewer.add_labels((dots() > 200).astype(np.uint8), name="truth")
    assert list(panel.table.chosen()) == []
    click(qtbot, panel.job.start_button)
    assert "Nothing is painted yet" in messages()[-1]
    panel.table.choose({"truth": (True, TRUTH)})
    [(layer, _, meaning)] = panel.table.chosen()
    assert (layer.name, meaning) == ("truth", TRUTH)


def test_deleting_layers_while_it_learns_is_harmless(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(4)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) >= 1, timeout=60000)
    viewer.layers.clear()
    wait_until_done(qtbot, panel, 60000)
    assert panel.outcome.isVisible()
    assert len(viewer.layers) == 0


def test_the_preview_follows_the_view_in_one_layer(viewer):
    image = viewer.add_image(dots(), scale=(0.5, 0.5), translate=(10, 20))
    preview = Preview(viewer)
    for origin, shape in (((16, 32), (40, 50)), ((48, 0), (16, 20))):
        labels = np.full(shape, 3, np.int32)
        preview.show(Segmentation(labels=labels, axes="YX", origin=origin), image, "YX")
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
    Preview(viewer).show(Segmentation(labels=labels, axes="YX", origin=(0, 0)), image, "YX")
    colours = viewer.layers[NAME].data
    np.testing.assert_array_equal(colours[..., 3] > 0, labels > 0)
    assert (colours[6, 6] != colours[25, 25]).any()
    assert list(segment_panel.image.choices) == [image]
    viewer.layers.selection = [viewer.layers[NAME]]
    panel.tools.new_layer.click()
    [(painted, of, _)] = panel.table.chosen()
    assert of is image
    assert painted.data.shape == image.data.shape


def test_a_name_that_is_taken_or_no_name_is_refused(viewer, segment_panel, panel, qtbot, user_folder):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    learn(qtbot, panel, 6)
    for name in ("", "../escape"):
        panel.outcome.name.setText(name)
        panel.accept()
        assert "cannot name a model" in messages()[-1]
    (user_folder / "models").mkdir(parents=True)
    (user_folder / "models" / "taken.safetensors").write_text("precious")
    for name in ("taken", "nuclei"):
        panel.outcome.name.setText(name)
        panel.accept()
        assert f"There is a model {name} already" in messages()[-1]
    assert (user_folder / "models" / "taken.safetensors").read_text() == "precious"


def test_paint_comes_back_after_a_crash(
    viewer, segment_panel, panel, qtbot, make_napari_viewer, monkeypatch, tmp_path
):
    from skimage.io import imsave

    imsave(tmp_path / "dots.tif", dots(), check_contrast=False)
    [image] = viewer.open(tmp_path / "dots.tif")
    image.scale = (0.5, 0.5)
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers[-1]
    brush(viewer, qtbot, layer, [(50, 50), (50, 60)], label=3)
    panel.form.seconds.setValue(77)
    saver = Autosave.of(viewer)
    saver.look()
    qtbot.waitUntil(lambda: not saver._writing and not saver._changed, timeout=10000)
    saver._timer.stop()
    # the crash: nobody says goodbye, and the process is gone
    monkeypatch.setattr("napari_unet.files.session.Session.is_open", False)
    assert len(former_sessions()) == 1
    second = make_napari_viewer(show=True)
    other = FineTunePanel(second)
    second.window.add_dock_widget(other)
    assert "Restore the annotations of" in other.restore_bar.text.text()
    click(qtbot, other.restore_bar.restore)
    np.testing.assert_array_equal(second.layers[layer.name].data, layer.data)
    np.testing.assert_array_equal(second.layers[result.name].data, result.data)
    np.testing.assert_allclose(second.layers[result.name].scale, (0.5, 0.5))
    assert second.layers["dots"].data.shape == dots().shape
    assert other.form.seconds.value() == 77
    meanings = {one.name: meaning for one, _, meaning in other.table.chosen()}
    assert meanings == {layer.name: STROKES, result.name: CORRECTIONS}
    assert not other.restore_bar.isVisible()
    assert len(other._paints()) == 2
    assert autosave.EVERY <= 15
