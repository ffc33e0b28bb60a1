"""A part keeps its place: what was exported of it comes back where it was, in its plane of a stack."""

import json

import napari
import numpy as np
import pytest
import tifffile
from napari.layers import Labels

from napari_unet.files.tiff import read_provenance
from napari_unet.widgets.export.labels import write_labels_layer
from napari_unet.widgets.viewer.notes import RESULT, LayerNotes, as_metadata, notes_of
from napari_unet.widgets.viewer.paint import image_of, image_reference
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, wait_until_done
from tests.widgets.segmenting import nuclei_image

NAMES = ["part.tif", "part.ome.tif"]
SQUARE = np.zeros((16, 24), np.uint16)
SQUARE[4:9, 5:12] = 3


SHOWN, PANEL = False, "Export"


def export(qtbot, panel, layer, path):
    panel._viewer.layers.selection.active = layer
    panel.path.setText(str(path))
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)


def reopened(viewer, qtbot, path):
    """Open a mask again over its image; the layer that was exported is gone."""
    for layer in [one for one in viewer.layers if isinstance(one, Labels)]:
        viewer.layers.remove(layer)
    viewer.open(path)
    qtbot.waitUntil(lambda: isinstance(viewer.layers[-1], Labels))
    return viewer.layers[-1]


def open_image(viewer, tmp_path, shape, **facts):
    tifffile.imwrite(tmp_path / "image.tif", np.zeros(shape, np.uint16), **facts)
    return viewer.open(tmp_path / "image.tif")[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_with_a_translation_lies_there_again(viewer, panel, qtbot, tmp_path, name):
    image = open_image(viewer, tmp_path, (64, 80))
    part = viewer.add_labels(SQUARE, translate=(30, 40))
    export(qtbot, panel, part, tmp_path / name)
    assert read_provenance(tmp_path / name)["origin"] == {"Y": 30, "X": 40}
    back = reopened(viewer, qtbot, tmp_path / name)
    np.testing.assert_allclose(back.translate, (30, 40))
    np.testing.assert_array_equal(back.data, SQUARE)
    assert image_of(viewer, back) is image
    export(qtbot, panel, back, tmp_path / f"again_{name}")
    np.testing.assert_allclose(reopened(viewer, qtbot, tmp_path / f"again_{name}").translate, (30, 40))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["panel", "File > Save"])
def test_what_was_visible_of_a_plane_comes_back_in_its_plane(viewer, panel, qtbot, tmp_path, name, way):
    image = open_image(viewer, tmp_path, (6, 64, 80), imagej=True, metadata={"axes": "ZYX"})
    notes = LayerNotes(role=RESULT, image=image_reference(image), axes="ZYX", origin=(3, 16, 32))
    part = viewer.add_labels(SQUARE[None], translate=(3, 16, 32), metadata=as_metadata(notes))
    if way == "panel":
        export(qtbot, panel, part, tmp_path / name)
    else:
        part.save(str(tmp_path / name), plugin=PLUGIN)
    back = reopened(viewer, qtbot, tmp_path / name)
    assert back.data.shape == (1, 16, 24)
    np.testing.assert_allclose(back.translate, (3, 16, 32))
    assert (notes_of(back).axes, notes_of(back).origin) == ("ZYX", (3, 16, 32))
    assert image_of(viewer, back) is image


def test_without_its_image_a_part_lies_where_its_image_would_have_it(viewer, panel, qtbot, tmp_path):
    part = viewer.add_labels(SQUARE[None], translate=(3, 16, 32))
    export(qtbot, panel, part, tmp_path / "a.tif")
    back = reopened(viewer, qtbot, tmp_path / "a.tif")
    np.testing.assert_allclose(back.translate, (3, 16, 32))
    image = viewer.add_image(np.zeros((6, 64, 80)))
    assert image_of(viewer, back) is image


