"""What panel tests share: a real viewer, clicks, and no work left over."""

import gc
import shutil

import pytest
from napari.utils.notifications import notification_manager


@pytest.fixture(autouse=True)
def quiet_and_finished():
    """Forget earlier notifications, and let every worker end before the next test."""
    from superqt.utils import WorkerBase

    notification_manager.records.clear()
    yield
    WorkerBase.await_workers(10000)


UNFREEZE = gc.unfreeze


@pytest.fixture(autouse=True, scope="module")
def freed_viewers():
    """Let go of what the tests of a file made: their viewers hold on to themselves in circles."""
    yield
    UNFREEZE()
    gc.collect()


@pytest.fixture(autouse=True)
def short_collections(monkeypatch):
    """Collect what a test made and no more: walking all of napari and PyTorch at each end takes half a second.

    What the test before left is collected here: at its own end pytest still held on to its viewer.
    """
    gc.collect()
    gc.freeze()
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


@pytest.fixture(autouse=True)
def user_folder(tmp_path, monkeypatch):
    """Keep the user's own models and sessions where they are; return where they are meanwhile."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("NAPARI_UNET_MODELS", raising=False)  # another test may have set the preference
    return tmp_path / "data" / "napari-unet-interactive"


@pytest.fixture(autouse=True)
def no_suggestions(monkeypatch):
    """Ask no model about images that tests open, but where a test is about that."""
    from napari_unet.widgets.segment import suggesting

    monkeypatch.setattr(suggesting, "DELAY", 10**9)


@pytest.fixture(scope="session")
def quick_models(tmp_path_factory):
    """A folder of the shipped models in which `nuclei` is a network of a few hundred weights."""
    from napari_unet.models.library import SHIPPED
    from tests.widgets.quick_nuclei import quick_nuclei

    folder = tmp_path_factory.mktemp("shipped")
    for path in SHIPPED.glob("*.safetensors"):
        shutil.copy(path, folder)
    quick_nuclei().save(folder / "nuclei.safetensors")
    return folder


@pytest.fixture
def quick(quick_models, monkeypatch, request):
    """Let `nuclei` be a quick network: for files that are about the window. A slow test has the real one."""
    if request.node.get_closest_marker("slow") is None:
        for module in ("models.library", "provenance", "widgets.export.elsewhere", "widgets.segment.model_hint"):
            monkeypatch.setattr(f"napari_unet.{module}.SHIPPED", quick_models)


def click(qtbot, button):
    """Press a button as a user does."""
    from qtpy.QtCore import Qt

    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def type_key(qtbot, widget, key, modifier=None):
    """Give a widget the keyboard and press a key."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QApplication

    widget.window().activateWindow()
    widget.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is widget, timeout=300000)
    qtbot.keyClick(widget, key, Qt.KeyboardModifier.NoModifier if modifier is None else modifier)


def wait_until_done(qtbot, panel, timeout=300000):
    """Wait for the panel's work to end."""
    qtbot.waitUntil(lambda: not panel.job.is_running, timeout=timeout)


def messages():
    """Return the sentences that the user was shown."""
    return [record.message for record in notification_manager.records]


PLUGIN = "napari-unet-interactive"


@pytest.fixture
def viewer(make_napari_viewer, request):
    """Return a viewer; a file of tests that look at no canvas says `SHOWN = False`, which is quicker."""
    viewer = make_napari_viewer(show=getattr(request.module, "SHOWN", True))
    viewer.window.resize(1200, 900)
    return viewer


@pytest.fixture
def segment_panel(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")[1]


@pytest.fixture
def panel(viewer, request):
    """Return the panel that a file of tests names as `PANEL`, else Fine-tune beside Segment."""
    name = getattr(request.module, "PANEL", "Fine-tune")
    if name == "Fine-tune":
        request.getfixturevalue("segment_panel")
    return viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]


@pytest.fixture
def saver(viewer):
    """Return the autosave of a viewer, which looks when it is told to."""
    from napari_unet.widgets.autosave.watcher import Autosave

    saver = Autosave.of(viewer)
    saver._timer.stop()
    return saver
