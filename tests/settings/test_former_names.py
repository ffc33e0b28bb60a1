"""Files that were written before thresholds got their present names."""

import json

from safetensors import safe_open

from napari_unet.files.provenance import read_provenance
from napari_unet.files.tiff import write_labels
from napari_unet.models.library import SHIPPED
from napari_unet.models.spec import HEADER, ModelSpec
from napari_unet.settings.former_names import THRESHOLDS, with_present_names
from napari_unet.settings.instances import InstanceSettings

FORMER = {"seed": 0.4, "mask": 0.25, "minimum_size": 8, "kept": 0.75, "certainty": 0.47}
PRESENT = InstanceSettings(
    core_threshold=0.4, edge_threshold=0.25, min_size=8, min_core_share=0.75, min_mean_probability=0.47
)


def test_the_shipped_models_have_the_former_names_and_are_read():
    for path in sorted(SHIPPED.glob("*.safetensors")):
        if path.stem in ("cells", "cells-phase", "nuclei-3d"):  # written under the present names
            continue
        with safe_open(path, framework="numpy") as file:
            header = file.metadata()[HEADER]
        stored = json.loads(header)["instances"]
        assert stored.keys() == FORMER.keys()
        read = ModelSpec.from_json(header)
        assert {name: getattr(read.instances, THRESHOLDS[name]) for name in stored} == stored
        written = json.loads(read.to_json())["instances"]
        assert written.keys() == InstanceSettings.model_fields.keys()
        assert ModelSpec.from_json(read.to_json()) == read


def test_former_thresholds_are_the_present_ones():
    assert InstanceSettings(**with_present_names(FORMER)) == PRESENT
    assert with_present_names(PRESENT.model_dump()) == PRESENT.model_dump()


def test_seed_beside_present_names_is_that_of_random_draws():
    assert with_present_names({"seed": 3, "core_threshold": 0.5}) == {"seed": 3, "core_threshold": 0.5}


def test_provenance_of_masks_that_were_written_before_is_read_with_present_names(tmp_path, touching_cells):
    path = tmp_path / "mask.tif"
    former = {"model": "nuclei", "settings": {"zoom": 0.5, **FORMER}}
    write_labels(path, touching_cells, axes="YX", pixel_size=None, provenance=former)
    wanted = {"model": "nuclei", "settings": {"zoom": 0.5, **PRESENT.model_dump()}}
    assert read_provenance(path) == wanted
