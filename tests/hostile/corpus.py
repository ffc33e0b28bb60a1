"""Small files to read: sound ones to be damaged, and others made to do harm. Run it to look at them.

python -m tests.hostile.corpus FOLDER
"""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import imagecodecs
import numpy as np
import roifile
import tifffile
import torch
from PIL import Image
from safetensors.torch import save_file

from napari_unet.exchange import export_bioimageio
from napari_unet.files.label_formats import write_label_file
from napari_unet.files.session import SavedLayer, Session
from napari_unet.files.tiff import write_labels
from napari_unet.models.model import stored_weights
from napari_unet.models.spec import HEADER
from napari_unet.nets.optimization import Optimization, OptimizationSettings
from tests.conftest import make_bright_model
from tests.files.foreign import write_dicom, write_lif

PLANE = (np.arange(24 * 32) % 251).astype(np.uint8).reshape(24, 32)
STACK = np.stack([PLANE, PLANE.T.reshape(24, 32), 255 - PLANE])
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "'
    + "ha" * 500
    + '">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 30}">' for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + ']><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">&h;</OME>'
)
MODULO = (
    '<StructuredAnnotations><XMLAnnotation ID="A" Namespace="modulo"><Value><M><ModuloAlongZ Type="phase" '
    'Start="0" End="1e12" Step="1"/></M></Value></XMLAnnotation></StructuredAnnotations>'
)


