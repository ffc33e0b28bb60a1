"""ImageJ ROIs, GeoJSON and COCO: what is written comes back as the same pixels, and other programs read it."""

import json
import zipfile

import numpy as np
import pytest
import roifile
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools.coco import COCO

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.label_formats import read_outlined_labels, read_outlines, write_label_file
from tests.conftest import drawn

SIZE = PixelSize({"T": 30.0, "Z": 2.0, "Y": 0.2, "X": 0.25})
CLASSES = {"model": "m", "values": "classes", "classes": ["background", "wall", "lumen / inner"]}
NAMES = ["a.zip", "a.geojson", "a.json"]
ODD = drawn("""
    11122.....
    1.122.33..
    11122.3.33
    ...2.4.3.3
    5.5...4333
    .5.6666...
""")
"""Touching objects, holes, objects of several parts, and parts that touch at a corner."""


def write(path, labels, axes="YX", size=None, provenance=None, origin=None):
    write_label_file(path, labels, axes=axes, pixel_size=size, provenance=provenance, origin=origin)
    return path


def image(labels, axes="YX"):
    return ImageFile(array=np.zeros(labels.shape, np.uint8), axes=axes)


@pytest.mark.parametrize("name", NAMES)
@given(labels=arrays(np.uint32, (2, 3, 5, 4), elements=st.sampled_from([0, 0, 1, 2, 3, 99_999])))
@settings(max_examples=8)
def test_labels_of_a_stack_in_time_come_back(tmp_path_factory, name, labels):
    labels[0, 0, 0, 0] = 1
    path = write(tmp_path_factory.mktemp("labels") / name, labels, "TZYX", SIZE, {"model": "m"})
    back = read_outlined_labels(path)
    assert (back.array == labels).all()
    assert (back.axes, back.calibration, back.metadata["provenance"]) == ("TZYX", SIZE, {"model": "m"})
    like = read_outlined_labels(path, image(labels, "TZYX"))
    assert (like.array == labels).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("axes", ["ZYX", "TYX", "CYX", "YXZ"])
def test_an_odd_plane_among_others_comes_back_with_its_ids(tmp_path, name, axes):
    labels = np.stack([ODD, ODD * 0, ODD[::-1]], axis=2 if axes == "YXZ" else 0)
    path = write(tmp_path / name, labels, axes)
    like = None if "C" in axes else image(labels, axes)  # of an image with channels labels have none
    assert (read_outlined_labels(path, like).array == labels).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_part_lies_where_it_lay_in_its_image(tmp_path, name):
    labels = np.stack([ODD, ODD[::-1]])
    origin = {"Z": 1, "Y": 2, "X": 3}
    path = write(tmp_path / name, labels, "ZYX", origin=origin)
    assert (read_outlined_labels(path).array == labels).all()
    if name != "a.json":  # COCO's image is the part
        whole = read_outlined_labels(path, image(np.zeros((4, 9, 14)), "ZYX")).array
        assert (whole[1:3, 2:8, 3:13] == labels).all()
        assert (whole > 0).sum() == (labels > 0).sum()


@pytest.mark.parametrize("name", NAMES)
def test_classes_keep_their_numbers_and_names(tmp_path, name):
    labels = np.minimum(ODD, 2)
    path = write(tmp_path / name, labels, provenance=CLASSES)
    assert (read_outlined_labels(path).array == labels).all()
    assert {one.name for one in read_outlines(path).outlines} == {"class_1_wall", "class_2_lumen-inner"}


def test_rois_are_named_and_placed_as_imagej_has_them(tmp_path):
    labels = np.zeros((3, 4, 8, 8), np.int32)
    labels[1, 2, 2:5, 3:6] = 7
    [roi] = roifile.roiread(write(tmp_path / "a.zip", labels, "TZYX"))
    assert (roi.name, roi.t_position, roi.z_position, roi.position) == ("object_7_t2_z3", 2, 3, 0)
    assert roi.roitype == roifile.ROI_TYPE.TRACED
    assert (roi.left, roi.top, roi.right, roi.bottom) == (3, 2, 6, 5)
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["object_7_t2_z3.roi"]
    [roi] = roifile.roiread(write(tmp_path / "b.zip", labels[1], "ZYX"))
    assert (roi.name, roi.position) == ("object_7_z3", 3)
    ring = drawn("111 1.1 111")
    [roi] = roifile.roiread(write(tmp_path / "c.zip", ring))
    assert roi.composite
    assert len(roi.coordinates(multi=True)) == 2


