"""What is shown of a run before it is done lies where it belongs, and what is looked at comes first."""

import numpy as np
import pytest

from napari_unet.arrays.map_part import MapPart
from napari_unet.arrays.source import Source
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.segmentation import run_plan
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model


def parts_of(image, zoom, region, place, axes="YX", tile=16):
    """Return the parts that a run shows, in their order."""
    model, parts = make_bright_model(), []
    settings = SegmentationSettings(zoom=zoom, prediction=PredictionSettings(tile=tile))
    plan = finish(plan_segmentation(Source.of(image, axes), model, settings, region=region))
    steps = run_plan(plan, model, looked_at=lambda: place)
    finish(steps, lambda step: parts.append(step.preview) if isinstance(step.preview, MapPart) else None)
    return parts


def painted(part, picture):
    """Write a part where it says that it lies."""
    sides = []
    for axis, length in zip("YX", part.values.shape, strict=True):
        start, stop = part.box[axis]
        at = np.arange(max(0, start), min(stop, picture.shape[0]))
        sides.append((at, ((at - start) * length / (stop - start)).astype(int)))
    picture[np.ix_(*(at for at, _ in sides))] = part.values[np.ix_(*(seen for _, seen in sides))]


@pytest.mark.parametrize("region", [None, {"Y": (80, 200), "X": (96, 220)}])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_parts_lie_where_they_belong_and_the_nearest_comes_first(zoom, region):
    image = np.zeros((256, 256), np.uint8)
    image[100:140, 120:180] = 200
    parts = parts_of(image, zoom, region, {"Y": 121.0, "X": 150.0}, tile=32)
    picture = np.zeros_like(image)
    for part in parts:
        painted(part, picture)
    rows, columns = np.nonzero(picture > 127)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (100, 139, 120, 179)
    middles = [np.array([sum(part.box[axis]) / 2 for axis in "YX"]) for part in parts]
    away = [np.linalg.norm(middle - (121, 150)) for middle in middles]
    assert away[0] == min(away)


def test_where_nobody_looks_tiles_come_in_order():
    parts = parts_of(np.eye(64, dtype=np.uint8), 1.0, None, {})
    assert [part.box for part in parts] == sorted((part.box for part in parts), key=lambda b: (b["Y"], b["X"]))


def test_parts_say_of_which_plane_they_are():
    image = np.zeros((3, 32, 32), np.uint8)
    image[1] = np.eye(32) * 200
    parts = parts_of(image, 1.0, None, {"Z": 1.0, "Y": 16.0, "X": 16.0}, axes="ZYX")
    assert {part.index["Z"] for part in parts} == {0, 1, 2}
    assert all(part.values.max() < 127 for part in parts if part.index["Z"] != 1)