def ome(sizes="", data='<TiffData IFD="0" PlaneCount="1"/>', around=""):
    """Return OME-XML of one image."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="32" SizeY="24" '
        f'{sizes or """SizeZ="1" SizeC="1" SizeT="1" """}>{data}</Pixels></Image>{around}</OME>'
    )


def sound_images(folder: Path) -> None:
    """Write images of all kinds that are read."""
    imwrite = tifffile.imwrite
    imwrite(folder / "plain.tif", PLANE)
    imwrite(folder / "big.btf", STACK, bigtiff=True, compression="zlib", metadata=None)
    imwrite(folder / "imagej.tif", STACK, imagej=True, resolution=(2, 2), metadata={"unit": "um", "axes": "ZYX"})
    imwrite(folder / "stack.ome.tif", STACK, ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.5})
    imwrite(folder / "lzw.tif", STACK, compression="lzw", tile=(16, 16), predictor=True)
    imwrite(folder / "jpeg.tif", np.stack([PLANE] * 3, -1), compression="jpeg", photometric="rgb")
    imwrite(folder / "palette.tif", PLANE, photometric="palette", colormap=np.arange(768).reshape(3, 256)[::-1])
    imwrite(folder / "bits.tif", PLANE > 100)
    imwrite(folder / "big_endian.tif", STACK.astype(np.uint16), byteorder=">")
    facts = {"model": "nuclei", "classes": ["a", "b"], "values": "classes", "settings": {"zoom": 1.0}}
    write_labels(folder / "mask.tif", PLANE, axes="YX", pixel_size=(1, 1), provenance=facts)
    write_labels(folder / "mask.ome.tif", PLANE.astype(int) * 999, axes="YX", pixel_size=(1, 1), provenance=facts)
    for name, mode in (
        ("grey.png", "L"),
        ("colour.png", "RGB"),
        ("photo.jpg", "RGB"),
        ("palette.png", "P"),
        ("old.bmp", "L"),
    ):
        Image.fromarray(PLANE).convert(mode).save(folder / name)
    np.save(folder / "array.npy", STACK.astype(np.float32))
    frames = [Image.fromarray(plane) for plane in STACK]
    for name in ("film.gif", "film.webp", "raw.ppm", "old.pcx", "raw.tga"):
        frames[0].save(
            folder / name, **({"save_all": True, "append_images": frames[1:]} if "film" in name else {})
        )
    (folder / "deep.jp2").write_bytes(imagecodecs.jpeg2k_encode(PLANE.astype(np.uint16) * 99, level=0))
    write_lif(folder / "scenes.lif", [np.stack([STACK, STACK])] * 2)  # refused where bioio is not installed
    if find_spec("pydicom") is not None:
        write_dicom(folder / "stack.dcm", STACK, PixelSpacing=[0.5, 0.25])


def sound_models(folder: Path) -> None:
    """Write a model, a checkpoint, weights of PyTorch and a package."""
    model = make_bright_model()
    spec = replace(model.spec, training={"replay": "nuclei_replay", "data": "x"}, sizes=(10.0, 20.0))
    replace(model, spec=spec).save(folder / "model.safetensors")
    Optimization(model.net, OptimizationSettings(), iterations=1, device=torch.device("cpu")).save(
        folder / "a.checkpoint", {"of": 1}
    )
    torch.save(model.net.state_dict(), folder / "weights.pt")
    export_bioimageio(model, folder / "package.zip")
    make_bright_model(axes="ZYX").save(folder / "volume.safetensors")


def sound_session(folder: Path) -> None:
    """Write a session with two layers."""
    layers = [SavedLayer(key=key, arrays={"values": PLANE, "prediction": PLANE}, about={}) for key in ("a", "b")]
    about = {
        "name": "x",
        "entry": {"role": "result", "axes": "YX"},
        "place": {"scale": [1, 1]},
        "units": ["um", "um"],
    }
    Session(folder / "session").write(layers, {"a": about, "b": about}, {"seconds": 7})


def sound_outlines(folder: Path) -> None:
    """Write outlines in all formats that are read."""
    labels = np.stack([PLANE, PLANE[::-1]]) // 50
    for name in ("cells.zip", "cells.geojson", "cells.json", "cells.zarr"):
        write_label_file(folder / name, labels, axes="ZYX", pixel_size=(1, 1, 1), provenance={"model": "nuclei"})
    square = np.array([[1, 1], [9, 1], [9, 9], [1, 9]])
    (folder / "square.roi").write_bytes(roifile.ImagejRoi.frompoints(square.astype(float)).tobytes())


def hostile_outlines(folder: Path) -> None:
    """Write outlines that were made to do harm."""
    square = roifile.ImagejRoi.frompoints(np.array([[1, 1], [9, 1], [9, 9]])).tobytes()
    rois = {
        "count": square[:16] + b"\0\0\x7f\xff\xff\xff" + square[22:],
        "below": square[:16] + b"\0\0\xff\xff\xff\xff" + square[22:],
        "shape": square[:6] + b"\x01" + square[7:36] + b"\x7f\xff\xff\xff" + square[40:],
        "header": square[:60] + b"\x7f\xff\xff\xff" + square[64:],
        "short": square[:70],
    }
    for name, content in rois.items():
        (folder / f"{name}.roi").write_bytes(content)
    with zipfile.ZipFile(folder / "rois_bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(40):
            file.writestr(f"{number}.roi", bytes(2**24))
    giant = [[0, 0], [1e9, 1e9]] * 500
    texts = {
        "nan.geojson": '{"type":"Polygon","coordinates":[[[0,0],[NaN,1],[1,1]]]}',
        "deep.geojson": "[" * 10**5,
        "nested.geojson": '{"type":"MultiPolygon","coordinates":' + "[" * 900 + "]" * 900 + "}",
        "digits.geojson": '{"type":"Polygon","coordinates":[[[0,0],[' + "9" * 5000 + ",1],[1,1]]]}",
        "giant.geojson": json.dumps({"type": "Polygon", "coordinates": [giant]}),
        "named.geojson": json.dumps({"type": "Polygon", "coordinates": [giant], "properties": {"name": "9" * 99}}),
        "shape.geojson": '{"type":"Polygon","coordinates":[],"napari_unet":'
        '{"axes":"YX","shape":[99999999,99999999]}}',
        "runs.json": '{"images":[{"id":1,"height":16777215,"width":16777215}],"annotations":[{"image_id":1,'
        '"segmentation":{"size":[16777215,16777215],"counts":[0,281474943156225]}}]}',
        "below.json": '{"images":[{"id":1,"height":9,"width":9}],"annotations":[{"image_id":1,"segmentation":'
        '{"size":[9,9],"counts":[90,-9]}}]}',
        "text.json": '{"images":[{"id":1,"height":9,"width":9}],"annotations":[{"image_id":1,"segmentation":'
        '{"size":[9,9],"counts":"' + "o" * 10**5 + '"}}]}',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def hostile_images(folder: Path) -> None:
    """Write images that were made to do harm."""
    many = 'SizeZ="1000000000" SizeC="1" SizeT="1"'
    texts = {
        "laughs": LAUGHS,
        "planes": ome(many),
        "count": ome(data='<TiffData IFD="0" PlaneCount="2000000000"/>'),
        "first": ome('SizeZ="2" SizeC="1" SizeT="1"', '<TiffData FirstZ="1" IFD="0" PlaneCount="999999999"/>'),
        "below": ome('SizeZ="-5" SizeC="1" SizeT="1"'),
        "digits": ome('SizeZ="' + "9" * 5000 + '" SizeC="1" SizeT="1"'),
        "text": ome('SizeZ="many" SizeC="1" SizeT="1"'),
        "none": ome(sizes=" "),
        "others": ome(data=named("../../../etc/passwd") + named("plain.tif")),
        "pipe": ome(data=named("pipe.tif")),
        "folder": ome(data=named("session")),
        "device": ome(data=named("/dev/zero")),
        "itself": ome(data=named("itself.ome.tif") * 50),
        "deep": ome(around="<a>" * 20_000 + "</a>" * 20_000),
        "json": ome(around=f'<MapAnnotation><Value><M K="napari_unet">{"[" * 10**5}</M></Value></MapAnnotation>'),
        "modulo": ome(around=MODULO),
    }
    for name, text in texts.items():
        tifffile.imwrite(folder / f"{name}.ome.tif", PLANE, description=text, metadata=None)
    infos = {
        "images": "ImageJ=1.54f\nimages=1000000000\nslices=1000000000\nloop=false\n",
        "hyper": "ImageJ=1.54f\nimages=6\nchannels=2000000\nslices=30000\nhyperstack=true\n",
        "shaped": json.dumps({"shape": [10**9, 10**9, 24, 32]}),
        "shaped_deep": '{"shape": ' + "[" * 10**5,
        "info": "ImageJ=1.54f\nunit=\\u00B5m\nspacing=1e400\nInfo=" + "x" * 10**5,
        "escape": "ImageJ=1.54f\nunit=\x1b[2J\nmin=\x1b]0;x\x07\n",
    }
    for name, text in infos.items():
        tifffile.imwrite(folder / f"{name}.tif", PLANE, description=text, metadata=None)
    loop(folder / "loop.tif")
    huge(folder / "huge.tif")
    (folder / "one.npy").write_bytes(npy("<u2", "(1000000000, 1000000000)"))
    (folder / "object.npy").write_bytes(npy("|O", "(2, 2)"))
    (folder / "below.npy").write_bytes(npy("<u2", "(-2, 2)"))
    (folder / "code.npy").write_bytes(npy("<u2", "__import__('os').system('touch /tmp/executed')"))
    (folder / "bomb.png").write_bytes(png(60_000, 60_000))


def named(name):
    """Return the OME-XML of a plane in another file."""
    return f'<TiffData IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{abs(hash(name))}</UUID></TiffData>'


def loop(path):
    """Write a TIFF whose second page is its first."""
    tifffile.imwrite(path, PLANE, metadata=None)
    content = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", content, 4)[0]
    tags = struct.unpack_from("<H", content, start)[0]
    struct.pack_into("<I", content, start + 2 + 12 * tags, start)
    path.write_bytes(content)


def huge(path):
    """Write a TIFF of a few bytes that claims to be the largest image there is."""
    tifffile.imwrite(path, PLANE, metadata=None, compression="zlib")
    content = path.read_bytes()
    for tag, size in ((256, 32), (257, 24), (278, 24)):
        old = struct.pack("<HHIH", tag, 3, 1, size)
        if old not in content:
            old = struct.pack("<HHIHH", tag, 4, 1, size, 0)
        content = content.replace(old[:4], struct.pack("<HH", tag, 4)).replace(
            old[4:10], struct.pack("<IH", 1, 65535)
        )
    path.write_bytes(content)


def npy(descr, shape):
    """Return a .npy file of a few numbers with another header."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(100)


