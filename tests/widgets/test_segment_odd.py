"""The Segment panel where things go wrong or are odd: cancel, close, deleted images, errors, strange axes."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.errors import UnetError
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import Progress
from napari_unet.widgets import model_choice as choices
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import heartbeat
from tests.widgets.segmenting import PLUGIN, nuclei_image, segment


@pytest.fixture
def panel(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    return panel


@pytest.fixture
def viewer(panel):
    return panel._viewer


def test_cancel_answers_within_a_tile_and_leaves_nothing(panel, viewer, qtbot, monkeypatch):
    viewer.add_image(np.stack([nuclei_image((256, 256))] * 40))
    run, tiles, clicked = Predictor.__call__, [], threading.Event()

    def waits_in_the_tenth_tile(predictor, *given):
        tiles.append(given)
        if len(tiles) == 10:
            clicked.wait(300)
        return run(predictor, *given)

    monkeypatch.setattr(Predictor, "__call__", waits_in_the_tenth_tile)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(tiles) == 10, timeout=300000)
    click(qtbot, panel.job.cancel_button)
    clicked.set()
    wait_until_done(qtbot, panel)
    assert len(tiles) == 10
    assert len(viewer.layers) == 1
    assert "Cancelled" in panel.job.status.text()
    assert panel.job.start_button.isEnabled()


def test_the_window_stays_alive_while_segmenting(panel, viewer, qtbot):
    viewer.open_sample(PLUGIN, "u2os")
    ended = []
    panel.job.finished.connect(lambda: ended.append(True))
    click(qtbot, panel.job.start_button)
    beats = heartbeat()
    qtbot.waitUntil(lambda: bool(ended), timeout=600000)
    assert beats() > 2  # how long the pauses are is measured by benchmarks/heartbeat.py


def test_a_click_before_the_result_is_shown_starts_nothing(panel, viewer, qtbot):
    viewer.add_image(nuclei_image())
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: not panel.job.bar.isVisibleTo(panel), timeout=300000)
    assert panel.job.is_running
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "Done in" in panel.job.status.text()
    assert len(viewer.layers) == 2


def test_the_keyboard_stays_with_the_button_that_works(panel, viewer, qtbot):
    viewer.add_image(np.stack([nuclei_image((256, 256))] * 40))
    start, cancel, window = panel.job.start_button, panel.job.cancel_button, panel.window()
    start.setFocus()
    qtbot.keyClick(start, Qt.Key.Key_Space)
    assert window.focusWidget() is cancel
    qtbot.keyClick(cancel, Qt.Key.Key_Space)
    wait_until_done(qtbot, panel)
    assert "Cancelled" in panel.job.status.text()
    assert window.focusWidget() is start


def test_deleting_the_image_meanwhile_is_harmless(panel, viewer, qtbot):
    layer = viewer.add_image(nuclei_image((256, 256)))
    click(qtbot, panel.job.start_button)
    viewer.layers.remove(layer)
    wait_until_done(qtbot, panel)
    assert len(viewer.layers) == 0
    assert "closed meanwhile" in panel.job.status.text()


def test_closing_the_window_meanwhile_is_harmless(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    viewer.add_image(np.stack([nuclei_image((256, 256))] * 20))
    click(qtbot, panel.job.start_button)
    qtbot.wait(300)
    viewer.close()
    qtbot.wait(300)


def fail_with(error):
    def steps(*_arguments, **_options):
        yield Progress(done=0, total=1)
        raise error

    return steps


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("the network tripped"), "the network tripped"),
        (OSError(5, "Input/output error"), "A file cannot be read or written (Input/output error): check"),
        (UnetError("tile must exceed 16"), "Tile must exceed 16"),
    ],
)
def test_an_error_in_the_worker_reaches_the_user_and_frees_the_panel(
    panel, viewer, qtbot, monkeypatch, error, said
):
    monkeypatch.setattr("napari_unet.anywhere.plan_segmentation", fail_with(error))
    viewer.add_image(nuclei_image())
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert said in messages()[-1]
    assert said in panel.job.status.text()
    assert panel.job.start_button.isEnabled()
    assert len(viewer.layers) == 1


def test_a_renamed_layer_keeps_its_place_under_the_new_name(panel, viewer):
    viewer.add_image(np.zeros((8, 8)), name="first")
    second = viewer.add_image(np.zeros((8, 8)), name="second")
    panel.image.value = second
    second.name = "embryo"
    assert panel.image.native.currentText() == "embryo"
    assert panel.layer.name == "embryo"


def test_without_an_image_the_button_says_what_to_do(panel, qtbot):
    click(qtbot, panel.job.start_button)
    assert "There is no image" in messages()[-1]


def test_a_constant_image_gives_an_empty_result_and_a_word(panel, viewer, qtbot):
    viewer.add_image(np.full((64, 64), 7, np.uint8))
    assert segment(qtbot, panel).data.max() == 0
    assert any("same value everywhere" in message for message in messages())


def test_pixels_that_are_not_finite_are_reported(panel, viewer, qtbot):
    image = nuclei_image().astype(np.float32)
    image[:5, :5] = np.nan
    viewer.add_image(image, contrast_limits=(0, 400))
    segment(qtbot, panel)
    assert any("25 sampled pixels" in message for message in messages())


def test_wrong_axes_are_refused_in_a_sentence(panel, viewer, qtbot):
    viewer.add_image(nuclei_image())
    panel.advanced.axes.setText("ZYX")
    click(qtbot, panel.job.start_button)
    assert "name 3 axes" in messages()[-1]


def test_a_file_that_is_no_model_is_refused_and_the_choice_stays(panel, tmp_path):
    chosen = panel.model.path
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a model")
    panel.model.choose_file(wrong)
    assert "damaged" in messages()[-1]
    assert panel.model.path == chosen


def test_a_model_file_can_be_opened_and_used(panel, viewer, qtbot, tmp_path):
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(panel.model.path.read_bytes())
    panel.model.choose_file(copy)
    assert panel.model.path == copy
    viewer.add_image(nuclei_image())
    assert segment(qtbot, panel).data.max() > 0


def test_one_pixel_wide_and_tiny_images_work(panel, viewer, qtbot):
    viewer.add_image(np.arange(40, dtype=np.uint8)[None])
    assert segment(qtbot, panel).data.shape == (1, 40)


def test_keys_walk_over_the_models_and_open_no_dialog(panel, qtbot, monkeypatch):
    monkeypatch.setattr(choices.QFileDialog, "getOpenFileName", lambda *_: pytest.fail("a dialog was opened"))
    names, seen = panel.model.names(), []
    panel.model.changed.connect(lambda: seen.append(panel.model.currentText()))
    for _ in range(len(names) + 2):
        qtbot.keyClick(panel.model, Qt.Key.Key_Down)
    assert seen == names[1:]
    assert panel.model.currentText() == names[-1]
    assert panel.model.spec is not None


def test_an_image_of_six_dimensions_is_refused_in_a_sentence(panel, viewer, qtbot):
    viewer.add_image(np.zeros((2, 1, 2, 1, 16, 16)))
    assert "6 dimensions, an image has at most T, C, Z, Y and X" in panel.line.text()
    click(qtbot, panel.job.start_button)
    assert "6 dimensions" in messages()[-1]


def test_a_window_of_low_priority_works_too(panel, viewer, qtbot, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.setpriority", refused)
    viewer.add_image(nuclei_image((96, 96)))
    assert segment(qtbot, panel).data.max() > 0


def test_choosing_a_channel_shows_it(panel, viewer, qtbot):
    image = np.stack([nuclei_image(seed=seed) for seed in range(3)])
    viewer.add_image(image, axis_labels=("c", "y", "x"), scale=(2, 0.5, 0.5))
    panel.channel.setCurrentIndex(panel.channel.findData(2))
    assert viewer.dims.current_step[0] == 2
    panel.channel.setCurrentIndex(panel.channel.findData(1))
    assert viewer.dims.current_step[0] == 1


def test_results_are_drawn_as_the_last_one_was(panel, viewer, qtbot):
    viewer.add_image(nuclei_image(), name="one")
    assert segment(qtbot, panel).contour == 0
    viewer.layers[-1].contour = 2
    viewer.add_image(nuclei_image(seed=1), name="two")
    assert segment(qtbot, panel).contour == 2
