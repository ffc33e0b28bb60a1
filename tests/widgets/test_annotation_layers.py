"""What the buttons above the painted layers do to a layer, without a window."""

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.widgets.viewer.annotation_layers import add_ring
from napari_unet.widgets.viewer.notes import KEY


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "YXZ"])
def test_the_ring_stays_in_the_plane_that_was_painted(axes):
    planes = np.zeros((3, 40, 40), np.uint16)
    planes[1, 15:25, 15:25] = 2
    planes[2, 5:9, 5:9] = 1
    values = np.moveaxis(planes, 0, axes.index(next(iter(set(axes) - set("YX")))))
    layer = Labels(values.copy(), metadata={KEY: {"axes": axes}})
    added = add_ring(layer, None)
    ringed = np.moveaxis(layer.data, axes.index(next(iter(set(axes) - set("YX")))), 0)
    assert [(plane == 1).sum() for plane in ringed] == [0, added, 16]
    assert added == 4 * 2 * 10 + 4  # two wide, and one pixel of each corner
    layer.undo()
    np.testing.assert_array_equal(layer.data, values)
