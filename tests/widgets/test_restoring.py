"""Autosave and Restore in less happy cases: a full disk, images of the same name, a closed viewer."""

import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QMessageBox

from napari_unet.files.session import Session, former_sessions
from napari_unet.widgets.annotation_layers import new_annotation_layer
from napari_unet.widgets.autosave import Autosave
from napari_unet.widgets.fine_tune import FineTunePanel
from napari_unet.widgets.layers import read_layer
from napari_unet.widgets.paint_writer import Turns
from napari_unet.widgets.painted import image_of
from napari_unet.widgets.restore_bar import RestoreBar
from napari_unet.widgets.restoring import restore
from napari_unet.widgets.segment import SegmentPanel
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import dots as cells


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def saver(viewer):
    saver = Autosave.of(viewer)
    saver._timer.stop()
    return saver


def look(saver, qtbot):
    """Let the autosave look once, and wait until it wrote."""
    saver.look()
    qtbot.waitUntil(lambda: not saver._writing, timeout=10000)


def paint_on(viewer, image, value=2):
    layer = new_annotation_layer(viewer, image, read_layer(image))
    layer.data_setitem(np.nonzero(np.indices(layer.data.shape).sum(0) == 20), value)
    return layer


def open_image(viewer, path, shape=(32, 48)):
    tifffile.imwrite(path, np.zeros(shape, np.uint8))
    [image] = viewer.open(path)
    return image


def crash(monkeypatch):
    """Let every session be one of a window that is gone."""
    monkeypatch.setattr("napari_unet.files.session.Session.is_open", False)
    [session] = former_sessions()
    return session


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


def test_paint_comes_back_over_the_image_as_it_is_now(
    viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch
):
    image = open_image(viewer, tmp_path / "cells.tif")
    image.scale, image.translate = (0.5, 0.5), (7, 8)
    layer = paint_on(viewer, image)
    look(saver, qtbot)
    session = crash(monkeypatch)
    monkeypatch.setattr(Session, "remove", lambda _: None)
    opened, calibrated = make_napari_viewer(), make_napari_viewer()
    restore(opened, session)
    [same] = calibrated.open(tmp_path / "cells.tif")
    same.scale = (3, 3)
    restore(calibrated, session)
    for window, scale in ((opened, 0.5), (calibrated, 3)):
        image, back = window.layers
        assert image.scale[0] == scale
        np.testing.assert_array_equal(back.data, layer.data)
        assert back.features["meaning"].tolist() == ["background", "object"]
        np.testing.assert_allclose(back.data_to_world((3, 4)), image.data_to_world((3, 4)))


def test_paint_does_not_come_back_on_another_image_of_the_same_name(
    viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch
):
    paint_on(viewer, open_image(viewer, tmp_path / "cells.tif"))
    look(saver, qtbot)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    second.add_image(np.zeros((64, 64)), name="cells")
    restore(second, session)
    other, image, back = second.layers
    assert image.source.path == str(tmp_path / "cells.tif")
    assert back.metadata["napari_unet"]["of"] == str(image.unique_id) != str(other.unique_id)


def test_a_damaged_session_is_told_and_kept(viewer, saver, qtbot, make_napari_viewer, monkeypatch):
    image = viewer.add_image(np.zeros((32, 48)))
    bad, _ = paint_on(viewer, image), paint_on(viewer, image, 4)
    look(saver, qtbot)
    session = crash(monkeypatch)
    (session.folder / f"{bad.unique_id}.npz").write_bytes(b"cut off")
    second = make_napari_viewer()
    panel, other = SegmentPanel(second), RestoreBar(lambda _: None)
    assert "Restore the annotations" in panel.restore_bar.text.text()
    click(qtbot, panel.restore_bar.restore)
    assert "nothing can be restored" in messages()[-1]
    assert [layer.data.max() for layer in second.layers] == [4]
    assert session.folder.exists()
    assert panel.restore_bar.isHidden()
    assert other.isHidden(), "decided on in one panel, decided in all"


