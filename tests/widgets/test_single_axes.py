"""Axes of length 1 part nothing: such images are segmented at once, and their labels lie over them."""

from typing import ClassVar

import numpy as np
import pytest
from napari.layers import Image

from napari_unet.errors import UnetError
from napari_unet.files.images import read_labels
from napari_unet.widgets.viewer.layers import ChannelsBetweenError, read_layer
from napari_unet.widgets.viewer.placing import placement
from tests.conftest import make_bright_model
from tests.widgets.conftest import PLUGIN, click, wait_until_done
from tests.widgets.segmenting import nuclei_image


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((1, 1, 1, 32, 40), "tczyx", "CZYX"),
        ((5, 1, 32, 40), "zcyx", "ZQYX"),
        ((32, 40, 1), "yxc", "YXQ"),
        ((1, 2, 1, 32, 40), "tczyx", "CZYX"),
        ((4, 32, 40, 1), "tyxc", "TYXQ"),
        ((1, 3, 32, 40), "pzyx", "ZYX"),
        ((32, 40, 1), None, "YXQ"),
        ((5, 32, 40, 1), None, "ZYXQ"),
        ((1, 1, 5, 32, 40), None, "CZYX"),
        ((1, 1, 2, 1, 5, 32, 40), None, "TQZYX"),
        ((1, 1, 1, 3, 5, 32, 40), None, "CZYX"),
        ((1, 1, 40), None, "ZYX"),
    ],
)
def test_they_are_left_out_or_kept_where_labels_need_them(shape, labels, axes):
    layer = Image(np.zeros(shape, np.uint8), axis_labels=tuple(labels) if labels else None)
    read = read_layer(layer)
    assert read.axes == axes
    assert read.array.shape == shape[len(shape) - len(axes) :]
    kept = axes.replace("C", "")
    assert len(placement(layer, axes, kept, [0] * len(kept))["scale"]) == len(kept)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5, 32, 40), (5, 2, 4, 32, 40)])
def test_longer_ones_are_not_left_out(shape):
    with pytest.raises(UnetError):
        read_layer(Image(np.zeros(shape, np.uint8)))


def test_channels_of_some_length_still_part_planes():
    with pytest.raises(ChannelsBetweenError):
        read_layer(Image(np.zeros((3, 2, 8, 8)), axis_labels=tuple("zcyx")))


def test_typed_axes_may_leave_leading_ones_out():
    layer = Image(np.zeros((1, 1, 3, 8, 8)))
    assert read_layer(layer, "tyx").axes == "TYX"
    with pytest.raises(UnetError):
        read_layer(Image(np.zeros((2, 1, 3, 8, 8))), "tyx")


def test_an_array_that_is_read_where_it_is_sliced_stays_so():
    class Lazy:
        shape, dtype, ndim = (1, 1, 2, 16, 16), np.dtype(np.uint8), 5
        asked: ClassVar[list] = []

        def __getitem__(self, key):
            self.asked.append(key)
            return np.zeros(self.shape, np.uint8)[key]

    from napari_unet.widgets.viewer.layers import _without_leading

    array = Lazy()
    less = _without_leading(array, 2)
    assert (less.shape, less.ndim) == ((2, 16, 16), 3)
    assert array.asked == []
    assert less[1, :4].shape == (4, 16)
    assert less[0].shape == (16, 16)
    assert np.asarray(less).shape == (2, 16, 16)


def test_they_are_segmented_at_a_click_painted_and_exported(make_napari_viewer, qtbot, tmp_path, user_folder):
    viewer = make_napari_viewer()
    (user_folder / "models").mkdir(parents=True)
    make_bright_model().save(user_folder / "models" / "bright.safetensors")
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    _, teach = viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")
    _, export = viewer.window.add_plugin_dock_widget(PLUGIN, "Export")
    panel.model.choose_name("bright")
    plane = nuclei_image((64, 80))
    shapes = {"zcyx": np.stack([plane, plane])[:, None], "yxc": plane[..., None], "tczyx": plane[None, None, None]}
    for labels, data in shapes.items():
        image = viewer.add_image(data, axis_labels=tuple(labels), scale=[2.0] * data.ndim)
        assert "channels lie between" not in panel.line.text()
        assert panel.split.isHidden()
        click(qtbot, panel.job.start_button)
        wait_until_done(qtbot, panel)
        result = viewer.layers[-1]
        assert panel.job.status.text().startswith("Done"), panel.job.status.text()
        assert result.data.shape == data.shape[-result.ndim :]
        corner = [0] * (data.ndim - result.ndim)
        np.testing.assert_allclose(
            result.data_to_world([1] * result.ndim),
            image.data_to_world([*corner, *[1] * result.ndim])[-result.ndim :],
        )
        qtbot.waitUntil(lambda layer=result: layer.visible)
        result.data_setitem(np.nonzero(result.data == 1), 0)
        [paint] = [one for one in teach._paints() if one.of == str(image.unique_id)]
        assert paint.values.shape == result.data.shape
        export.labels.value = result
        export.path.setText(str(tmp_path / f"{labels}.tif"))
        click(qtbot, export.job.start_button)
        wait_until_done(qtbot, export)
        assert read_labels(tmp_path / f"{labels}.tif").array.size == data.size
        viewer.layers.clear()