def test_the_place_is_counted_in_pixels_of_an_image_wherever_that_lies(viewer, panel, qtbot, tmp_path):
    place = {"scale": (0.5, 0.25), "units": ("um", "um")}
    image = viewer.add_image(np.zeros((64, 80)), translate=(1000, 2000), **place)
    part = viewer.add_labels(SQUARE, translate=(1000 + 30 * 0.5, 2000 + 40 * 0.25), **place)
    export(qtbot, panel, part, tmp_path / "a.ome.tif")
    assert read_provenance(tmp_path / "a.ome.tif")["origin"] == {"Y": 30, "X": 40}
    back = reopened(viewer, qtbot, tmp_path / "a.ome.tif")
    np.testing.assert_allclose(back.translate, part.translate)
    np.testing.assert_allclose(back.scale, image.scale)


def test_labels_that_cover_their_image_have_no_place(viewer, panel, qtbot, tmp_path):
    viewer.add_image(np.zeros(SQUARE.shape), translate=(7, 8))
    export(qtbot, panel, viewer.add_labels(SQUARE, translate=(7, 8)), tmp_path / "a.tif")
    assert "origin" not in read_provenance(tmp_path / "a.tif")


def test_a_part_beyond_its_image_and_between_pixels_keeps_its_place_too(viewer, panel, qtbot, tmp_path):
    open_image(viewer, tmp_path, (64, 80))
    export(qtbot, panel, viewer.add_labels(SQUARE, translate=(-5, 60.5)), tmp_path / "a.tif")
    back = reopened(viewer, qtbot, tmp_path / "a.tif")
    np.testing.assert_allclose(back.translate, (-5, 60.5))


@pytest.mark.parametrize("origin", [{"Y": "far"}, [1, 2], {"Y": float("nan")}, {"Q": 3}, "3, 4"])
def test_a_place_that_is_none_is_nowhere(viewer, panel, qtbot, tmp_path, origin):
    info = f"napari_unet: {json.dumps({'values': 'objects', 'origin': origin})}\n"
    tifffile.imwrite(tmp_path / "a.tif", SQUARE, imagej=True, metadata={"Info": info})
    np.testing.assert_allclose(reopened(viewer, qtbot, tmp_path / "a.tif").translate, (0, 0))


def test_file_save_of_a_layer_in_no_viewer_keeps_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(napari, "current_viewer", lambda: None)
    layer = Labels(SQUARE, translate=(300, 400), scale=(2, 2))
    data, meta, _ = layer.as_layer_data_tuple()
    write_labels_layer(str(tmp_path / "a.tif"), data, meta)
    assert read_provenance(tmp_path / "a.tif")["origin"] == {"Y": 150, "X": 200}


@pytest.mark.usefixtures("pixels_drawn")
def test_what_is_visible_is_segmented_exported_and_opened_again_in_its_place(
    make_napari_viewer, qtbot, tmp_path, user_folder
):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    (user_folder / "models").mkdir(parents=True)
    make_bright_model().save(user_folder / "models" / "bright.safetensors")
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Export")
    tifffile.imwrite(
        tmp_path / "image.tif", np.stack([nuclei_image((320, 400))] * 5), imagej=True, metadata={"axes": "ZYX"}
    )
    [image] = viewer.open(tmp_path / "image.tif")
    segment.model.choose_name("bright")
    segment.region.setCurrentIndex(1)
    viewer.dims.set_current_step(0, 3)
    viewer.scene.camera.center = (3, 200, 260)
    viewer.scene.camera.zoom *= 4
    qtbot.waitUntil(lambda: segment.layer is image and image.corner_pixels[0][1] > 0)
    click(qtbot, segment.job.start_button)
    wait_until_done(qtbot, segment)
    result = viewer.layers[-1]
    assert notes_of(result).origin[0] == 3
    assert min(notes_of(result).origin[1:]) > 0
    place, values = result.data_to_world((0, 0, 0)), result.data.copy()
    export(qtbot, panel, result, tmp_path / "part.ome.tif")
    back = reopened(viewer, qtbot, tmp_path / "part.ome.tif")
    np.testing.assert_allclose(back.data_to_world((0, 0, 0)), place)
    np.testing.assert_array_equal(back.data, values)
