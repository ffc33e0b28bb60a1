"""A mask says enough of itself to be made again, by the command, by Python, and by `reproduce`."""

import numpy as np
import pytest
import tifffile

from napari_unet.cli import main
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import write_labels
from napari_unet.methods_text import methods_paragraph, python_script
from napari_unet.models.library import load_model
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.stored import settings_in
from tests.conftest import make_bright_model

OPTIONS = ["--zoom", "2", "--core", "0.6", "--edge", "0.4", "--smallest", "3", "--range", "10,200"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, an image of two channels, and the mask of the second one."""
    folder = tmp_path_factory.mktemp("study")
    make_bright_model().save(folder / "bright.safetensors")
    rng = np.random.default_rng(0)
    image = rng.integers(0, 90, (2, 48, 64)).astype(np.uint8)
    image[1, 5:15, 5:20] = image[1, 20:40, 30:50] = image[1, 3:9, 40:60] = 220
    tifffile.imwrite(folder / "image.tif", image, metadata={"axes": "CYX"})
    words = ["segment", folder / "image.tif", "--model", folder / "bright.safetensors", "--channel", "1", *OPTIONS]
    assert main([*map(str, words), "--output", str(folder / "mask.tif")]) == 0
    return folder


def reproduce(folder, mask="mask.tif", *more):
    model = ["--model", str(folder / "bright.safetensors")]
    return main(["reproduce", str(folder / mask), "--image", str(folder / "image.tif"), *model, *more])


def edited(folder, change):
    """Write the mask after a change, beside what its provenance says; return its name."""
    mask = read_labels(folder / "mask.tif")
    labels, facts = mask.array.copy(), dict(mask.metadata["provenance"])
    change(labels, facts)
    write_labels(folder / "edited.tif", labels, axes="YX", pixel_size=None, provenance=facts)
    return "edited.tif"


def test_a_mask_is_made_again_and_is_identical(folder, capsys):
    assert len(np.unique(read_labels(folder / "mask.tif").array)) == 4
    assert reproduce(folder) == 0
    assert "mask.tif: identical: every pixel is the same" in capsys.readouterr().out


def test_what_a_person_edited_is_told_apart(folder, capsys):
    def erase(labels, facts):
        labels[labels == 2] = 0
        facts["edited_by_hand"] = {"changed": 0, "added": 0, "removed": 1}

    assert reproduce(folder, edited(folder, erase)) == 0
    assert "identical but for what was edited by hand: 1 removed" in capsys.readouterr().out


def test_an_object_that_was_drawn_is_no_excuse_for_another_one(folder, capsys):
    def draw(labels, facts):
        labels[44:47, 2:9] = 9
        facts["edited_by_hand"] = {"changed": 0, "added": 1, "removed": 0}
        facts["objects"] = {"drawn": [9], "edited": []}

    def draw_and_change(labels, facts):
        draw(labels, facts)
        labels[44:47, 2:9] = 0
        labels[44:47, 20:29] = 8

    assert reproduce(folder, edited(folder, draw)) == 0
    assert "identical but for what was edited by hand: 1 added" in capsys.readouterr().out
    assert reproduce(folder, edited(folder, draw_and_change)) == 1
    assert "not identical: 1 added; the mask says that by hand were 1 added" in capsys.readouterr().out


def test_a_mask_that_differs_otherwise_is_not_identical(folder, capsys):
    def change(labels, facts):
        labels[labels == 2] = 0
        facts["version"] = "0.0.9"

    assert reproduce(folder, edited(folder, change)) == 1
    said = capsys.readouterr()
    assert "not identical: 1 removed" in said.out
    assert "made by version 0.0.9" in said.err


def test_a_part_of_an_image_is_made_again_at_its_place(folder, capsys):
    from napari_unet.progress import finish
    from napari_unet.provenance import segmentation_provenance
    from napari_unet.segmentation import segment_steps

    model = load_model(folder / "bright.safetensors")
    image = tifffile.imread(folder / "image.tif")
    settings = SegmentationSettings(channels=(1,))
    part = finish(segment_steps(image, model, axes="CYX", settings=settings, region={"Y": (16, 48), "X": (8, 40)}))
    facts = segmentation_provenance(part.plan, source="image.tif")
    origin = dict(zip(part.axes, part.origin, strict=True))
    assert any(origin.values())
    write_labels(folder / "part.tif", part.labels, axes="YX", pixel_size=None, provenance=facts, origin=origin)
    assert reproduce(folder, "part.tif") == 0
    assert "identical: every pixel" in capsys.readouterr().out
    region = {
        axis: (start, start + side) for (axis, start), side in zip(origin.items(), part.labels.shape, strict=True)
    }
    names = {}
    script = python_script(facts, folder / "image.tif", folder / "bright.safetensors", region=region)
    exec(script, names)
    assert (names["labels"] == part.labels).all()


@pytest.mark.parametrize("mask", ["image.tif", "edited.tif"])
def test_a_mask_that_says_nothing_cannot_be_made_again(folder, mask, capsys):
    edited(folder, lambda labels, facts: facts.pop("settings"))
    assert reproduce(folder, mask) == 1
    said = capsys.readouterr().err
    assert "does not say" in said or "colour" in said
    assert len(said.splitlines()) == 1


def test_another_model_is_refused(folder, capsys):
    given = ["reproduce", str(folder / "mask.tif"), "--image", str(folder / "image.tif")]
    assert main(given) == 1
    assert "is not in the library" in capsys.readouterr().err
    assert main([*given, "--model", "nuclei"]) == 1
    assert "was made by another bright" in capsys.readouterr().err


def test_the_script_makes_the_same_mask(folder):
    mask = read_labels(folder / "mask.tif")
    script = python_script(mask.metadata["provenance"], folder / "image.tif", folder / "bright.safetensors")
    names = {}
    exec(script, names)
    assert (names["labels"] == mask.array).all()
    assert names["settings"] == settings_in(mask.metadata["provenance"])


def test_the_paragraph_names_model_settings_edits_and_sources(folder):
    facts = read_labels(folder / "mask.tif").metadata["provenance"]
    spec = load_model("nuclei").spec
    text = methods_paragraph({**facts, "edited_by_hand": {"changed": 2, "added": 0}}, spec)
    assert "model bright" in text
    assert facts["model_sha256"][:12] in text
    assert "zoom 2, core probability 0.6, edge probability 0.4, smallest object in pixels 3" in text
    assert "BBBC038v1" in text
    assert "CC0-1.0" in text
    assert "corrected by hand: 2 changed." in text
    assert "10.1007/978-3-319-24574-4_28" in text
    assert "Falk" not in text
    falk = methods_paragraph(
        facts,
        load_model(folder / "bright.safetensors").spec.__class__(
            name="x", architecture="padded", arguments={}, training={"start": "Falk et al. (Caffe)"}
        ),
    )
    assert "[3] Falk T et al." in falk
