"""What a mask says of its settings is what was done."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.source import Source
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings

STACK = np.zeros((3, 32, 32))
STACK[:, 5:15, 5:15] = 1


def facts(model, settings=None, image=STACK, axes="ZYX", **options):
    plan = finish(plan_segmentation(Source.of(image, axes), model, settings, **options))
    said = segmentation_provenance(plan, source="cells.tif")
    assert json.loads(json.dumps(said)) == said
    return said["settings"]


def test_objects_that_were_joined_say_along_which_axes(bright_model):
    assert facts(bright_model, SegmentationSettings(join="Z"))["join"] == "Z"
    assert facts(bright_model)["join"] == ""
    one_plane = {"Z": (1, 2)}
    assert facts(bright_model, SegmentationSettings(join="Z"), region=one_plane)["join"] == ""


@pytest.mark.parametrize("by_model", [False, True])
@pytest.mark.parametrize("by_user", [False, True])
def test_rotations_are_told_whoever_asked_for_them(bright_model, by_model, by_user):
    model = replace(bright_model, spec=replace(bright_model.spec, rotations=by_model))
    settings = SegmentationSettings(prediction=PredictionSettings(rotations=by_user))
    assert facts(model, settings)["rotations"] is (by_model or by_user)


def test_thresholds_and_channels_are_those_of_the_run(bright_model):
    settings = SegmentationSettings(core_threshold=0.8, edge_threshold=0.6, min_size=3, channels=(1,), zoom=0.5)
    said = facts(bright_model, settings, image=np.stack([STACK, STACK]), axes="CZYX")
    assert (said["core_threshold"], said["edge_threshold"], said["min_size"]) == (0.8, 0.6, 3)
    assert (said["channels"], said["channel"], said["zoom"]) == ([1], 1, 0.5)
