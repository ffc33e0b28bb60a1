"""OME-Zarr of both versions: the finest array stays lazy, with its axes and the size of its pixels."""

import json
import os
import shutil

import numpy as np
import pytest
import zarr

from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.lazy_array import LazyArray
from napari_unet.files.zarr import fields_of

STACK = np.random.default_rng(0).integers(0, 4000, (2, 2, 3, 32, 40)).astype(np.uint16)
NAMES = ("t", "c", "z", "y", "x")
SCALE = [1.0, 1.0, 2.0, 500.0, 250.0]


def described(array, axes=NAMES, scale=SCALE):
    units = {"z": "micrometer", "y": "nanometer", "x": "nanometer"}
    return {
        "axes": [{"name": name, **({"unit": units[name]} if name in units else {})} for name in axes],
        "datasets": [
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
            for level in range(2)
        ],
        "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}],
    }


def write(path, array=STACK, version=2, axes=NAMES, scale=SCALE):
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    for level in range(2):
        group.create_array(str(level), data=array[..., :: 2**level, :: 2**level])
    known = {"multiscales": [described(array, axes, scale)]}
    group.attrs.update(known if version == 2 else {"ome": {**known, "version": "0.5"}})
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_the_finest_array_is_read_with_axes_and_pixel_size(tmp_path, version):
    image = read_image(write(tmp_path / "a.ome.zarr", version=version))
    assert isinstance(image.array, LazyArray)
    np.testing.assert_array_equal(image.array[:], STACK)
    assert image.axes == "TCZYX"
    assert image.pixel_size == pytest.approx((2, 0.5, 0.25))


def test_the_first_of_several_is_read_and_said(tmp_path):
    root = zarr.open_group(str(tmp_path / "many.zarr"), mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    for number in range(2):
        write(tmp_path / "many.zarr" / str(number), STACK + number)
    image = read_image(tmp_path / "many.zarr")
    assert image.remarks == ("the file holds 2 images: the first was read",)
    np.testing.assert_array_equal(image.array[:], STACK)
    np.testing.assert_array_equal(read_image(tmp_path / "many.zarr" / "1").array[:], STACK + 1)


def test_labels_within_an_image_are_labels(tmp_path):
    write(tmp_path / "a.zarr")
    labels = np.tile(np.arange(40, dtype=np.uint16), (32, 1))
    write(tmp_path / "a.zarr" / "labels" / "cells", labels, axes=("y", "x"), scale=[1.0, 1.0])
    read = read_labels(tmp_path / "a.zarr" / "labels" / "cells")
    np.testing.assert_array_equal(read.array, labels)
    assert read.array.dtype == np.int32


def test_what_is_no_image_gets_a_sentence(tmp_path):
    bare = zarr.create_array(str(tmp_path / "bare.zarr"), data=STACK[0, 0])
    with pytest.raises(UnetError, match=r"bare.zarr of shape .* give for example --axes ZYX"):
        read_image(tmp_path / "bare.zarr")
    np.testing.assert_array_equal(read_image(tmp_path / "bare.zarr", axes="zyx").array[:], bare[:])
    zarr.open_group(str(tmp_path / "group.zarr"), mode="w")
    with pytest.raises(UnetError, match="name the one in it"):
        read_image(tmp_path / "group.zarr")
    broken = write(tmp_path / "broken.zarr")
    zarr.open_group(str(broken)).attrs["multiscales"] = [{"axes": [], "datasets": []}]
    with pytest.raises(UnetError, match=r"cannot read broken.zarr as OME-Zarr"):
        read_image(broken)
    zarr.open_group(str(broken)).attrs["multiscales"] = [{**described(STACK), "datasets": [{"path": "none"}]}]
    with pytest.raises(UnetError, match=r"cannot read broken.zarr as OME-Zarr"):
        read_image(broken)
    (broken / ".zgroup").write_text("{")
    with pytest.raises(UnetError, match=r"cannot read broken.zarr as OME-Zarr"):
        read_image(broken)


def test_a_damaged_piece_does_not_stop_the_others(bright_model, tmp_path, capsys):
    zyx = {"axes": NAMES[2:], "scale": SCALE[2:]}
    damaged, whole = (write(tmp_path / name, STACK[0, 0], **zyx) for name in ("a.zarr", "plate.zarr/A/1"))
    for piece in (damaged / "0").rglob("0*"):
        if piece.is_file():
            piece.write_bytes(b"no piece")
    bright_model.save(tmp_path / "bright.safetensors")
    words = [str(damaged), str(whole), "--model", str(tmp_path / "bright.safetensors")]
    assert main(["segment", *words, "--output", str(tmp_path / "masks")]) == 1
    assert "cannot read a.zarr as OME-Zarr" in capsys.readouterr().err
    assert (tmp_path / "masks" / "plate_A_1_labels.tif").exists()


def test_a_folder_of_zarr_is_segmented_into_calibrated_masks(bright_model, tmp_path, capsys):
    image = np.zeros((1, 2, 1, 32, 40), np.uint16)
    image[0, 1, 0, 5:15, 5:15] = 900
    write(tmp_path / "images" / "a.ome.zarr", image)
    bright_model.save(tmp_path / "bright.safetensors")
    words = [
        "--model",
        str(tmp_path / "bright.safetensors"),
        "--channels",
        "1",
        "--output",
        str(tmp_path / "masks"),
    ]
    assert main(["segment", str(tmp_path / "images"), *words]) == 0
    mask = read_labels(tmp_path / "masks" / "a_labels.tif")
    np.testing.assert_array_equal(mask.array.squeeze() > 0, image[0, 1, 0] > 0)
    assert mask.pixel_size[-2:] == pytest.approx((0.5, 0.25))
    assert main(["info", str(tmp_path / "images" / "a.ome.zarr")]) == 0
    assert "TCZYX" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["zarr.json", "0/zarr.json", "0/c/0/0"])
