"""Corrections survive: segmented anew, by whatever model, an image has one result, with what a person made."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.models.library import load_model, own_folder
from napari_unet.widgets.segment.region_choice import VISIBLE
from napari_unet.widgets.viewer.notes import RESULT, notes_of, role_of
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import brush, dots, segment


@pytest.fixture
def other_model(segment_panel):
    """Save a model that finds nothing below 30000 px, under another name, and offer it; return what chooses it."""
    model = load_model("nuclei")
    path = own_folder() / "nuclei 2.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = replace(model.spec, name="nuclei 2", instances=model.spec.instances.replace(min_size=30000))
    replace(model, spec=spec).save(path)
    return lambda: segment_panel.model.choose_file(path)


def results(viewer):
    return [layer for layer in viewer.layers if role_of(layer) == RESULT]


def correct(viewer, qtbot, result):
    """Erase one disc, draw an object where there is none, and cut a corner off a third one."""
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    brush(viewer, qtbot, result, [(36, 36), (36, 44)], label=40, size=5)
    brush(viewer, qtbot, result, [(52, 46), (52, 48)], label=0, size=5)
    return {name: result.data == name for name in (40, result.data[52, 54])}


def test_corrected_objects_stay_pixel_by_pixel_in_one_result(viewer, segment_panel, qtbot, other_model):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    assert result.data.max() == 12
    kept = correct(viewer, qtbot, result)
    painted = result.data.copy()
    assert all(mask.sum() > 20 for mask in kept.values())
    other_model()
    again = segment(qtbot, segment_panel)
    assert again.unique_id == result.unique_id
    assert len(results(viewer)) == 1
    assert result.name == "dots (nuclei 2)"
    assert result.data.max() == 2, "the new model found nothing"
    for mask in kept.values():
        [number] = np.unique(result.data[mask])
        np.testing.assert_array_equal(result.data == number, mask)
    assert "Kept: 2 objects as you left them and what you erased" in segment_panel.job.status.text()
    segment_panel.model.choose_name("nuclei")
    segment(qtbot, segment_panel)
    assert result.data.max() == 12
    assert result.data[20, 20] == 0, "erased for good"
    assert all(len(np.unique(result.data[mask])) == 1 for mask in kept.values())
    for _ in range(2):
        qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(result.data, painted)


def test_without_the_tick_there_is_a_new_result_beside_the_corrected_one(
    viewer, segment_panel, qtbot, other_model
):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    correct(viewer, qtbot, result)
    painted = result.data.copy()
    click(qtbot, segment_panel.corrections.keep)
    assert not segment_panel.corrections.keep.isChecked()
    other_model()
    again = segment(qtbot, segment_panel)
    assert again.unique_id != result.unique_id
    assert again.data.max() == 0
    np.testing.assert_array_equal(result.data, painted)


def test_what_is_painted_while_the_network_works_is_kept_too(viewer, segment_panel, qtbot, other_model):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    other_model()
    click(qtbot, segment_panel.job.start_button)
    result.data_setitem((np.arange(5), np.zeros(5, int)), 50)
    wait_until_done(qtbot, segment_panel)
    np.testing.assert_array_equal(np.nonzero(result.data), (np.arange(5), np.zeros(5)))


def test_a_look_at_a_part_leaves_the_corrected_result_alone(viewer, segment_panel, qtbot):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    correct(viewer, qtbot, result)
    painted = result.data.copy()
    segment_panel.region.setCurrentText(VISIBLE)
    assert segment(qtbot, segment_panel).unique_id != result.unique_id
    np.testing.assert_array_equal(result.data, painted)


def test_what_was_corrected_is_shown_and_taken_away(viewer, segment_panel, qtbot):
    image = viewer.add_image(dots(), name="dots", scale=(0.5, 0.5))
    result = segment(qtbot, segment_panel)
    button = segment_panel.corrections.show_edited
    click(qtbot, button)
    wait_until_done(qtbot, segment_panel)
    assert "Nothing is corrected" in segment_panel.job.status.text()
    assert not button.isChecked()
    correct(viewer, qtbot, result)
    click(qtbot, button)
    wait_until_done(qtbot, segment_panel)
    shown = viewer.layers["dots (nuclei) (edited)"]
    states = shown.data
    assert (states[36, 36], states[52, 54], states[20, 20], states[84, 20], states[0, 0]) == (2, 1, 3, 4, 0)
    np.testing.assert_allclose(shown.data_to_world((3, 5)), image.data_to_world((3, 5)))
    assert segment_panel.layer is image, "it is no image of the user's"
    click(qtbot, button)
    assert shown not in viewer.layers
    click(qtbot, button)
    wait_until_done(qtbot, segment_panel)
    viewer.layers.remove("dots (nuclei) (edited)")
    assert not button.isChecked()
    assert not [text for text in messages() if "rror" in text]


def test_the_file_says_of_every_object_whether_a_person_made_it(
    viewer, segment_panel, qtbot, tmp_path, other_model
):
    from napari_unet.files.provenance import read_provenance

    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    kept = correct(viewer, qtbot, result)
    other_model()
    segment(qtbot, segment_panel)
    result.save(str(tmp_path / "mask.tif"), plugin="napari-unet-interactive")
    said = read_provenance(tmp_path / "mask.tif")
    drawn, edited = (int(result.data[mask][0]) for mask in kept.values())
    assert said["objects"] == {"drawn": [drawn], "edited": [edited]}
    assert said["edited_by_hand"] == {"changed": 1, "added": 1, "removed": 1}
    assert notes_of(result).provenance["model"] == "nuclei 2"
