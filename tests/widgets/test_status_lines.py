"""What a panel says belongs to the image of which it says it; no ending of the work leaves the panel busy."""

import numpy as np
import pytest

from napari_unet.progress import Progress
from napari_unet.widgets.parts.job import JobControl
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done
from tests.widgets.segmenting import nuclei_image


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


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
