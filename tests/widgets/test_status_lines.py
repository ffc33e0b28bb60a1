"""What a panel says belongs to the image of which it says it; no ending of the work leaves the panel busy."""

import gc

import numpy as np
import pytest
import tifffile

from napari_unet.progress import Progress
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.parts.subject_status import SubjectStatus
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done
from tests.widgets.segmenting import nuclei_image

SHOWN = False


@pytest.fixture
def panel(viewer, user_folder):
    (user_folder / "models").mkdir(parents=True)
    make_bright_model().save(user_folder / "models" / "bright.safetensors")
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")[1]
    panel.model.choose_name("bright")
    return panel


def test_what_was_found_is_said_of_its_image_alone(viewer, panel, qtbot):
    click(qtbot, panel.job.start_button)
    assert "There is no image" in panel.job.status.text()
    first = viewer.add_image(nuclei_image((64, 80)), name="first")
    assert panel.job.status.text() == ""
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    found = panel.job.status.text()
    assert "4 objects" in found
    viewer.add_image(nuclei_image((64, 80)), name="second")
    assert panel.job.status.text() == ""
    viewer.layers.selection.active = first
    assert panel.job.status.text() == found


def test_what_comes_of_work_is_said_of_the_image_it_was_begun_for(viewer, panel, qtbot):
    first = viewer.add_image(nuclei_image((64, 80)), name="first")
    click(qtbot, panel.job.start_button)
    second = viewer.add_image(nuclei_image((64, 80)), name="second")
    assert panel.layer is second
    wait_until_done(qtbot, panel)
    assert panel.job.status.text() == ""
    viewer.layers.selection.active = first
    assert "4 objects" in panel.job.status.text()


class Thing:
    """Something that is worked on."""


def test_a_text_goes_with_what_it_is_about(qtbot):
    label, first, second = MessageLabel(), Thing(), Thing()
    qtbot.addWidget(label)
    status = SubjectStatus(label)
    status.choose(first)
    status.show("Done.")
    status.keep(second, "Done, too.")
    status.forget(second)
    assert label.text() == "Done."
    status.choose(second)
    assert label.text() == ""
    status.choose(first)
    assert label.text() == "Done."
    del first
    gc.collect()
    status.choose(None)
    assert label.text() == ""


def test_what_was_found_is_not_said_once_its_layer_is_gone(viewer, panel, qtbot):
    viewer.add_image(nuclei_image((64, 80)), name="first")
    results = viewer.window.add_plugin_dock_widget(PLUGIN, "Results")[1]
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    click(qtbot, results.job.start_button)
    wait_until_done(qtbot, results)
    results.table.select_ids([1])
    click(qtbot, results.bar.buttons["delete"])
    assert "Deleted" in results.line.text()
    assert "Done" in results.job.status.text()
    viewer.layers.remove(viewer.layers[-1])
    gc.collect()
    for line in (panel.job.status, results.job.status, results.line):
        assert line.text() == ""
    assert "segment an image first" in results.count.text()


def test_another_folder_typed_is_not_the_one_that_was_segmented(viewer, tmp_path, qtbot):
    (tmp_path / "other").mkdir()
    tifffile.imwrite(tmp_path / "one.tif", np.zeros((8, 8), np.uint8))
    batch = viewer.window.add_plugin_dock_widget(PLUGIN, "Batch")[1]
    batch.choose((str(tmp_path),))
    wait_until_done(qtbot, batch)
    assert len(batch.table.rows.images) == 1
    batch.job.messages.show("2 of 2 images have a mask.")
    batch.images.setText(str(tmp_path / "other"))
    batch.images.editingFinished.emit()
    assert batch.job.status.text() == ""
    assert batch.table.rows.images == []


@pytest.mark.parametrize("shape", [(3, 64, 80), (32, 40)])
def test_an_image_that_is_replaced_meanwhile_is_a_sentence(viewer, panel, qtbot, shape):
    layer = viewer.add_image(nuclei_image((64, 80)))
    click(qtbot, panel.job.start_button)
    layer.data = np.zeros(shape, np.uint16)
    wait_until_done(qtbot, panel)
    assert "was replaced by one of another size" in panel.job.status.text()
    assert list(viewer.layers) == [layer]
    assert panel.job.start_button.isEnabled()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, RuntimeError, StopIteration])
def test_whatever_ends_a_worker_the_panel_is_free_again(qtbot, error):
    job = JobControl("Go", lambda: job.run(begin, print))
    qtbot.addWidget(job)

    def begin():
        yield Progress(done=0, total=0, doing="Working")
        raise error

    click(qtbot, job.start_button)
    qtbot.waitUntil(lambda: not job.is_running)
    assert job.start_button.isEnabled()
    assert job.status.text()
    assert messages()
