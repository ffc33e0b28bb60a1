"""What is set in napari's Preferences holds in the panels, at once and the next time."""

import pytest
import yaml
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox

from napari_unet.models.library import OWN_FOLDER, own_folder
from napari_unet.settings.devices import DEVICES
from napari_unet.settings.finetuning import FineTuningSettings
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN

SHOWN = False


@pytest.fixture
def settings(monkeypatch):
    """Return the plugin's preferences, which are the usual ones before and after a test."""
    monkeypatch.setenv(OWN_FOLDER, "")  # so that it is taken back, whoever sets it meanwhile
    settings = get_plugin_settings(PLUGIN)
    settings.reset()
    yield settings
    settings.reset()


@pytest.fixture
def page(viewer, settings, qtbot):
    """Return the plugin's page of the Preferences, as a user opens it."""
    dialog = PreferencesDialog(parent=viewer.window._qt_window)
    qtbot.addWidget(dialog)
    names = [dialog._list.item(number).text() for number in range(dialog._list.count())]
    dialog._list.setCurrentRow(names.index("U-Net Interactive"))
    return dialog._stack.currentWidget()


@pytest.fixture
def workspace(viewer, settings):
    workspace = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    for tab in ("Segment", "Teach"):
        workspace.show_tab(tab)
    return workspace


def test_a_change_is_seen_in_open_panels_and_is_kept(workspace, page, settings, qtbot, user_folder, tmp_path):
    segment, teach = workspace.panels["Segment"], workspace.panels["Teach"]
    (tmp_path / "ours").mkdir()
    make_bright_model().save(tmp_path / "ours" / "mine.safetensors")
    [device] = page.findChildren(QComboBox)
    device.setCurrentText("cpu")
    assert segment.advanced.boxes["device"].chosen() == teach.form.device.chosen() == "cpu"
    fast, keep = page.findChildren(QCheckBox)
    fast.click()
    assert segment.advanced.settings().prediction.precision == "fast"
    keep.setChecked(False)
    assert not segment.corrections.keep.isChecked()
    [seconds] = page.findChildren(QSpinBox)
    seconds.setValue(90)
    assert teach.form.seconds.value() == 90
    first, folder, elsewhere = [
        box for box in page.findChildren(QLineEdit) if not isinstance(box.parent(), QSpinBox)
    ]
    folder.clear()
    qtbot.keyClicks(folder, str(tmp_path / "ours"))
    assert own_folder() == tmp_path / "ours"
    first.clear()
    qtbot.keyClicks(first, "mine")
    assert workspace.subject.model.currentText() == "mine"
    elsewhere.clear()
    qtbot.keyClicks(elsewhere, "local:2")
    assert segment.advanced.scheduler == "local:2"
    stored = yaml.safe_load(settings.config_path.read_text())
    assert stored["computing"] == {"device": "cpu", "fast": True, "elsewhere": "local:2"}
    assert stored["models"] == {"first": "mine", "folder": str(tmp_path / "ours")}


def test_panels_start_with_what_was_set(viewer, settings, tmp_path):
    path = make_bright_model().save(tmp_path / "elsewhere.safetensors").path
    settings.models.first, settings.correcting.keep, settings.computing.device = str(path), False, "cpu"
    workspace = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    assert workspace.subject.model.path == path
    assert not workspace.show_tab("Segment").corrections.keep.isChecked()
    assert workspace.panels["Segment"].advanced.settings().prediction.device == "cpu"
    settings.models.first = "gone"
    assert workspace.subject.model.path == path, "what is no model changes nothing"


def test_a_closed_panel_follows_no_more(viewer, workspace, settings):
    viewer.window.remove_dock_widget(workspace)
    settings.computing.device = "cpu"


def test_the_usual_values_are_those_of_the_settings(settings, workspace):
    devices = settings.computing.model_json_schema()["properties"]["device"]["enum"]
    assert devices == list(DEVICES.values())
    assert settings.correcting.seconds == FineTuningSettings().seconds
    assert workspace.subject.model.currentText() == "nuclei"
    assert workspace.panels["Segment"].corrections.keep.isChecked()
