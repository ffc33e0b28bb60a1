"""What comes back after a crash, over which image, and what of it was chosen."""

import json

import numpy as np
import tifffile
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_unet.files.session import Session, former_sessions
from napari_unet.widgets.autosave.restore_bar import RestoreBar
from napari_unet.widgets.autosave.restoring import restore
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.teach.panel import FineTunePanel
from napari_unet.widgets.viewer.channels import split_channels
from napari_unet.widgets.viewer.layers import pixel_size
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import image_of
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import dots as cells
from tests.widgets.saving import crash, look, open_image, paint_on

SHOWN = False


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


def test_a_session_of_a_former_version_comes_back(viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch):
    paint_on(viewer, open_image(viewer, tmp_path / "cells.tif"))
    look(saver, qtbot)
    session = crash(monkeypatch)
    index = json.loads((session.folder / "session.json").read_text())
    for about in index["layers"].values():
        about["entry"] = {
            "role": "annotation", "kind": "nuclei, ab12", "axes": "YX", "origin": [4, 8], "model_path": "",
            "provenance": {"model": "nuclei", "settings": {"channel": 1}}, "file_sizes": {"Y": 0.5, "X": 0.2},
        }  # fmt: skip
        about["image"] = "gone"
        about["path"] = ""
    (session.folder / "session.json").write_text(json.dumps(index))
    second = make_napari_viewer()
    restore(second, session)
    [back] = second.layers
    notes = notes_of(back)
    assert (notes.role, notes.axes, notes.origin, notes.channel) == ("annotation", "YX", (4, 8), 1)
    assert notes.image.name == "gone"
    assert pixel_size(back, "YX").by_axis == {"Y": 0.5, "X": 0.2}


def test_pixel_size_and_axes_of_length_1_come_back(viewer, saver, qtbot, make_napari_viewer, monkeypatch):
    size = {"scale": (30, 1, 0.5, 0.2), "units": ("s", "pixel", "um", "um"), "axis_labels": tuple("tcyx")}
    paint_on(viewer, viewer.add_image(np.zeros((3, 1, 32, 48), np.uint8), **size))
    look(saver, qtbot)
    second = make_napari_viewer()
    restore(second, crash(monkeypatch))
    [back] = second.layers
    assert notes_of(back).axes == "TQYX"
    assert pixel_size(back, "TQYX").by_axis == {"T": 30, "Y": 0.5, "X": 0.2}


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
    qtbot.waitUntil(lambda: not saver._writing, timeout=300000)
    kept = saver.session.read().settings
    assert (kept["seconds"], kept["layers"]) == (77, {"cells (annotation)": [False, "strokes"]})
    assert teach.form.seconds.value() == 77
    assert list(teach.table.chosen()) == []
    assert teach.restore_bar.isHidden()


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
    assert "Back without its image: B22 (annotation) of B22" in messages()[-1]
    for _ in range(2):
        own = second.add_image(np.zeros((32, 48)), name="B22")
        assert image_of(second, layer) is own
        row = panel.table.topLevelItem(0)
        assert row.checkState(0) == Qt.CheckState.Unchecked
        assert panel.table.itemWidget(row, 1).currentData() == "truth"
        second.layers.remove(own)


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


def test_paint_on_a_channel_comes_back_with_its_channel(
    viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch
):
    path = tmp_path / "stack.tif"
    planes = np.arange(3 * 2 * 32 * 48, dtype=np.uint16).reshape(3, 2, 32, 48)
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "ZCYX"})
    [stack] = viewer.open(path)
    second = split_channels(viewer, stack, "ZCYX")[1]
    paint_on(viewer, second)
    look(saver, qtbot)
    session = crash(monkeypatch)
    other = make_napari_viewer()
    restore(other, session)
    [painted] = [layer for layer in other.layers if isinstance(layer, Labels)]
    image = image_of(other, painted)
    assert image.name == "stack channel 1"
    np.testing.assert_array_equal(image.data, planes[:, 1])


WRONG = {
    "name": 7,
    "entry": {"role": "annotation"},
    "place": {"scale": [0, float("nan")], "affine": "x"},
    "units": ["9**9**9**9", "um"],
    "axis_labels": 3,
    "meanings": [[{}, 1]],
    "image": {},
    "path": ["\0"],
    "image_place": {"scale": [1, 2, 3], "units": "x"},
}


def test_wrong_values_in_a_session_raise_nothing_in_the_window(
    viewer, saver, qtbot, make_napari_viewer, tmp_path, monkeypatch
):
    image = open_image(viewer, tmp_path / "cells.tif")
    paint_on(viewer, image), paint_on(viewer, image, 4)
    saver.settings = {"seconds": "soon", "layers": {"cells (annotation)": 3}, "model": ["\0"], "channel": 1e30}
    look(saver, qtbot)
    session = crash(monkeypatch)
    index = json.loads((session.folder / "session.json").read_text())
    next(iter(index["layers"].values())).update(WRONG)
    (session.folder / "session.json").write_text(json.dumps(index))
    second = make_napari_viewer()
    panel = FineTunePanel(second)
    qtbot.addWidget(panel)
    click(qtbot, panel.restore_bar.restore)
    painted = [layer for layer in second.layers if isinstance(layer, Labels)]
    assert sorted(layer.data.max() for layer in painted) == [2, 4]
    assert panel.form.seconds.value() > 0
    assert not [text for text in messages() if "nothing can be restored" in text]


def test_a_layer_that_napari_does_not_take_costs_no_other(viewer, saver, qtbot, make_napari_viewer, monkeypatch):
    image = viewer.add_image(np.zeros((32, 48)))
    paint_on(viewer, image), paint_on(viewer, image, 4)
    look(saver, qtbot)
    session = crash(monkeypatch)
    second = make_napari_viewer()
    added, add = [], second.add_labels

    def refuse_the_first(*given, **options):
        added.append(options)
        if len(added) == 1:
            raise TypeError("whatever napari says")
        return add(*given, **options)

    monkeypatch.setattr(
        type(second), "add_labels", lambda _, *arguments, **options: refuse_the_first(*arguments, **options)
    )
    restore(second, session)
    assert len(second.layers) == 1
    assert "nothing can be restored" in messages()[-1]
    assert session.folder.exists()
