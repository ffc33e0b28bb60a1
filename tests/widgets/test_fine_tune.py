"""The heart of the product through the real window: Segment, paint, Fine-tune, look, Accept or Revert."""

import re

import numpy as np
import pytest

from napari_unet.files.session import former_sessions
from napari_unet.models.spec import read_spec
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.widgets.autosave import watcher as autosave
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.teach.panel import FineTunePanel
from napari_unet.widgets.teach.preview import NAME
from napari_unet.widgets.viewer.notes import KEY
from napari_unet.widgets.viewer.paint import CORRECTIONS, STROKES
from tests.teaching import small
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import brush, dots, heartbeat, in_small_patches, learn, learn_until, segment

QUICK = (
    {"faint": ((36, 37),)},
    {
        "augmentation": small.QUICK.augmentation,
        "optimization": FineTuningSettings().optimization.replace(learning_rate=1e-2),
    },
)
"""What the small network does not see, and `nuclei` would, and steps for few weights and patches hardly varied."""


@pytest.mark.parametrize(
    ("more", "steps"),
    [pytest.param(*QUICK, id="quick"), pytest.param({}, {}, marks=pytest.mark.slow, id="shipped")],
)
def test_corrections_are_learnt_shown_accepted_and_used(
    viewer, segment_panel, panel, qtbot, user_folder, more, steps
):
    image = dots(diamonds=((20, 20), (52, 84)), **more)
    image = viewer.add_image(image, name="dots", scale=(0.5, 0.5), units=("um", "um"))
    result = segment(qtbot, segment_panel)
    before = result.data.copy()
    assert before.max() == 12
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    brush(viewer, qtbot, result, [(52, 84), (52, 86)], label=0, size=22)
    assert result.data[20, 20] == 0
    brush(viewer, qtbot, result, [(36, 36), (36, 38)], label=40, size=9)
    drawn = result.data == 40
    inserted = []
    viewer.layers.events.inserted.connect(lambda event: inserted.append(event.value.name))
    beats = heartbeat()
    learn_until(qtbot, panel, 0.9, **steps)
    assert beats() > 20  # how long the pauses are is measured by benchmarks/heartbeat.py
    assert len(panel.curves.points["loss"]) > 3
    assert len(panel.curves.points["score"]) >= 1
    assert inserted == [NAME]
    assert viewer.layers[NAME].data.shape == (*image.data.shape, 4)
    assert viewer.layers.selection.active == result  # who paints goes on painting
    # how many specks come with what was drawn depends on when learning was stopped
    found = re.search(r"12 objects before, (\d+) after, (\d+) of them the same", panel.outcome.details.text())
    assert int(found[1]) >= int(found[2]) >= 9, "nobody complained about the ten discs"
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
    assert again.unique_id == result.unique_id, "one result, with what was corrected"
    assert again.name == "dots (fewer dots)"
    [number] = np.unique(again.data[drawn])
    np.testing.assert_array_equal(again.data == number, drawn)
    assert again.data[20, 20] == 0 != before[20, 20]
    assert again.data[52, 84] == 0 != before[52, 84]
    assert again.data.max() >= 10  # nobody complained about the discs


def test_revert_leaves_model_and_layers_as_they_were(viewer, segment_panel, panel, qtbot, user_folder):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    painted, layers = result.data.copy(), list(viewer.layers)
    learn(qtbot, panel, 1)
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
    learn(qtbot, panel, 1)
    learnt = panel.trial.outcome
    panel.table.choose({result.name: (False, CORRECTIONS)})
    other = viewer.add_image(dots(), name="other", translate=(0, 300))
    viewer.layers.selection.active = other
    viewer.reset_view()
    click(qtbot, panel.tools.new_layer)
    brush(viewer, qtbot, viewer.layers[-1], [(20, 18), (20, 24)], label=2)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "Only objects are painted" in messages()[-1]
    assert panel.trial.outcome is learnt
    assert panel.outcome.isVisible()
    np.testing.assert_allclose(viewer.layers[NAME].data_to_world((0, 0)), result.data_to_world((0, 0)))
    assert not result.visible
    user_folder.mkdir(parents=True, exist_ok=True)
    (user_folder / "models").write_text("no folder")
    panel.accept()
    wait_until_done(qtbot, panel)
    assert "annot write" in messages()[-1]
    assert panel.trial.outcome is learnt
    assert panel.outcome.hidden.isVisible()
    segment_panel.image.value = viewer.layers["dots"]
    assert segment(qtbot, segment_panel).visible
    assert not panel.outcome.hidden.isVisible(), "the new result is shown"