def test_paint_on_labels_of_other_origin_is_kept_too(viewer, saver, qtbot, make_napari_viewer, monkeypatch):
    viewer.add_image(np.zeros((32, 48)), name="cells")
    foreign = viewer.add_labels(np.ones((32, 48), np.uint16), name="by hand")
    look(saver, qtbot)
    assert former_sessions() == [], "what nobody painted on is not kept"
    foreign.data_setitem(np.nonzero(np.indices(foreign.data.shape).sum(0) == 20), 7)
    look(saver, qtbot)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    second.add_image(np.zeros((32, 48)), name="cells")
    restore(second, session)
    np.testing.assert_array_equal(second.layers["by hand"].data, foreign.data)


def test_paint_finds_its_image_when_it_was_closed_and_opened_again(viewer, tmp_path):
    image = open_image(viewer, tmp_path / "cells.tif")
    layer = paint_on(viewer, image)
    assert image_of(viewer, layer) == image
    viewer.layers.remove(image)
    other = viewer.add_image(np.zeros((32, 48)), name="other")
    assert image_of(viewer, layer) is None
    [again] = viewer.open(tmp_path / "cells.tif")
    assert image_of(viewer, layer) == again != other


def test_a_result_belongs_to_its_image_and_not_to_a_larger_one(
    viewer, saver, qtbot, make_napari_viewer, monkeypatch
):
    image = viewer.add_image(cells((96, 128)), name="cells")
    panel = viewer.window.add_plugin_dock_widget("napari-unet-interactive", "Segment")[1]
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    result = viewer.layers[-1]
    qtbot.waitUntil(lambda: result.visible)
    result.data_setitem(np.nonzero(np.indices(result.data.shape).sum(0) == 20), 9)
    look(saver, qtbot)
    viewer.layers.remove(image)
    larger = viewer.add_image(cells((200, 300)), name="cells")
    assert image_of(viewer, result) is None
    viewer.layers.remove(larger)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    second.add_image(cells((200, 300)), name="other")
    restore(second, session)
    assert image_of(second, second.layers[-1]) is None
    np.testing.assert_array_equal(second.layers[-1].data, result.data)


