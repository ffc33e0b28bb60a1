"""Which models know the chosen image: asked beside the window, remembered with the image."""

import threading

import numpy as np
import pytest

from napari_unet.files.images import read_image
from napari_unet.models.library import load_model, own_folder
from napari_unet.models.suggestion import Suggestion
from napari_unet.progress import Progress
from napari_unet.samples import SAMPLES
from napari_unet.widgets.segment import suggesting
from napari_unet.widgets.segment.panel import SegmentPanel
from tests.widgets.conftest import click
from tests.widgets.segmenting import nuclei_image

NUCLEI = Suggestion(("nuclei", "axons"), (0.97, 0.02))


@pytest.fixture(autouse=True)
def asks_at_once(no_suggestions, monkeypatch):
    monkeypatch.setattr(suggesting, "DELAY", 0)


@pytest.fixture
def asked(monkeypatch):
    """Let nobody look; return the arrays that were asked about, and the thread in which."""
    arrays = []

    def steps(array, axes, *, channel):
        arrays.append((array, axes, channel, threading.current_thread()))
        yield Progress(done=0, total=0)
        return NUCLEI

    monkeypatch.setattr(suggesting, "suggestion_steps", steps)
    return arrays


@pytest.fixture
def panel(make_napari_viewer, qtbot):
    panel = SegmentPanel(make_napari_viewer())
    qtbot.addWidget(panel)
    return panel


def wait_for(qtbot, panel, text):
    qtbot.waitUntil(lambda: text in panel.hint.known.text(), timeout=300000)


@pytest.mark.usefixtures("shipped")
def test_the_models_themselves_say_which_knows_an_image(panel, qtbot):
    panel.model.choose_name("axons")
    panel._viewer.add_image(read_image(SAMPLES[1].path).array)
    wait_for(qtbot, panel, "Knows this image best: nuclei (")
    click(qtbot, panel.hint.button)
    assert panel.model.currentText() == "nuclei"
    assert panel.hint.button.isHidden()


def test_where_none_knows_the_image_the_panel_says_so(panel, qtbot, monkeypatch):
    def steps(array, axes, *, channel):
        yield Progress(done=0, total=0)
        return Suggestion(("axons", "nuclei"), (0.2, 0.1))

    monkeypatch.setattr(suggesting, "suggestion_steps", steps)
    panel._viewer.add_image(nuclei_image())
    wait_for(qtbot, panel, "None of the models of one kind knows this image: use cells")
    click(qtbot, panel.hint.button)
    assert panel.model.currentText() == "cells"


def test_an_image_is_asked_about_once_and_not_in_the_windows_thread(panel, qtbot, asked):
    first = panel._viewer.add_image(nuclei_image())
    wait_for(qtbot, panel, "nuclei (97%)")
    second = panel._viewer.add_image(nuclei_image(seed=1))
    assert panel.hint.known.text() == "", "it is another image"
    wait_for(qtbot, panel, "nuclei (97%)")
    panel.image.value = first
    assert "nuclei" in panel.hint.known.text(), "it is remembered"
    panel.image.value = second
    assert len(asked) == 2
    assert all(thread is not threading.main_thread() for *_, thread in asked)


def test_other_pixels_axes_or_channels_are_another_image(panel, qtbot, asked):
    layer = panel._viewer.add_image(np.stack([nuclei_image()] * 2))
    wait_for(qtbot, panel, "nuclei")
    panel.advanced.axes.setText("CYX")
    panel.advanced.axes.editingFinished.emit()
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=300000)
    panel.channel.setCurrentIndex(panel.channel.findData(1))
    qtbot.waitUntil(lambda: len(asked) == 3, timeout=300000)
    layer.data = layer.data.copy()
    panel.refresh()
    qtbot.waitUntil(lambda: len(asked) == 4, timeout=300000)
    assert [axes for _, axes, *_ in asked] == ["ZYX", "CYX", "CYX", "CYX"]
    assert [channel for _, _, channel, _ in asked] == [None, None, 1, 1]


def test_a_question_is_dropped_when_the_image_changes(panel, qtbot, monkeypatch):
    begun, closed = threading.Event(), threading.Event()

    def steps(array, axes, *, channel):
        if array.shape != (96, 112):
            return NUCLEI
        begun.set()
        try:
            while True:
                yield Progress(done=0, total=0)
                threading.Event().wait(0.01)
        finally:
            closed.set()

    monkeypatch.setattr(suggesting, "suggestion_steps", steps)
    panel._viewer.add_image(nuclei_image())
    qtbot.waitUntil(begun.is_set, timeout=300000)
    panel._viewer.add_image(nuclei_image((64, 64)))
    wait_for(qtbot, panel, "nuclei")
    qtbot.waitUntil(closed.is_set, timeout=300000)


def test_segmenting_drops_the_question(panel, qtbot, asked):
    panel.hint.suggestions._timer.setInterval(10**9)
    panel._viewer.add_image(nuclei_image())
    assert panel.hint.suggestions._timer.isActive()
    panel.start()
    assert not panel.hint.suggestions._timer.isActive()
    panel.advanced.boxes["rotations"].setChecked(True)
    assert not panel.hint.suggestions._timer.isActive(), "nothing is asked beside a run"
    panel.job.cancel()
    qtbot.waitUntil(lambda: not panel.job.is_running, timeout=300000)


def test_the_users_own_models_are_never_talked_down(qtbot, make_napari_viewer, asked):
    """Also those that were learnt from nothing, which have no parent."""
    own_folder().mkdir(parents=True, exist_ok=True)
    load_model("axons").save(own_folder() / "mine.safetensors")
    panel = SegmentPanel(make_napari_viewer())
    qtbot.addWidget(panel)
    panel._viewer.add_image(nuclei_image())
    panel.model.choose_name("axons")
    wait_for(qtbot, panel, "nuclei")
    assert panel.hint.button.text() == "Use nuclei"
    panel.model.choose_name("mine")
    assert panel.hint.button.isHidden()
    assert panel.hint.known.isHidden()


def test_images_that_are_read_piece_by_piece_are_left_alone(panel, qtbot, asked):
    dask = pytest.importorskip("dask.array")
    panel._viewer.add_image(dask.from_array(nuclei_image()))
    assert not panel.hint.suggestions._timer.isActive()
    assert not asked