def test_a_pipe_in_a_zarr_folder_is_a_sentence_and_never_waits(tmp_path, part):
    path = tmp_path / "a.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.create_array("0", data=np.ones((8, 8), np.uint8), chunks=(8, 8))
    scales = [{"type": "scale", "scale": [1, 1]}]
    axes = [{"name": name, "type": "space"} for name in "yx"]
    multiscales = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scales}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    assert np.asarray(read_image(path).array).all()
    (path / part).unlink()
    os.mkfifo(path / part)
    with pytest.raises(UnetError, match=r"is no file but a pipe|it is a folder"):
        np.asarray(read_image(path).array)


def write_plate(path, image, version=3, wells=("A/1", "B/12"), fields=2):
    """Write a plate of wells of fields, every field with one pixel that tells it from others."""
    inner = {"plate": {"wells": [{"path": name} for name in wells], "version": "0.4"}}
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    group.attrs.update(inner if version == 2 else {"ome": {**inner, "version": "0.5"}})
    for well in wells:
        inner = {"well": {"images": [{"path": str(field)} for field in range(fields)]}}
        made = zarr.open_group(str(path / well), mode="w", zarr_format=version)
        made.attrs.update(inner if version == 2 else {"ome": {**inner, "version": "0.5"}})
        for field in range(fields):
            write(path / well / str(field), image + field, version, axes=("y", "x"), scale=[1.0, 1.0])
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_a_plate_is_its_fields(bright_model, tmp_path, capsys, version):
    image = np.zeros((32, 40), np.uint16)
    image[5:15, 5:15] = 900
    plate = write_plate(tmp_path / "plates" / "p.ome.zarr", image, version)
    assert read_image(plate).remarks == ("the file holds 4 images: the first was read",)
    np.testing.assert_array_equal(read_image(plate / "B/12").array[:], image)
    model = str(bright_model.save(tmp_path / "bright.safetensors").path)
    for given, number in (
        (plate, 4),
        (plate / "A" / "1", 2),
        (tmp_path / "plates", 4),
        (tmp_path / "plates" / "*", 4),
    ):
        output = tmp_path / f"masks_{len(list(tmp_path.iterdir()))}"
        assert main(["segment", str(given), "--model", model, "--output", str(output)]) == 0
        names = [mask.name for mask in sorted(output.iterdir())]
        assert (
            names
            == [
                "p_A_1_0_labels.tif",
                "p_A_1_1_labels.tif",
                "p_B_12_0_labels.tif",
                "p_B_12_1_labels.tif",
            ][:number]
        )
        np.testing.assert_array_equal(read_labels(output / names[0]).array > 0, image > 0)


@pytest.mark.parametrize("name", ["../../secret", "/etc", "A/../../x", ""])
def test_a_plate_that_names_images_outside_its_folder_is_refused(tmp_path, name):
    write(tmp_path / "secret", STACK)
    plate = write_plate(tmp_path / "p.zarr", STACK[0, 0, 0])
    zarr.open_group(str(plate)).attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": name}]}}
    with pytest.raises(UnetError, match=r"cannot read p.zarr as OME-Zarr \(it names an image outside its folder"):
        read_image(plate)