def test_rois_of_other_programs_become_objects(tmp_path):
    square = np.array([[1, 1], [4, 1], [4, 4], [1, 4]])
    rois = {
        "0012-0034": roifile.ImagejRoi.frompoints(square),  # a name that ImageJ gives
        "3": roifile.ImagejRoi.frompoints(np.add(square, [5.0, 0.0])),
        "oval": roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=10, top=10, right=16, bottom=14),
        "box": roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=0, top=15, right=3, bottom=17),
        "points": roifile.ImagejRoi(roitype=roifile.ROI_TYPE.POINT),
        "object_3-1": roifile.ImagejRoi.frompoints(np.add(square, [0, 6])),  # duplicated in the ROI Manager
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name, roi in rois.items():
            file.writestr(f"{name}.roi", roi.tobytes())
    back = read_outlined_labels(tmp_path / "a.zip", image(np.zeros((20, 20))))
    assert back.metadata["left_out"] == 1
    labels = back.array
    assert (labels[1:4, 6:9] == 3).all()
    assert sorted(np.unique(labels)) == [0, 3, 4, 5, 6, 7]
    assert (labels[15:17, :3] == labels[16, 1]).all()
    assert 16 <= (labels == labels[12, 13]).sum() <= 20  # pi 3 2 = 18.8
    (tmp_path / "one.roi").write_bytes(rois["3"].tobytes())
    assert (read_outlined_labels(tmp_path / "one.roi", image(np.zeros((20, 20)))).array > 0).sum() == 9


def test_an_outline_without_a_plane_belongs_to_all_of_them(tmp_path):
    path = write(tmp_path / "a.zip", ODD)
    stack = read_outlined_labels(path, image(np.zeros((3, *ODD.shape)), "ZYX")).array
    assert (stack == ODD).all()


def test_geojson_is_what_qupath_reads(tmp_path):
    labels = np.stack([ODD * 0, ODD])
    found = json.loads(write(tmp_path / "a.geojson", labels, "ZYX").read_text())
    assert found["type"] == "FeatureCollection"
    for feature in found["features"]:
        number = feature["properties"]["measurements"]["label"]
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert shape.area == (number == ODD).sum()
        assert feature["geometry"]["plane"] == {"c": -1, "z": 1, "t": 0}
        assert feature["properties"]["name"] == f"object_{number}"
    classes = json.loads(write(tmp_path / "b.geojson", np.minimum(ODD, 2), provenance=CLASSES).read_text())
    names = {one["properties"]["classification"]["name"] for one in classes["features"]}
    assert names == {"wall", "lumen / inner"}


def test_what_qupath_writes_again_comes_back(tmp_path):
    """It leaves out what it does not know, gives ids of its own, and a person draws and names new objects."""
    labels = np.minimum(ODD, 2)
    found = json.loads(write(tmp_path / "a.geojson", labels, provenance=CLASSES).read_text())["features"]
    for feature in found:
        feature["id"] = "9d2e5b0c"
    square = [[[20, 1], [23, 1], [23, 3], [20, 3], [20, 1]]]
    drawn_there = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": square},
        "properties": {"objectType": "annotation", "classification": {"name": "wall"}},
    }
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}}
    (tmp_path / "b.geojson").write_text(json.dumps([*found, drawn_there, point]))
    back = read_outlined_labels(tmp_path / "b.geojson", image(np.zeros((6, 30))))
    assert (back.array[:, :10] == labels).all()
    assert (back.array[1:3, 20:23] == 1).all()  # its class tells
    assert back.metadata["left_out"] == 1


def test_coco_is_what_pycocotools_reads(tmp_path, capsys):
    labels = np.stack([ODD, ODD[::-1].copy()])
    labels[1, :, 9] = 9  # runs go on from the foot of a column to the head of the next one
    labels[1, :, 8] = 9
    coco = COCO(write(tmp_path / "a.json", labels, "TYX"))
    assert len(coco.getImgIds()) == 2
    for annotation in coco.loadAnns(coco.getAnnIds()):
        at = coco.loadImgs(annotation["image_id"])[0]["plane"]["T"]
        number = int(annotation["attributes"]["name"].removeprefix("object_"))
        mask = coco.annToMask(annotation).astype(bool)
        assert (mask == (labels[at] == number)).all()
        assert annotation["area"] == mask.sum()
    # and what it compresses is read
    found = json.loads((tmp_path / "a.json").read_text())
    for annotation in found["annotations"]:
        annotation["segmentation"]["counts"] = coco.annToRLE(annotation)["counts"].decode()
    (tmp_path / "b.json").write_text(json.dumps(found))
    assert (read_outlined_labels(tmp_path / "b.json").array == labels).all()


def test_coordinates_beyond_those_of_imagejs_whole_numbers_are_kept(tmp_path):
    labels = np.zeros((3, 70_000), np.uint8)
    labels[1:, 40_000:40_003] = 1
    labels[:2, 69_000:] = 2
    path = write(tmp_path / "a.zip", labels)
    assert (read_outlined_labels(path).array == labels).all()


