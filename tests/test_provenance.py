"""The command in the provenance chooses what was chosen."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_unet.cli import build_parser
from napari_unet.models.library import SHIPPED
from napari_unet.provenance import segment_command
from napari_unet.settings.offered import chosen
from napari_unet.settings.segmentation import SegmentationSettings

CHOICES = {
    "nothing": {},
    "thresholds": {"core_threshold": 0.123456789, "edge_threshold": 0.4, "min_size": 12},
    "range": {"intensity": {"range": ((100.0, 4000.0), (0.5, 255.0))}},
    "percentiles": {"intensity": {"percentiles": ((1.0, 99.8),)}},
    "volumes": {"prediction": {"tile": (16, 128, 128)}},
    "run": {"prediction": {"tile": 512, "precision": "fast", "rotations": True, "device": "cpu"}, "join": "ZT"},
}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize(("zooms", "zoom"), [((0.5, 0.5), 0.5), ((1.0, 0.25, 0.25), (1.0, 0.25, 0.25))])
def test_the_command_line_understands_it_as_it_was_chosen(choice, zooms, zoom):
    settings = SegmentationSettings(**CHOICES[choice])
    plan = SimpleNamespace(model_path=SHIPPED / "nuclei.safetensors", zoom=zooms)
    words = shlex.split(segment_command(plan, settings, "/data/cells 1.tif", channels=(2,)))
    given = build_parser("segment").parse_args(words[1:])
    assert (given.input, given.model, given.channels) == (["/data/cells 1.tif"], "nuclei", "2")
    assert chosen(SegmentationSettings(), "segment", vars(given)) == settings.replace(zoom=zoom, channels=(2,))


def test_a_model_of_another_folder_is_named_by_its_path():
    plan = SimpleNamespace(model_path=Path("/models/mine.safetensors"), zoom=(1.0, 1.0))
    assert "--model /models/mine.safetensors" in segment_command(plan, SegmentationSettings(), "a.tif")