@pytest.mark.parametrize("version", ["0.6", "0.6.dev1", "1.0"])
def test_a_later_version_is_refused_by_its_number(tmp_path, version):
    path = write(tmp_path / "a.zarr", version=3)
    group = zarr.open_group(str(path))
    group.attrs["ome"] = {**group.attrs["ome"], "version": version}
    with pytest.raises(
        UnetError, match=rf"a.zarr is OME-Zarr {version}, which cannot be read here: write it as .* 0.5"
    ):
        read_image(path)


def test_the_place_of_an_image_is_kept_up_to_its_mask(bright_model, tmp_path):
    image = np.zeros((32, 40), np.uint16)
    image[5:15, 5:15] = 900
    path = write(tmp_path / "a.zarr", image, axes=("y", "x"), scale=[1000.0, 250.0])
    known = described(image, ("y", "x"), [1000.0, 250.0])
    known["datasets"][0]["coordinateTransformations"].append({"type": "translation", "translation": [-7000, 500]})
    known["coordinateTransformations"] = [{"type": "scale", "scale": [2.0, 2.0]}]
    zarr.open_group(str(path)).attrs["multiscales"] = [known]
    read = read_image(path)
    assert read.pixel_size == pytest.approx((2, 0.5))
    assert read.metadata["position"] == pytest.approx({"Y": -14, "X": 1})
    model = str(bright_model.save(tmp_path / "bright.safetensors").path)
    for name in ("mask.tif", "mask.ome.tif"):
        assert main(["segment", str(path), "--model", model, "--output", str(tmp_path / name)]) == 0
        provenance = read_labels(tmp_path / name).metadata["provenance"]
        assert provenance["position"] == pytest.approx({"Y": -14, "X": 1})
    assert read_image(tmp_path / "mask.ome.tif").metadata["position"] == pytest.approx({"Y": -14, "X": 1})


@pytest.mark.parametrize("array", [np.zeros((4, 5), complex), np.zeros((4, 5), "M8[s]"), np.zeros((0, 5))])
def test_arrays_that_are_no_image_are_refused_before_anything_is_planned(tmp_path, array):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("0", shape=array.shape, dtype=array.dtype, chunks=(4, 5))
    group.attrs["multiscales"] = [{**described(array, ("y", "x"), [1.0, 1.0])}]
    with pytest.raises(UnetError, match=r"a.zarr holds (no image plane|.* values)"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("damage", ["missing", "no attributes", "no list"])
def test_a_well_that_cannot_be_read_stops_no_other(bright_model, tmp_path, capsys, damage):
    plate = write_plate(tmp_path / "p.zarr", np.zeros((32, 40), np.uint16), version=2, fields=1)
    if damage == "missing":
        shutil.rmtree(plate / "A" / "1")
    else:
        change = {} if damage == "no attributes" else {"well": {"images": 5}}
        (plate / "A" / "1" / ".zattrs").write_text(json.dumps(change))
    model = str(bright_model.save(tmp_path / "bright.safetensors").path)
    assert main(["segment", str(plate), "--model", model, "--output", str(tmp_path / "masks")]) == 1
    assert [mask.name for mask in (tmp_path / "masks").iterdir()] == ["p_B_12_0_labels.tif"]
    assert len(capsys.readouterr().err.strip().splitlines()) == 2  # one of them on a constant image
    assert read_image(plate).axes == "YX"


def test_a_well_that_is_listed_many_times_is_read_once(tmp_path):
    plate = write_plate(tmp_path / "p.zarr", np.zeros((32, 40), np.uint16), version=2, fields=1)
    wells = [{"path": "A/1"}] * 5000 + [{"path": "B/12"}]
    zarr.open_group(str(plate)).attrs["plate"] = {"wells": wells}
    assert fields_of(plate) == [plate / "A/1/0", plate / "B/12/0"]


@pytest.mark.parametrize("omero", [5, [], {"channels": 5}, {"channels": "ab"}, {"channels": [5, {"label": [1]}]}])
def test_odd_names_of_channels_cost_no_image(tmp_path, omero):
    path = write(tmp_path / "a.zarr")
    zarr.open_group(str(path)).attrs["omero"] = omero
    assert read_image(path).axes == "TCZYX"
