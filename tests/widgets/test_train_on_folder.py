"""The Train panel: a folder of images and labels becomes a model, through the real window."""

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_unet.files.checkpoint_names import checkpoint_of, request_of
from napari_unet.folder_training import learning
from napari_unet.folder_training.interrupted import interrupted_trainings, keep_request
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.library import load_model, own_folder
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.weights import WeightSettings
from napari_unet.training import Training
from napari_unet.widgets.teach.folder_work import in_panel_words
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done

PANEL = "Train"
SHOWN = False
SIDE = 64


@pytest.fixture
def folder(tmp_path):
    """Three images of two squares each, with labels."""
    rng = np.random.default_rng(0)
    labels = np.zeros((SIDE, SIDE), np.uint16)
    labels[8:24, 8:24], labels[30:50, 30:50] = 1, 2
    for number in range(3):
        image = (labels > 0) * 150 + rng.integers(0, 50, labels.shape)
        for part, array in (("images", image.astype(np.uint8)), ("labels", labels)):
            (tmp_path / "discs" / part).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(tmp_path / "discs" / part / f"{number}.tif", array)
    return tmp_path / "discs"


def choose(qtbot, panel, folder):
    """Type a folder as a user does, and let the panel look into it."""
    panel.form.folder.clear()
    qtbot.keyClicks(panel.form.folder, str(folder))
    qtbot.keyClick(panel.form.folder, Qt.Key.Key_Return)
    wait_until_done(qtbot, panel)


def make_small(panel, iterations=4):
    """Ask for a network and a training of a second."""
    for boxes, values in (
        (panel.form.network, {"base_channels": 4, "levels": 1}),
        (panel.form.training, {"iterations": iterations, "batch": 1, "patch": 32, "device": "cpu"}),
    ):
        boxes.show(values)


def train(qtbot, panel):
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)


def test_teach_leads_to_train_with_what_is_known(viewer, folder, qtbot):
    workspace = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    viewer.open(str(folder / "images" / "1.tif"), plugin="napari")
    form = workspace.show_tab("Teach").form
    assert form.from_folder.isHidden(), "a model that is there learns from paint"
    form.model.choose_new()
    form.kind.setCurrentIndex(1)
    click(qtbot, form.from_folder)
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, PANEL)[1]
    wait_until_done(qtbot, panel)
    assert panel.job.status.text() == "3 images with labels."
    request = panel.form.request()
    assert (request.folder, request.how.truth, request.how.start) == (folder, "classes", None)
    panel.form.folder.setText("mine")
    click(qtbot, form.from_folder)
    assert panel.form.folder.text() == "mine", "what was typed stays"


def left_over():
    return sorted(path.name for path in own_folder().glob(".*"))


def test_a_folder_becomes_a_model_that_segment_offers(viewer, panel, segment_panel, folder, qtbot):
    choose(qtbot, panel, folder)
    assert panel.job.status.text() == "3 images with labels."
    assert panel.form.name.text() == "discs"
    make_small(panel)
    train(qtbot, panel)
    said = panel.job.status.text()
    assert "Saved as discs: validation mean AP 0" in said
    assert "on 1 held-out image. Segment uses it now." in said
    spec = load_model("discs").spec
    assert (spec.arguments["base_channels"], spec.arguments["levels"], spec.training["iterations"]) == (4, 1, 4)
    assert segment_panel.model.path == own_folder() / "discs.safetensors"
    assert panel.form.start.findText("discs") > 0
    assert [x for x, _ in panel.curves.points["loss"]] == [1, 2, 3, 4]
    assert left_over() == []


