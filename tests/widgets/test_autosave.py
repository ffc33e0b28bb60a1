"""What is painted and chosen is on disk soon, when the window closes, and after a full disk."""

import time
import tracemalloc
from unittest.mock import MagicMock

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent

from napari_unet.files.session import Session, former_sessions
from napari_unet.widgets.autosave import watcher
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.autosave.writer import Turns
from napari_unet.widgets.teach.panel import FineTunePanel
from tests.widgets.conftest import messages
from tests.widgets.saving import look, paint_on

SHOWN = False


def test_what_a_full_disk_refused_is_written_at_the_next_look(viewer, saver, qtbot, monkeypatch):
    image = viewer.add_image(np.zeros((32, 48)))
    first = paint_on(viewer, image)
    folder = saver.session.folder
    folder.parent.mkdir(parents=True)
    folder.touch()
    look(saver, qtbot)
    assert "cannot be autosaved: cannot write " in messages()[-1]
    assert "Errno" not in messages()[-1]
    folder.unlink()
    with monkeypatch.context() as full:
        full.setattr(np, "savez_compressed", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
        look(saver, qtbot)
    second = paint_on(viewer, image, 5)
    look(saver, qtbot)
    values = {one.key: one.arrays["values"].max() for one in saver.session.read().layers}
    assert values == {str(first.unique_id): 2, str(second.unique_id): 5}


def test_paint_outlives_a_viewer_that_is_emptied_but_not_its_own_deletion(viewer, saver, qtbot):
    image = viewer.add_image(np.zeros((32, 48)))
    one, other = paint_on(viewer, image), paint_on(viewer, image)
    look(saver, qtbot)
    viewer.layers.remove(one)
    look(saver, qtbot)
    assert [layer.key for layer in saver.session.read().layers] == [str(other.unique_id)]
    viewer.layers.clear()
    look(saver, qtbot)
    assert len(saver.session.read().layers) == 1
    viewer.add_image(np.zeros((32, 48)))
    look(saver, qtbot)
    assert not saver.session.folder.exists()


def test_large_labels_of_other_origin_are_told_not_to_be_kept(viewer, saver, qtbot, monkeypatch):
    monkeypatch.setattr("napari_unet.widgets.autosave.watcher.MAX_FOREIGN_BYTES", 100)
    foreign = viewer.add_labels(np.ones((32, 48), np.uint16), name="by hand")
    for _ in range(2):
        foreign.paint((3, 4), 7)
    assert [text for text in messages() if "is not autosaved" in text] == messages()[-1:]
    look(saver, qtbot)
    assert not saver.session.folder.exists()


def test_deleted_paint_does_not_keep_a_restored_session(viewer, saver, qtbot):
    image = viewer.add_image(np.zeros((32, 48)))
    viewer.layers.remove(paint_on(viewer, image))
    paint_on(viewer, image)
    former = Session.new()
    former.folder = former.folder.with_name("former-1-1")
    former.folder.mkdir(parents=True)
    saver.replace(former)
    qtbot.waitUntil(lambda: not former.folder.exists(), timeout=300000)


def test_paint_that_was_erased_does_not_come_back(viewer, saver, qtbot):
    image = viewer.add_image(np.zeros((32, 48)))
    kept, erased = paint_on(viewer, image), paint_on(viewer, image, 5)
    look(saver, qtbot)
    assert len(saver.session.read().layers) == 2
    erased.data_setitem(np.nonzero(erased.data), 0)
    look(saver, qtbot)
    assert [one.key for one in saver.session.read().layers] == [str(kept.unique_id)]
    kept.data_setitem(np.nonzero(kept.data), 0)
    look(saver, qtbot)
    assert not saver.session.folder.exists()
    kept.data_setitem((np.array([3]), np.array([4])), 2)  # painted anew it is kept again
    look(saver, qtbot)
    assert len(saver.session.read().layers) == 1


def test_what_was_chosen_last_is_saved_when_the_window_closes(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    saver = Autosave.of(viewer)
    saver._timer.stop()
    paint_on(viewer, viewer.add_image(np.zeros((32, 48))))
    panel = FineTunePanel(viewer)
    qtbot.addWidget(panel)
    look(saver, qtbot)
    qtbot.keyClick(panel.form.seconds, Qt.Key.Key_Up)
    viewer.window._qt_window.close()
    assert saver.session.read().settings["seconds"] == 31
    [session] = former_sessions()  # another window of this process offers it
    assert session.folder == saver.session.folder


def test_labels_drawn_before_anybody_watched_are_saved_too(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((32, 48)))
    drawn = viewer.add_labels(np.zeros((32, 48), np.uint8))
    drawn.data_setitem((np.array([3]), np.array([4])), 2)
    saver = Autosave.of(viewer)
    saver._timer.stop()
    look(saver, qtbot)
    assert [one.key for one in saver.session.read().layers] == [str(drawn.unique_id)]


def test_a_write_that_comes_late_undoes_no_later_one():
    turns, done = Turns(), []
    late, early = (turns.next(lambda name=name: done.append(name) or name) for name in ("first", "second"))
    assert early() == "second"
    assert late() == ""
    assert done == ["second"]


def test_a_stroke_is_saved_at_closing_while_another_is_being_written(make_napari_viewer, qtbot, monkeypatch):
    viewer = make_napari_viewer()
    saver = Autosave.of(viewer)
    saver._timer.stop()
    image = viewer.add_image(np.zeros((32, 48)))
    paint_on(viewer, image)
    write = Session.write
    monkeypatch.setattr(Session, "write", lambda *given: time.sleep(0.5) or write(*given))
    saver.look()
    paint_on(viewer, image, 5)
    viewer.window._qt_window.close()
    values = {one.arrays["values"].max() for one in saver.session.read().layers}
    assert values == {2, 5}


def test_a_look_at_a_large_layer_copies_nothing_and_loses_no_stroke(viewer, saver, qtbot, monkeypatch):
    image = viewer.add_image(np.broadcast_to(np.uint8(0), (2000, 2000)))
    layer, work = paint_on(viewer, image), []
    with monkeypatch.context() as patch:  # what is to be written waits
        patch.setattr(watcher, "create_worker", lambda given: work.append(given) or MagicMock())
        tracemalloc.start()
        saver.look()
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert taken < layer.data.nbytes / 4
    layer.data_setitem((np.array([1200]), np.array([1600])), 9)
    saver._written(work.pop()())
    look(saver, qtbot)
    [kept] = saver.session.read().layers
    np.testing.assert_array_equal(kept.arrays["values"], layer.data)


def test_a_close_that_the_user_takes_back_leaves_the_session_open(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    saver = Autosave.of(viewer)
    saver._timer.stop()
    paint_on(viewer, viewer.add_image(np.zeros((32, 48))))
    saver.eventFilter(viewer.window._qt_window, QCloseEvent())  # and then napari asks, and the answer is no
    assert saver.session.is_open
    viewer.window._qt_window.hide()
    assert not saver.session.is_open
    viewer.window._qt_window.show()
    assert saver.session.is_open