def test_paint_is_not_taken_for_that_of_a_file_of_the_same_name(viewer, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    image = open_image(viewer, tmp_path / "a" / "cells.tif")
    layer = paint_on(viewer, image)
    viewer.layers.remove(image)
    open_image(viewer, tmp_path / "b" / "cells.tif")
    assert image_of(viewer, layer) is None


def test_what_was_chosen_comes_back_whichever_panel_restores(
    viewer, saver, qtbot, make_napari_viewer, monkeypatch
):
    paint_on(viewer, viewer.add_image(np.zeros((32, 48)), name="cells"))
    saver.settings = {"seconds": 77, "layers": {"cells (annotation)": (False, "strokes")}}
    look(saver, qtbot)
    crash(monkeypatch)
    second = make_napari_viewer()
    second.add_image(np.zeros((32, 48)), name="cells")
    plugin = "napari-unet-interactive"
    segment_panel = second.window.add_plugin_dock_widget(plugin, "Segment")[1]
    teach = second.window.add_plugin_dock_widget(plugin, "Fine-tune")[1]
    saver = Autosave.of(second)
    saver._timer.stop()
    click(qtbot, segment_panel.restore_bar.restore)
    qtbot.waitUntil(lambda: not saver._writing, timeout=10000)
    kept = saver.session.read().settings
    assert (kept["seconds"], kept["layers"]) == (77, {"cells (annotation)": [False, "strokes"]})
    assert teach.form.seconds.value() == 77
    assert list(teach.table.chosen()) == []
    assert teach.restore_bar.isHidden()


def test_large_labels_of_other_origin_are_told_not_to_be_kept(viewer, saver, qtbot, monkeypatch):
    monkeypatch.setattr("napari_unet.widgets.autosave.LARGEST_OF_OTHERS", 100)
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
    qtbot.waitUntil(lambda: not former.folder.exists(), timeout=10000)


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


def test_a_network_from_nothing_is_chosen_again(viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch):
    panel = FineTunePanel(viewer)
    qtbot.addWidget(panel)
    paint_on(viewer, open_image(viewer, tmp_path / "cells.tif"))
    panel.form.model.choose_new()
    panel.form.kind.setCurrentIndex(1)
    panel.right.setChecked(True)
    look(saver, qtbot)
    session = crash(monkeypatch)
    other = make_napari_viewer()
    again = FineTunePanel(other)
    qtbot.addWidget(again)
    restore(other, session)
    assert again.form.model.is_new
    assert again.form.kind.currentData() == "classes"
    assert again.right.isChecked()


def test_paint_waits_for_its_image_and_goes_on_no_other(viewer, saver, qtbot, make_napari_viewer, monkeypatch):
    image = viewer.add_image(np.zeros((32, 48)), name="B22")  # of no file
    paint_on(viewer, image)
    saver.settings = {"layers": {"B22 (annotation)": (False, "truth")}}
    look(saver, qtbot)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    second.add_image(np.zeros((32, 48)), name="C09")
    panel = FineTunePanel(second)
    qtbot.addWidget(panel)
    restore(second, session)
    layer = second.layers[-1]
    assert image_of(second, layer) is None
    assert "its image is not" in messages()[-1]
    for _ in range(2):
        own = second.add_image(np.zeros((32, 48)), name="B22")
        assert image_of(second, layer) is own
        row = panel.table.topLevelItem(0)
        assert row.checkState(0) == Qt.CheckState.Unchecked
        assert panel.table.itemWidget(row, 1).currentData() == "truth"
        second.layers.remove(own)


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


def test_discarding_asks_first(viewer, saver, qtbot, monkeypatch):
    paint_on(viewer, viewer.add_image(np.zeros((32, 48))))
    look(saver, qtbot)
    session = crash(monkeypatch)
    bar = RestoreBar(lambda _: None)
    qtbot.addWidget(bar)
    for answer, there in ((QMessageBox.StandardButton.No, True), (QMessageBox.StandardButton.Yes, False)):
        monkeypatch.setattr(QMessageBox, "question", lambda *_, answer=answer: answer)
        click(qtbot, bar.discard)
        assert session.folder.exists() is there


def test_a_panel_that_is_opened_again_shows_what_was_chosen(viewer, qtbot):
    first = FineTunePanel(viewer)
    qtbot.addWidget(first)
    paint_on(viewer, viewer.add_image(np.zeros((32, 48))))
    first.form.seconds.setValue(7)
    first.table.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    meaning = first.table.itemWidget(first.table.topLevelItem(0), 1)
    qtbot.keyClick(meaning, Qt.Key.Key_Down)
    again = FineTunePanel(viewer)
    qtbot.addWidget(again)
    assert again.form.seconds.value() == 7
    assert again.table.topLevelItem(0).checkState(0) == Qt.CheckState.Unchecked
    assert again.table.itemWidget(again.table.topLevelItem(0), 1).currentData() == "truth"
    image, layer = viewer.layers
    layer.name = "paint"
    viewer.add_image(np.zeros((8, 8)))
    image.name = "cells"
    assert again.table.topLevelItem(0).text(0) == "paint on cells"


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


def test_a_look_at_a_large_layer_copies_nothing_and_loses_no_stroke(viewer, saver, qtbot):
    image = viewer.add_image(np.broadcast_to(np.uint8(0), (5000, 5000)))
    layer = paint_on(viewer, image)
    began = time.perf_counter()
    layer.data.copy()
    copied = time.perf_counter()
    saver.look()
    assert time.perf_counter() - copied < copied - began
    layer.data_setitem((np.array([3000]), np.array([4000])), 9)  # while the file is written
    qtbot.waitUntil(lambda: not saver._writing, timeout=10000)
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