def test_a_large_hand_drawn_outline_of_many_corners_is_kept(tmp_path):
    labels = np.zeros((2, 70_000), np.uint8)
    labels[0], labels[1, ::2] = 1, 1  # a comb of 140,000 corners
    path = write(tmp_path / "a.zip", labels[:, :32_000])
    assert (read_outlined_labels(path).array == labels[:, :32_000]).all()


def test_outlines_of_another_image_are_refused(tmp_path):
    labels = np.stack([ODD] * 3)
    path = write(tmp_path / "a.zip", labels, "ZYX")
    with pytest.raises(UnetError, match=r"object_1_z3 lies at Z = 2, the image has 2 there"):
        read_outlined_labels(path, image(labels[:2], "ZYX"))


def test_without_an_image_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "a.roi").write_bytes(roifile.ImagejRoi.frompoints(np.array([[1, 1], [4, 1], [4, 4]])).tobytes())
    with pytest.raises(UnetError, match="how large its image is"):
        read_outlined_labels(tmp_path / "a.roi")


HOSTILE = {
    "nan.geojson": '{"type":"Polygon","coordinates":[[[0,0],[NaN,1],[1,1]]]}',
    "far.geojson": '{"type":"Polygon","coordinates":[[[0,0],[1e300,1],[1,1]]]}',
    "flat.geojson": '{"type":"Polygon","coordinates":[1,2,3]}',
    "none.geojson": '{"type":"Polygon","coordinates":null}',
    "text.geojson": '{"type":"Polygon","coordinates":[[["a","b"],["c","d"],["e","f"]]]}',
    "deep.geojson": "[" * 100_000,
    "nested.geojson": '{"type":"Polygon","coordinates":' + "[" * 900 + "]" * 900 + "}",
    "digits.geojson": '{"type":"Polygon","coordinates":[[[0,0],[' + "9" * 5000 + ",1],[1,1]]]}",
    "empty.geojson": "[]",
    "number.geojson": "7",
    "negative.json": '{"images":[{"id":1,"height":9,"width":9}],"annotations":[{"image_id":1,"segmentation":'
    '{"size":[9,9],"counts":[90,-9]}}]}',
    "many.json": '{"images":[{"id":1,"height":9,"width":9}],"annotations":[{"image_id":1,"segmentation":'
    '{"size":[9,9],"counts":[9999999999999999999,1]}}]}',
    "huge.json": '{"images":[{"id":1,"height":1e9,"width":1e9}],"annotations":[]}',
    "letters.json": '{"images":[{"id":1,"height":9,"width":9}],"annotations":[{"image_id":1,"segmentation":'
    '{"size":[9,9],"counts":"ooooooooooooooooooooooooooooooo"}}]}',
    "lists.json": '{"images":[[]],"annotations":[[]]}',
    "facts.geojson": '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]],"napari_unet":{"axes":"YX",'
    '"shape":[2000000000,2000000000]}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_in_a_sentence(tmp_path, name):
    (tmp_path / name).write_text(HOSTILE[name])
    like = None if name == "facts.geojson" else image(np.zeros((9, 9)))
    with pytest.raises(UnetError) as refused:
        read_outlined_labels(tmp_path / name, like)
    assert len(str(refused.value)) < 400


def test_hostile_archives_are_refused_in_a_sentence(tmp_path):
    path = write(tmp_path / "a.zip", ODD)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(UnetError):
            read_outlined_labels(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.roi", bytes(2**25))
    assert path.stat().st_size < 2**16
    with pytest.raises(UnetError, match="save fewer or simpler ROIs"):
        read_outlined_labels(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "no ROI")
    with pytest.raises(UnetError, match="no ImageJ ROIs"):
        read_outlined_labels(path)


def test_polygons_of_another_program_say_themselves_how_large_their_image_is(tmp_path):
    square = {"image_id": 7, "category_id": 1, "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]]}
    found = {
        "images": [{"id": 7, "file_name": "a.png", "height": 8, "width": 9}],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{"id": 1, **square}],
    }
    (tmp_path / "a.json").write_text(json.dumps(found))
    labels = read_outlined_labels(tmp_path / "a.json")
    assert (labels.axes, labels.array.shape, np.count_nonzero(labels.array)) == ("YX", (8, 9), 12)
    found["images"].append({"id": 8, "file_name": "b.png", "height": 8, "width": 9})
    (tmp_path / "b.json").write_text(json.dumps(found))
    with pytest.raises(UnetError, match="--like"):
        read_outlined_labels(tmp_path / "b.json")
