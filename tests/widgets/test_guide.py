"""Next: the camera goes where painting helps most, over planes; never twice, nor where somebody painted."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_unet.widgets.teach.guide import BOX_NAME, VISITED
from napari_unet.widgets.viewer.notes import RESULT, LayerNotes, as_metadata
from napari_unet.widgets.viewer.paint import image_reference
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done

UNSURE = ((200, 300), (8, 10))


@pytest.fixture
def bright(user_folder):
    """Save a model that finds what is bright, and is unsure of what is grey."""
    (user_folder / "models").mkdir(parents=True)
    model = make_bright_model()
    replace(model, spec=replace(model.spec, name="bright")).save(user_folder / "models" / "bright.safetensors")


def grey_patches(shape=(288, 384), places=UNSURE):
    """Return an image with a bright object, and two grey patches of which the first one is greyer."""
    image = np.zeros(shape)
    image[..., 100:140, 150:190] = 1
    for number, (row, column) in enumerate(places):
        image[..., row : row + 60, column : column + 60] = 0.5 + 0.02 * number
    return image


def go(qtbot, viewer, panel):
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_N)
    wait_until_done(qtbot, panel)


def box_of(viewer):
    corners = viewer.layers[BOX_NAME].data[0]
    return corners.min(0), corners.max(0)


def test_next_flies_to_uncertain_places_one_after_the_other(bright, viewer, panel, qtbot):
    image = viewer.add_image(grey_patches(), name="cells", scale=(0.5, 0.5))
    panel.form.model.choose_name("bright")
    go(qtbot, viewer, panel)
    low, high = box_of(viewer)
    assert (low <= (260, 360)).all()
    assert (high >= (200, 300)).all()
    assert "more than anywhere else" in panel.guide.reason.text()
    centre = np.asarray(viewer.scene.camera.center)[-2:]
    np.testing.assert_allclose(centre, image.data_to_world((low + high) / 2))
    assert not viewer.layers["cells (uncertainty)"].visible
    assert viewer.layers["cells (uncertainty)"].data[230, 330] > 200
    assert viewer.layers.selection.active == image, "who paints goes on painting"
    assert panel.tools.image_to_paint() == image, "no image of the user's came"
    seen = [tuple(low)]
    while panel.guide.reason.text() != VISITED:
        click(qtbot, panel.guide.next)
        here = tuple(box_of(viewer)[0])
        assert here not in seen or panel.guide.reason.text() == VISITED
        seen.append(here)
    assert any((np.array(one) < (70, 70)).all() for one in seen), "the second patch, too"


def test_where_somebody_painted_it_does_not_go(bright, viewer, panel, qtbot):
    viewer.add_image(grey_patches(), name="cells")
    panel.form.model.choose_name("bright")
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers["cells (annotation)"]
    for row in range(190, 270, 5):  # every cell that the first patch touches
        layer.data_setitem((np.full(100, row), np.arange(280, 380)), 1)
    go(qtbot, viewer, panel)
    assert (box_of(viewer)[0] < (70, 70)).all()


def test_next_finds_its_plane_in_a_stack(bright, viewer, panel, qtbot):
    stack = np.stack([grey_patches((96, 96), places=()) for _ in range(4)])
    stack[0, 60:90, 60:90], stack[2, 10:60, 10:60] = 1, 0.5
    viewer.add_image(stack, name="stack")
    panel.form.model.choose_name("bright")
    viewer.dims.set_point(0, 0)
    go(qtbot, viewer, panel)
    assert viewer.dims.point[0] == 2
    assert box_of(viewer)[0][0] == 2


def segmented(viewer, image):
    """Return a result of an image, in which nothing was found."""
    notes = LayerNotes(role=RESULT, image=image_reference(image), predictions=(np.zeros((96, 96), int),))
    labels = np.zeros((96, 96), int)
    return viewer.add_labels(labels, name=f"{image.name} (bright)", metadata=as_metadata(notes))


def test_next_goes_over_all_images_that_were_segmented(bright, viewer, panel, qtbot):
    less, unsure = np.zeros((96, 96)), np.zeros((96, 96))
    unsure[10:60, 10:60], unsure[70:90, 70:90] = 0.5, 1
    less[70:90, 70:90], less[10:40, 10:40] = 1, 0.5
    other = viewer.add_image(unsure, name="other")
    others = segmented(viewer, other)
    channel = viewer.add_image(unsure, name="no labels")
    first = viewer.add_image(less, name="first")
    mine = segmented(viewer, first)
    viewer.layers.selection.active = first
    panel.form.model.choose_name("bright")
    go(qtbot, viewer, panel)
    assert panel.guide.reason.text().startswith("other: the model is unsure")
    assert viewer.layers.selection.active is other
    assert (other.visible, others.visible, first.visible, mine.visible) == (True, True, False, False)
    assert channel.visible
    assert "no labels (uncertainty)" not in viewer.layers
    go(qtbot, viewer, panel)
    assert panel.guide.reason.text().startswith("first: ")
    assert viewer.layers.selection.active is first
    assert (other.visible, others.visible, first.visible, mine.visible) == (False, False, True, True)
    go(qtbot, viewer, panel)
    assert panel.guide.reason.text() == VISITED
    viewer.layers.remove(first)
    assert BOX_NAME not in viewer.layers
    assert panel.guide.reason.isHidden()


def test_next_opens_the_images_of_a_batch(bright, viewer, panel, qtbot, tmp_path):
    image = np.zeros((96, 96), np.uint8)
    image[40:60, 40:60] = 200
    faint = image.copy()
    faint[5:35, 5:85] = 100
    for name, pixels in {"sharp": image, "faint": faint}.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels)
    batch = viewer.window.add_plugin_dock_widget(PLUGIN, "Batch")[1]
    for choice in (panel.form.model, batch.model):
        choice.choose_name("bright")
    batch.choose((str(tmp_path),))
    wait_until_done(qtbot, batch)
    click(qtbot, batch.job.start_button)
    wait_until_done(qtbot, batch)
    viewer.add_image(np.zeros((96, 96)), name="mine")
    go(qtbot, viewer, panel)
    assert "faint" in viewer.layers
    assert panel.guide.reason.text().startswith("faint: ")
    assert (box_of(viewer)[0] < (35, 85)).all()
    assert "sharp" not in viewer.layers
    assert "faint (uncertainty)" in viewer.layers


def test_without_image_or_model_the_user_reads_what_to_do(viewer, panel, qtbot):
    go(qtbot, viewer, panel)
    assert "There is no image" in messages()[-1]
    viewer.add_image(grey_patches())
    panel.form.model.choose_new()
    go(qtbot, viewer, panel)
    assert "A new network knows no image yet" in messages()[-1]
