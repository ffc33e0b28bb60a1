"""What panel tests share: a real viewer, clicks, and no work left over."""

import gc
import shutil
from dataclasses import replace

import psutil
import pytest
from napari.utils.notifications import notification_manager

from tests.conftest import give_memory_back


@pytest.fixture(autouse=True)
def quiet_and_finished():
    """Forget earlier notifications, and let every worker end before the next test."""
    from superqt.utils import WorkerBase

    notification_manager.records.clear()
    yield
    WorkerBase.await_workers(300000)


@pytest.fixture(autouse=True, scope="session")
def plugins_found_once():
    """Read the manifests of all plugins once: each new viewer asks for them, which takes half its time."""
    from npe2 import PluginManifest

    found = list(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): iter(found))
        yield


UNFREEZE = gc.unfreeze


MAX_GROWTH = 2**26
"""Bytes of new memory after which a full garbage collection runs, which takes half a second."""


@pytest.fixture(scope="session")
def largest_so_far():
    """What the process had when all of it was searched last."""
    return [psutil.Process().memory_info().rss]


@pytest.fixture(autouse=True, scope="module")
def freed_panels(largest_so_far):
    """Let go of what the tests of a file made: panels hold on to themselves in circles."""
    yield
    if psutil.Process().memory_info().rss - largest_so_far[0] > MAX_GROWTH:
        UNFREEZE()
        gc.collect()
        give_memory_back()
        largest_so_far[0] = psutil.Process().memory_info().rss


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
def shipped():
    """Let `nuclei` be the shipped model: for tests that are about what it finds or learns."""


@pytest.fixture(autouse=True)
def quick(quick_models, monkeypatch, request):
    """Let `nuclei` be a quick network, taught from small patches; a slow or `shipped` test has the real one."""
    if request.node.get_closest_marker("slow") is None and "shipped" not in request.fixturenames:
        for module in ("models.library", "provenance", "widgets.export.elsewhere", "widgets.segment.model_hint"):
            monkeypatch.setattr(f"napari_unet.{module}.SHIPPED", quick_models)
        learn_from_small_patches(monkeypatch)


def learn_from_small_patches(monkeypatch):
    """Let Fine-tune draw 2 patches of 64 px a step, a tenth of the usual work: drawn discs need no more."""
    from napari_unet.widgets.teach.form import TeachingForm

    whole = TeachingForm.request

    def request(form, paints):
        asked = whole(form, paints)
        return replace(asked, settings=asked.settings.replace(batch=2, patch=64))

    monkeypatch.setattr(TeachingForm, "request", request)


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


@pytest.fixture(scope="session")
def windows():
    """The windows of this process, which tests use one after the other."""
    from tests.widgets.window_pool import WindowPool

    pool = WindowPool()
    yield pool
    pool.close()


@pytest.fixture
def pixels_drawn():
    """Let windows draw: for tests about what napari learns as it draws, as which part of an image is seen."""


@pytest.fixture
def make_napari_viewer(windows, qtbot, request):
    """Return a function that gives viewers, new or cleared (`WindowPool`): napari makes one in a second."""
    from napari.settings import get_settings

    get_settings().reset()
    draw = "pixels_drawn" in request.fixturenames or request.node.get_closest_marker("slow") is not None

    def make(*, show=False):
        return windows.take(qtbot, show=show, draw=draw)

    yield make
    windows.give_back(usable=request.node.rep_call.passed)


@pytest.fixture
def viewer(make_napari_viewer, request):
    """Return a viewer; a file of tests that look at no canvas says `SHOWN = False`, which is quicker."""
    return make_napari_viewer(show=getattr(request.module, "SHOWN", True))


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
