"""The preview of a model of volumes shows the plane in view: bodies that it cuts are found whole."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.progress import finish
from napari_unet.segmentation import segment
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.widgets.teach.shown_plane import USUAL_DEPTH, planes_beside, times_the_plane, with_planes_beside
from napari_unet.widgets.teach.work import segment_region
from napari_unet.widgets.viewer.layers import LayerImage
from tests.conftest import make_bright_model

RADIUS = 5


@pytest.fixture(scope="module")
def model():
    """Finds bright bodies of 300 voxels and more, of which a plane holds at most 79."""
    bright = make_bright_model(axes="ZYX")
    spec = replace(bright.spec, instances=bright.spec.instances.replace(min_size=300))
    return replace(bright, spec=spec)


@pytest.fixture(scope="module")
def balls():
    """Two balls at different depths in a volume of 30 planes."""
    z, y, x = np.indices((30, 40, 40))
    near = [((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) <= RADIUS**2 for a, b, c in ((14, 12, 12), (17, 28, 28))]
    return (np.any(near, axis=0) * 200.0).astype(np.float32)


@pytest.mark.parametrize(("plane", "count"), [(11, 1), (15, 2), (20, 1), (28, 0)])
def test_a_plane_shows_what_the_whole_volume_has_there(model, balls, plane, count):
    image = LayerImage(array=balls, axes="ZYX", named=True)
    region = {"Z": (plane, plane + 1), "Y": (0, 40), "X": (0, 40)}
    shown = finish(segment_region(model, image, region, FineTuningSettings(device="cpu")))
    whole = segment(balls, model, axes="ZYX")
    assert (shown.labels.shape, shown.origin, shown.axes, shown.count) == (
        (1, 40, 40),
        (plane, 0, 0),
        "ZYX",
        count,
    )
    np.testing.assert_array_equal(shown.labels[0] > 0, whole[plane] > 0)


def test_as_many_planes_are_seen_as_objects_are_deep(model):
    spec = model.spec
    assert (planes_beside(spec, ""), planes_beside(None, "ZYX"), planes_beside(None, "YX")) == (8, 8, 0)
    assert planes_beside(replace(spec, zoom=0.5), "") == 2 * USUAL_DEPTH
    thick = replace(spec, sizes=(10, 30), spacing=(2.5, 1, 1))
    assert planes_beside(thick, "") == 12
    assert times_the_plane(thick, "") == 25
    assert times_the_plane(make_bright_model().spec, "ZYX") == 1
    inside, beyond = {"Z": (1, 2), "Y": (0, 9)}, {"Z": (40, 41)}
    assert with_planes_beside(inside, spec, "ZYX", (30, 9, 9)) == {"Z": (0, 10), "Y": (0, 9)}
    assert with_planes_beside(beyond, spec, "ZYX", (30, 9, 9)) is beyond
