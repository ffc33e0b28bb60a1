"""Export: what is written re-opens with pixel size, axes and provenance."""

import numpy as np
import pytest
import tifffile
from napari.layers import Labels

from napari_unet.errors import UnetError
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import read_provenance, write_labels
from napari_unet.widgets.autosave.watcher import is_drawn_here
from napari_unet.widgets.export.labels import provenance_of, write_labels_layer
from napari_unet.widgets.viewer.paint import image_of
from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done
from tests.widgets.saving import export

SHOWN, PANEL = False, "Export"


def test_a_sample_has_its_pixel_size_or_says_that_it_is_unknown(viewer, panel):
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    [image] = viewer.open_sample(PLUGIN, "u2os")
    np.testing.assert_allclose(image.scale, 0.656)
    assert "0.656 µm per pixel" in segment.line.text()
    [image] = viewer.open_sample(PLUGIN, "crowded")  # neither the file nor what came with it states one
    assert "pixel size unknown" in segment.line.text()
    viewer.add_labels(np.ones(image.data.shape, np.uint8))
    assert "The image did not say how large a pixel is" in panel.line.text()
    assert panel.size.text() == "unknown"


def test_from_sample_to_a_calibrated_file(viewer, panel, qtbot, tmp_path):
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    [image] = viewer.open_sample(PLUGIN, "crowded")
    image.units, image.scale = ("um", "um"), (0.65, 0.65)
    click(qtbot, segment.job.start_button)
    wait_until_done(qtbot, segment)
    target = tmp_path / "masks.tif"
    export(qtbot, panel, target)
    with tifffile.TiffFile(target) as file:
        assert file.series[0].axes == "YX"
        assert file.series[0].dtype == np.uint16
        assert file.imagej_metadata["unit"] in ("um", "micron", "µm", "\\u00B5m")
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert numerator / denominator == pytest.approx(1 / 0.65, rel=1e-4)
    np.testing.assert_array_equal(read_labels(target).array, viewer.layers[-1].data)
    assert read_labels(target).pixel_size == pytest.approx((0.65, 0.65), rel=1e-4)
    facts = read_provenance(target)
    assert facts["model"] == "nuclei"
    assert len(facts["model_sha256"]) == 64
    assert facts["source"] == image.name


def test_the_user_may_say_the_pixel_size(viewer, panel, qtbot, tmp_path):
    viewer.add_labels(np.eye(20, dtype=np.uint16))
    assert "did not say" in panel.line.text()
    panel.size.setValue(0.2)
    image = viewer.add_image(np.eye(20))
    viewer.layers.remove(image)
    export(qtbot, panel, tmp_path / "a.tif")
    assert read_labels(tmp_path / "a.tif").pixel_size == pytest.approx((0.2, 0.2), rel=1e-4)


def test_the_size_follows_a_layer_that_is_calibrated_meanwhile(viewer, panel):
    layer = viewer.add_labels(np.eye(20, dtype=np.uint16))
    layer.scale, layer.units = (0.5, 0.5), ("um", "um")
    assert panel.size.value() == 0.5
    assert panel.line.text() == ""
    viewer.layers.remove(layer)
    layer.scale = (1, 1)
    assert "Segment an image first" in panel.line.text()


def test_an_exported_mask_opens_as_labels_and_no_other_file_does(viewer, panel, qtbot, tmp_path):
    _, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    mask = np.eye(20, dtype=np.uint16)
    viewer.add_labels(mask, scale=(0.4, 0.2), units=("um", "um"))
    export(qtbot, panel, tmp_path / "masks.tif")
    tifffile.imwrite(tmp_path / "image.tif", mask, imagej=True)
    made = {"provenance": {"values": "foreground probability x 255"}, "axes": "YX", "pixel_size": None}
    write_labels(tmp_path / "sure.tif", mask, **made)
    viewer.layers.clear()
    viewer.open(tmp_path / "masks.tif")
    assert segment.layer is None
    qtbot.waitUntil(lambda: isinstance(viewer.layers[0], Labels))
    [labels] = viewer.layers
    assert not is_drawn_here(labels)
    np.testing.assert_array_equal(labels.data, mask)
    assert labels.name == "masks"
    np.testing.assert_array_equal(labels.scale, (1, 1), "as napari shows its image, too")
    assert "source" in provenance_of(labels)
    [image] = viewer.open(tmp_path / "image.tif")
    viewer.open(tmp_path / "sure.tif")
    viewer.open(tmp_path / "masks.tif")
    qtbot.waitUntil(lambda: isinstance(viewer.layers[-1], Labels))
    assert [type(layer).__name__ for layer in viewer.layers] == ["Labels", "Image", "Image", "Labels"]
    np.testing.assert_array_equal(viewer.layers[-1].scale, image.scale, "over the image of its size")
    assert panel.size.value() == pytest.approx(0.2, rel=1e-3), "its pixel size is not forgotten"


