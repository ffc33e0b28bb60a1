"""What a learnt model sees is shown wherever the view goes, while the model is on offer."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_unet.progress import Progress
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.result import FineTuneResult
from napari_unet.widgets.teach import visible_preview
from napari_unet.widgets.teach.comparison import ComparisonView
from napari_unet.widgets.teach.preview import NAME
from napari_unet.widgets.teach.shown_part import SeenByBoth, ShownPart, changes_in_words, coloured
from napari_unet.widgets.teach.work import MAX_SIDE, MIN_SIDE, FineTuneComparison, FineTuneControl, FineTuneRequest
from napari_unet.widgets.viewer.visible import visible_region
from tests.widgets.conftest import click

PATIENCE = 600000
"""Milliseconds that a busy machine may take."""


def part_of(labels, origin):
    return ShownPart(labels=labels, colours=coloured(labels), axes="YX", origin=origin, count=1)


class Models:
    """Stands for both models: the old one finds object 1 everywhere, the new one object 2."""

    def __init__(self):
        self.regions = []

    def look(self, region):
        self.regions.append(region)
        yield Progress(done=0, total=0)
        shape = [high - low for low, high in region.values()]
        origin = tuple(low for low, _ in region.values())
        before, after = (part_of(np.full(shape, label, np.int32), origin) for label in (1, 2))
        said = changes_in_words(before, after, classes=False)
        return SeenByBoth(before=before, after=after, in_view=said)


@pytest.fixture
def models():
    return Models()


@pytest.fixture
def view(viewer, qtbot, models, monkeypatch):
    """Return what shows a model on offer, which has segmented the middle of a large image."""
    monkeypatch.setattr(visible_preview, "DELAY", 200)
    viewer.add_image(np.zeros((3000, 4000), np.uint8), name="large")
    viewer.scene.camera.zoom, viewer.scene.camera.center = 1, (1500, 2000)
    view = ComparisonView(viewer)
    qtbot.addWidget(view.box)
    view.begin(str(viewer.layers["large"].unique_id))
    qtbot.waitUntil(lambda: view.region() is not None, timeout=PATIENCE)
    spec = SimpleNamespace(is_semantic=False, zoom=1)
    tuned = FineTuneResult(
        model=SimpleNamespace(spec=spec), before=0.5, after=0.8, held_out=True, pixels=900, strokes=9,
        iterations=5, seconds=1,
    )  # fmt: skip
    region = {"Y": (1450, 1550), "X": (1950, 2050)}
    seen = steps_result(models.look(region))
    models.regions.clear()
    asked = FineTuneRequest(paints=[], model=None, classes=False, settings=FineTuningSettings())
    outcome = FineTuneComparison(request=asked, tuned=tuned, seen=seen, region=region, look=models.look)
    view.offer(outcome, "new")
    yield view
    view.forget()


def steps_result(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def covers(viewer):
    """Whether the preview lies over all that is visible of the image."""
    image, layer = viewer.layers["large"], viewer.layers[NAME]
    low, high = (layer.data_to_world(corner) for corner in ((0, 0), layer.data.shape[:2]))
    region = visible_region(viewer, image, "YX")
    inside = zip(region.values(), low, high, (3000, 4000), strict=True)
    return all(start <= max(0, first) and min(last, side) <= end for (first, last), start, end, side in inside)


@pytest.mark.usefixtures("pixels_drawn")
def test_the_preview_of_a_learnt_model_covers_what_is_visible_also_after_moving(viewer, view, models, qtbot):
    assert not covers(viewer)
    qtbot.waitUntil(lambda: covers(viewer) and not view.following.is_busy, timeout=PATIENCE)
    looks = len(models.regions)
    viewer.scene.camera.center = (700, 900)
    qtbot.waitUntil(lambda: not covers(viewer), timeout=PATIENCE)
    qtbot.waitUntil(lambda: covers(viewer) and not view.following.is_busy, timeout=PATIENCE)
    assert len(models.regions) > looks
    after = viewer.layers[NAME].data[0, 0].copy()
    click(qtbot, view.box.before)
    assert (viewer.layers[NAME].data[0, 0] != after).any(), "before is of the new part, too"
    assert covers(viewer)
    assert "In the part shown: 1 objects before" in view.box.details.text()
    viewer.window.resize(1100, 950)
    qtbot.waitUntil(lambda: covers(viewer) and not view.following.is_busy, timeout=PATIENCE)
    looks = len(models.regions)
    viewer.scene.camera.zoom = 4
    qtbot.waitUntil(lambda: not view.following.is_busy, timeout=PATIENCE)
    assert len(models.regions) == looks, "a part of what is shown is there already"


def test_of_more_than_a_screen_the_middle_is_shown(viewer, view, models, qtbot):
    viewer.scene.camera.zoom, viewer.scene.camera.center = 0.05, (1500, 2000)
    qtbot.waitUntil(lambda: models.regions[-1:] == [{"Y": (476, 2524), "X": (976, 3024)}], timeout=PATIENCE)
    assert MAX_SIDE == 2048


def test_nothing_is_segmented_once_the_model_is_dropped(viewer, view, models, qtbot):
    view.forget()
    looks = len(models.regions)
    viewer.scene.camera.center = (700, 900)
    qtbot.wait(300)
    assert len(models.regions) == looks
    assert not view.following.is_busy
    assert NAME not in viewer.layers


def test_in_3d_the_reason_is_known_and_in_2d_it_is_shown_again(viewer, view, models, qtbot):
    viewer.dims.ndisplay = 3
    assert view.region() is None
    assert "switch to 2D (Ctrl+Y)" in view.unseen
    looks = len(models.regions)
    viewer.dims.ndisplay = 2
    qtbot.waitUntil(lambda: len(models.regions) > looks, timeout=PATIENCE)
    assert view.unseen == ""


def test_of_volumes_less_is_shown_for_the_planes_beside(viewer, view):
    viewer.scene.camera.zoom = 0.05
    view.begin(str(viewer.layers["large"].unique_id), 16)
    shown = view.region(1024)
    assert [high - low for low, high in shown.values()] == [256, 256]


def test_while_it_learns_as_much_is_shown_as_learning_can_spare_time_for():
    control, seen = FineTuneControl(), SimpleNamespace(labels=np.zeros((512, 512), np.int32))
    assert control.side == MIN_SIDE
    control.measure(seen, 0.125)
    assert control.side == 1024
    control.measure(seen, 10)
    assert control.side == MIN_SIDE
    control.measure(seen, 0)
    assert control.side == MAX_SIDE
    control.measure(None, 10)
    assert control.side == MAX_SIDE
    thick = FineTuneControl(work=4.0)
    thick.measure(seen, 0.5)
    assert thick.side == 1024, "four times as many pixels were segmented as are shown"