def png(width, height):
    """Return a PNG that claims a size."""
    file = io.BytesIO()
    Image.fromarray(PLANE).save(file, "PNG")
    content = bytearray(file.getvalue())
    import zlib

    struct.pack_into(">II", content, 16, width, height)
    struct.pack_into(">I", content, 29, zlib.crc32(content[12:29]))
    return bytes(content)


def hostile_models(folder: Path) -> None:
    """Write models and packages that were made to do harm."""
    model = make_bright_model()
    weights = stored_weights(model.net)
    values = json.loads(model.spec.to_json())
    changes = {
        "wide": {"arguments": {**values["arguments"], "base_channels": 2**40}},
        "levels": {"arguments": {**values["arguments"], "levels": 10**9}},
        "below": {"arguments": {**values["arguments"], "levels": -3}},
        "channels": {"arguments": {**values["arguments"], "in_channels": 10**12}},
        "replay": {"training": {"replay": "../../../../etc/passwd"}},
        "names": {"classes": ["\x1b[2J\n"] * 2, "name": "\x1b]0;x\x07"},
        "types": {"rotations": "yes", "normalization": {"low": [1]}, "zoom": {}, "sizes": "ab"},
        "many": {"classes": ["x"] * 10**5, "levels": []},
    }
    for name, change in changes.items():
        save_file(weights, folder / f"{name}.safetensors", {HEADER: json.dumps({**values, **change})})
    for name, text in {"deep": "[" * 10**5, "long": json.dumps({"a": "x" * 10**7}), "null": "null"}.items():
        save_file(weights, folder / f"{name}.safetensors", {HEADER: text})
    (folder / "header.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    (folder / "offsets.safetensors").write_bytes(
        struct.pack("<Q", 68)
        + b'{"a":{"dtype":"F32","shape":[1000000,1000],"data_offsets":[0,64]}}'.ljust(68)
        + bytes(64)
    )
    for name, text in {
        "merge": "a: &a {<<: *a}",
        "self": "&a [*a, *a]",
        "tag": "!!python/object/apply:os.system [ls]",
    }.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as package:
            package.writestr("rdf.yaml", text)


def build(folder: Path) -> None:
    """Write all of them."""
    for make in (sound_images, sound_models, sound_session, sound_outlines):
        (folder / "sound").mkdir(parents=True, exist_ok=True)
        make(folder / "sound")
    for make in (hostile_images, hostile_models, hostile_outlines):
        (folder / "hostile").mkdir(parents=True, exist_ok=True)
        make(folder / "hostile")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
