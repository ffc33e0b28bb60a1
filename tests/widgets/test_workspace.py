"""The workspace: one dock, image and model chosen once, panels made when their tab is shown."""

import numpy as np
import pytest

from napari_unet.models.library import SHIPPED
from napari_unet.widgets.workspace import WIDTH
from tests.widgets.conftest import PLUGIN, click, wait_until_done

pytestmark = pytest.mark.usefixtures("pixels_drawn")


@pytest.fixture
def workspace(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]


def squares(side=64):
    image = np.zeros((side, side), np.float32)
    image[8:24, 8:24] = image[36:52, 36:52] = 1
    return image


def test_panels_are_made_when_their_tab_is_shown(workspace, qtbot):
    assert not workspace.panels, "the dock opens at once"
    qtbot.waitUntil(lambda: list(workspace.panels) == ["Segment"], timeout=300000)
    for number in range(workspace.tabs.count()):
        workspace.tabs.setCurrentIndex(number)
    assert list(workspace.panels) == [workspace.tabs.tabText(n) for n in range(workspace.tabs.count())]


def test_image_and_model_are_chosen_once_for_all_tabs(viewer, workspace, qtbot):
    viewer.add_image(squares(), name="one")
    viewer.add_image(squares(), name="two")
    segment, teach = workspace.show_tab("Segment"), workspace.show_tab("Teach")
    workspace.subject.image.value = viewer.layers["one"]
    assert segment.layer.name == "one"
    workspace.subject.model.choose_file(SHIPPED / "axons.safetensors")
    assert teach.form.tells_classes
    assert segment.model.spec.name == "axons"
    qtbot.waitUntil(workspace.subject.model.isVisible, timeout=300000)


def test_a_new_network_is_taught_before_it_segments(viewer, workspace, qtbot):
    viewer.add_image(squares(), name="one")
    workspace.subject.model.choose_new()
    segment = workspace.show_tab("Segment")
    click(qtbot, segment.job.start_button)
    assert "knows nothing yet" in segment.job.status.text()


def test_an_image_is_segmented_in_the_first_tab(viewer, workspace, qtbot):
    viewer.add_image(squares(), name="one")
    click(qtbot, workspace.show_tab("Segment").job.start_button)
    wait_until_done(qtbot, workspace.panels["Segment"])
    assert [layer.name for layer in viewer.layers] != ["one"]


def test_closing_the_dock_ends_the_work_of_its_tabs(viewer, workspace, qtbot):
    viewer.add_image(squares(), name="one")
    segment = workspace.show_tab("Segment")
    click(qtbot, segment.job.start_button)
    work = segment.job._work
    viewer.window.remove_dock_widget(workspace)
    qtbot.waitUntil(work.cancelled.is_set, timeout=300000)


def test_the_dock_keeps_its_width_whatever_is_chosen(viewer, workspace, qtbot):
    workspace.subject.model.addItem("a model of a very long name, " * 5, "")
    viewer.add_image(squares(), name="an image of a very long name, " * 5)
    for number in range(workspace.tabs.count()):
        workspace.tabs.setCurrentIndex(number)
    removal = workspace.panels["Results"].bar.removal
    for number in range(removal.count()):  # beside some of them stands a size
        removal.setCurrentIndex(number)
        qtbot.wait(20)
        assert workspace.minimumSizeHint().width() <= WIDTH
    assert workspace.minimumSizeHint().width() <= WIDTH