def test_a_training_that_was_stopped_goes_on_in_another_window(
    make_napari_viewer, viewer, panel, folder, qtbot, monkeypatch
):
    step = Training._step
    stop_at = 3

    def stopped(training, iteration):
        if iteration == stop_at:
            panel._stop_asked.set()
        return step(training, iteration)

    monkeypatch.setattr(Training, "_step", stopped)
    choose(qtbot, panel, folder)
    make_small(panel, iterations=8)
    panel.form.training["weights"].choose(WeightSettings.falk())
    train(qtbot, panel)
    assert "Stopped before the first validation" in panel.job.status.text()
    assert len(left_over()) == 2
    monkeypatch.setattr(Training, "_step", step)
    first = []
    monkeypatch.setattr(Training, "_step", lambda training, number: first.append(number) or step(training, number))
    other = make_napari_viewer(show=False).window.add_plugin_dock_widget("napari-unet-interactive", "Train")[1]
    assert other.interrupted.text.text() == "The training of discs on discs is not finished."
    click(qtbot, other.interrupted.go_on)
    wait_until_done(qtbot, other)
    assert first == list(range(stop_at + 1, 8))
    assert "Saved as discs" in other.job.status.text()
    assert not other.interrupted.isVisibleTo(other)
    assert left_over() == []


def test_a_closed_generator_and_a_crash_lose_no_step(folder, tmp_path, monkeypatch):
    how = {"network": {"base_channels": 4, "levels": 1}, "training": {"iterations": 9, "batch": 1, "patch": 32}}
    request = TrainingRequest(folder=folder, output=tmp_path / "a.safetensors", **how)
    monkeypatch.setattr(learning, "SECONDS_BETWEEN", 0)
    steps = learning.train_folder_steps(request)
    while next(steps).done < 2:
        pass
    assert checkpoint_of(request.output).exists(), "what a crash would leave"
    assert interrupted_trainings(tmp_path) == [], "this process is at work on it"
    steps.close()
    assert interrupted_trainings(tmp_path) == [request]
    again = learning.train_folder_steps(request)
    assert next(one.done for one in again if one.done) == 3


def test_what_was_asked_for_comes_back_whole(tmp_path):
    request = TrainingRequest(
        folder=tmp_path,
        output=tmp_path / "a.safetensors",
        how=FolderSettings(truth="classes", channel=("DAPI", 1), inputs="a, b (optional)"),
        network={"dims": 3, "spacing": (2.5, 1.0, 1.0)},
        training={"weights": WeightSettings.falk(), "patch": (16, 64, 64), "epochs": 3},
    )
    keep_request(request, at_work=False)
    checkpoint_of(request.output).touch()
    assert interrupted_trainings(tmp_path) == [request]
    values = json.loads(request_of(request.output).read_text())
    request_of(request.output).write_text(json.dumps({**values, "how": {"truth": "nonsense"}}))
    assert interrupted_trainings(tmp_path) == [], "what is damaged is not offered"


def test_bad_folders_get_a_sentence_in_words_of_the_panel(panel, folder, qtbot, tmp_path):
    click(qtbot, panel.job.start_button)
    assert messages()[-1] == "Choose a folder with images and labels first."
    choose(qtbot, panel, tmp_path)
    assert "must hold the folders images and labels; images is missing" in messages()[-1]
    (folder / "labels" / "2.tif").unlink()
    choose(qtbot, panel, folder)
    assert "2.tif" in messages()[-1]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:20, :20] = mask[30:50, :20] = 255
    for number in range(3):
        tifffile.imwrite(folder / "labels" / f"{number}.tif", mask)
    make_small(panel)
    train(qtbot, panel)
    assert "‘Labels are’ classes" in messages()[-1]
    assert "--" not in messages()[-1]
    assert in_panel_words("`start` gives one, `other` not") == "‘Start from’ gives one, `other` not"


def test_the_panel_offers_every_option_of_the_command_and_stays_narrow(panel):
    panel.form.advanced.expand(animate=False)
    assert panel.minimumSizeHint().width() <= 330
    for boxes in (panel.form.how, panel.form.network, panel.form.training):
        assert boxes.differing() == {}, "untouched, the recipe decides"
    panel.form.network.show({"spacing": (2.5, 1.0, 1.0), "architecture": "classic", "norm": True})
    assert panel.form.network.differing() == {
        "spacing": "2.5,1,1",
        "architecture": "classic",
        "norm": True,
    }
    panel.form.network.show({})
    assert panel.form.network.differing() == {}