def test_a_closed_panel_learns_nothing_any_more(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) > 1, timeout=300000)
    work = panel.job._work
    viewer.window.remove_dock_widget(panel)
    panel.close()
    panel.deleteLater()
    qtbot.waitUntil(lambda: work.begin is None, timeout=300000)
    assert NAME not in viewer.layers
    assert result.visible


def test_stop_ends_at_once_and_keeps_what_was_learnt(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) >= 3, timeout=300000)
    assert not panel.form.seconds.isEnabled()
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel)
    assert panel.form.seconds.isEnabled()
    assert panel.trial.outcome.tuned.iterations >= 1
    assert panel.outcome.isVisible()


def test_learning_that_has_only_begun_goes_on_and_ends_by_itself(viewer, segment_panel, panel, qtbot, monkeypatch):
    monkeypatch.setattr("napari_unet.teaching.learning.MIN_ITERATIONS", 10**6)
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    for row, column in ((20, 20), (20, 84), (52, 20), (52, 84), (84, 52)):  # some of five are held out
        brush(viewer, qtbot, result, [(row, column), (row, column + 2)], label=0, size=22)
    in_small_patches(panel, score_every=5)
    learn(qtbot, panel, 1)
    begun = panel.trial.outcome.tuned
    assert "learning has only begun; learn for longer" in panel.outcome.sentence.text()
    monkeypatch.setattr("napari_unet.teaching.learning.PATIENCE", 10)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.outcome.longer)
    assert panel.job.is_running
    assert not panel.outcome.isVisible()
    wait_until_done(qtbot, panel)
    longer = panel.trial.outcome.tuned
    assert longer.reached.iterations > begun.reached.iterations
    assert "only begun" not in panel.outcome.sentence.text(), "it ended by itself, long before the limit"
    panel.form.model.choose_new()
    click(qtbot, panel.outcome.longer)
    assert "was learnt from nuclei: choose that again" in messages()[-1]
    assert panel.trial.outcome.tuned is longer


def test_the_view_may_move_while_it_learns(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots((300, 400)))
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    in_small_patches(panel)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) > 1, timeout=300000)
    viewer.scene.camera.zoom *= 3
    viewer.scene.camera.center = (100, 150)
    count = len(panel.curves.points["score"])
    qtbot.waitUntil(lambda: len(panel.curves.points["score"]) > count, timeout=300000)  # shown anew
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel)
    assert panel.outcome.isVisible()
    assert "In the part shown" in panel.outcome.details.text()


def test_deleting_layers_while_it_learns_is_harmless(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) >= 1, timeout=300000)
    viewer.layers.clear()
    count = len(panel.curves.points["loss"])
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) > count, timeout=300000)
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel)
    assert panel.outcome.isVisible()
    assert len(viewer.layers) == 0


def test_a_name_that_is_taken_or_no_name_is_refused(viewer, segment_panel, panel, qtbot, user_folder):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    learn(qtbot, panel, 1)
    for name in ("", "../escape"):
        panel.outcome.name.setText(name)
        panel.accept()
        assert "cannot name a model" in messages()[-1]
    panel.outcome.name.setText("m" * 300)
    panel.accept()
    assert "The name has 300 letters, a model's has at most 60" in messages()[-1]
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
    qtbot.waitUntil(lambda: not saver._writing and not saver._changed, timeout=300000)
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