def test_an_opened_mask_lies_over_the_image_that_it_was_made_from(viewer, panel, qtbot, tmp_path):
    made = {"values": "classes", "classes": ["background", "myelin"], "source": "first"}
    write_labels(tmp_path / "a.tif", np.eye(20, dtype=np.uint16), axes="YX", pixel_size=None, provenance=made)
    first = viewer.add_image(np.zeros((20, 20)), name="first")
    viewer.add_image(np.zeros((20, 20)), name="second")
    viewer.open(tmp_path / "a.tif")
    qtbot.waitUntil(lambda: isinstance(viewer.layers[-1], Labels))
    assert image_of(viewer, viewer.layers[-1]) is first
    assert viewer.layers[-1].features["meaning"].tolist() == ["background", "myelin"]


def test_a_scale_without_a_unit_is_questioned(viewer, panel):
    viewer.add_labels(np.eye(20, dtype=np.uint16), scale=(0.3, 0.3))
    assert "names no unit" in panel.line.text()


def test_volumes_keep_their_depth(viewer, panel, qtbot, tmp_path):
    viewer.add_labels(np.ones((3, 20, 30), np.int32), scale=(2, 0.5, 0.5), units=("um",) * 3)
    export(qtbot, panel, tmp_path / "a.tif")
    written = read_labels(tmp_path / "a.tif")
    assert written.axes == "ZYX"
    assert written.pixel_size == pytest.approx((2, 0.5, 0.5), rel=1e-4)


def test_a_file_is_replaced_only_when_the_user_says_so(viewer, panel, qtbot, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QMessageBox

    viewer.add_labels(np.eye(20, dtype=np.uint16))
    target = tmp_path / "raw.tif"
    target.write_bytes(b"an image")
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    export(qtbot, panel, target)
    assert target.read_bytes() == b"an image"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    export(qtbot, panel, target)
    assert read_labels(target).array.max() == 1
    monkeypatch.setattr(QMessageBox, "question", lambda *_: pytest.fail("asked for its own file"))
    export(qtbot, panel, target)
    other = viewer.add_labels(np.full((20, 20), 7, np.uint16))
    panel.labels.value = other
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    export(qtbot, panel, target)
    assert read_labels(target).array.max() == 1, "the masks of another layer need a yes of their own"


def test_multiscale_labels_are_written_at_full_resolution(viewer, panel, qtbot, tmp_path):
    layer = viewer.add_labels([np.ones((16, 16), np.uint8), np.ones((8, 8), np.uint8)], multiscale=True)
    export(qtbot, panel, tmp_path / "a.tif")
    assert read_labels(tmp_path / "a.tif").array.shape == (16, 16)
    layer.save(str(tmp_path / "b.tif"), plugin=PLUGIN)
    assert read_labels(tmp_path / "b.tif").array.shape == (16, 16)


def test_file_save_of_napari_writes_the_same(viewer, tmp_path):
    layer = viewer.add_labels(np.eye(20, dtype=np.int32), scale=(0.4, 0.4), units=("um", "um"))
    assert layer.save(str(tmp_path / "b.tif"), plugin=PLUGIN) == [str(tmp_path / "b.tif")]
    assert read_labels(tmp_path / "b.tif").pixel_size == pytest.approx((0.4, 0.4), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Say where"),
        ("missing/a.tif", "folder"),
        ("a.czi", ".tif"),
        ("a.png", "open it"),
        ("m" * 300, "its name is too long"),
    ],
)
def test_a_bad_place_is_refused_and_nothing_is_written(viewer, panel, qtbot, tmp_path, name, said):
    viewer.add_labels(np.eye(20, dtype=np.uint16))
    export(qtbot, panel, tmp_path / name if name else "")
    assert said in messages()[-1]
    assert list(tmp_path.iterdir()) == []
    export(qtbot, panel, "~nobody-here/a.tif")
    assert "type the whole path" in messages()[-1]
    assert panel.job.start_button.isEnabled()


def test_without_labels_the_button_says_what_to_do(panel, qtbot):
    click(qtbot, panel.job.start_button)
    assert "There are no labels" in messages()[-1]


def test_no_name_of_an_open_image_is_written_to(viewer, panel, qtbot, tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", np.eye(20, dtype=np.uint8))
    (tmp_path / "hard.tif").hardlink_to(tmp_path / "cells.tif")
    (tmp_path / "soft.tif").symlink_to("new/../cells.tif")
    viewer.open(tmp_path / "cells.tif")
    labels = viewer.add_labels(np.eye(20, dtype=np.uint16))
    for name in ("cells.tif", "new/../cells.tif", "hard.tif", "soft.tif"):
        export(qtbot, panel, tmp_path / name)
        assert "is an image that is open here" in panel.job.status.text()
        with pytest.raises(UnetError, match="is an image that is open here"):
            write_labels_layer(str(tmp_path / name), labels.data, {})
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "cells.tif"), np.eye(20))
