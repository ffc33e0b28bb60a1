"""COCO: labels as the JSON that programs for training read, one image a plane, and such files as outlines.

Objects are written as runs of pixels (RLE): COCO's polygons have no holes, and its programs round them. The runs
are plain numbers, which every reader of COCO takes; compressed ones are read too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.outline_file import (
    Facts,
    Outline,
    OutlineFile,
    Pixels,
    PlacedLabels,
    from_polygons,
    name_of,
    read_facts,
)
from napari_unet.files.provenance import KEY, encode

MAX_SIDE = 2**24
"""Of an image, in pixels."""


def write_coco(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
) -> None:
    """Write labels as COCO JSON, one annotation an object and plane; parameters as of `write_labels`."""
    with atomic_path(path) as temporary:
        placed = PlacedLabels.of(labels, axes=axes, pixel_size=pixel_size, provenance=provenance, origin=origin)
        classes = placed.classes
        source = (provenance or {}).get("source")
        file_name = source if isinstance(source, str) else Path(path).name
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for where, plane in placed.planes():
            images.append(_as_image(len(images) + 1, file_name, plane.shape, where))
            for number, about in _objects(plane):
                category = number if classes is not None else 1
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images),
                        "category_id": category,
                        "attributes": {"name": name_of(number, classes)},
                        **about,
                    }
                )
        found = {
            "info": {
                "description": "labels of napari-unet-interactive",
                KEY: json.loads(encode(placed.facts.as_json())),
            },
            "images": images,
            "annotations": annotations,
            "categories": _categories(classes, {one["category_id"] for one in annotations}),
        }
        temporary.write_text(json.dumps(found, separators=(",", ":")), encoding="ascii")


def read_coco(path: Path, found: Mapping[str, Any]) -> OutlineFile:
    """Return the outlines in what a COCO file holds; UnetError in a sentence where it cannot be used."""
    try:
        places = {one["id"]: _place_of(one) for one in found["images"]}
        names = {one["id"]: str(one["name"]) for one in found.get("categories", ())}
        outlines = [_as_outline(one, places, names) for one in found["annotations"] if one.get("segmentation")]
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise UnetError(f"{path.name} holds annotations that are none of COCO: export it again") from None
    if not outlines:
        raise UnetError(f"{path.name} holds no segmentation: export masks or polygons, not boxes alone")
    info = found.get("info")
    facts = read_facts(info.get(KEY)) if isinstance(info, dict) else None
    facts = facts or _of_one_image(list(places.values()))
    left_out = len(found["annotations"]) - len(outlines)
    return OutlineFile(path=path, outlines=outlines, facts=facts, left_out=left_out)


def _of_one_image(places: Sequence[tuple[int, int, dict[str, int]]]) -> Facts | None:
    """Return what the file of another program says of its only image; None where it holds several."""
    return Facts(axes="YX", shape=places[0][:2]) if len(places) == 1 else None


def _as_image(number: int, name: str, shape: Sequence[int], at: Mapping[str, int]) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": shape[0], "width": shape[1], "plane": dict(at)}


def _categories(classes: Sequence[str] | None, used: set[int]) -> list[dict[str, Any]]:
    if classes is None:
        return [{"id": 1, "name": "object"}]
    named = dict(enumerate(classes))
    return [
        {"id": number, "name": named.get(number, name_of(number, ()))} for number in sorted(used | {*named} - {0})
    ]


def _objects(plane: npt.NDArray[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield id, and segmentation, area and box of every object of a plane (Y, X)."""
    from scipy import ndimage

    numbers, dense = np.unique(plane, return_inverse=True)
    dense = dense.reshape(plane.shape) + (numbers[0] != 0)  # 0 is background, also where there is none
    boxes = ndimage.find_objects(dense)
    for at, (rows, columns) in enumerate(boxes, start=1):
        mask = dense[rows, columns] == at
        runs = _runs(mask, rows.start, columns.start, plane.shape[0])
        counts = np.diff([0, *runs.tolist(), plane.size])
        yield (
            int(numbers[at - (numbers[0] != 0)]),
            {
                "segmentation": {"size": list(plane.shape), "counts": counts.tolist()},
                "area": int(mask.sum()),
                "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
                "iscrowd": 0,
            },
        )


def _runs(mask: npt.NDArray[np.bool_], row: int, column: int, height: int) -> npt.NDArray[np.int64]:
    """Return where the runs of a mask start and stop, counted down one column after another."""
    padded = np.pad(mask.T, ((0, 0), (1, 1))).astype(np.int8)
    columns, rows = np.nonzero(np.diff(padded, axis=1))
    edges = (columns + column) * height + rows + row
    going_on = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1  # from the foot of a column to the next one
    return np.asarray(np.delete(edges, np.concatenate([going_on, going_on + 1])), np.int64)


def _place_of(image: Mapping[str, Any]) -> tuple[int, int, dict[str, int]]:
    """Return height, width and the place of the plane that an image is."""
    height, width, plane = image["height"], image["width"], image.get("plane")
    if not all(type(side) is int and 0 < side < MAX_SIDE for side in (height, width)):
        raise ValueError("it has no size")
    at = plane if isinstance(plane, dict) else {}
    known = {axis: at[axis] for axis in "TCZ" if type(at.get(axis)) is int and at[axis] >= 0}
    return height, width, known


def _as_outline(
    annotation: Mapping[str, Any], places: Mapping[Any, tuple[int, int, dict[str, int]]], names: Mapping[Any, str]
) -> Outline:
    """Return an annotation as an outline; ValueError and others where it is none."""
    height, width, at = places[annotation["image_id"]]
    about = annotation.get("attributes")
    name = about.get("name") if isinstance(about, dict) else None
    found = annotation["segmentation"]
    return Outline(
        pixels=_from_runs(found, height, width) if isinstance(found, dict) else _from_flat(found),
        name=name if isinstance(name, str) else "",
        category=names.get(annotation.get("category_id"), ""),
        at=at,
    )


def _from_flat(polygons: Any) -> Callable[..., Pixels]:
    """Return the `pixels` of COCO's polygons: lists of x, y, x, y, ..."""
    return from_polygons([[np.array(polygon, np.float64).reshape(-1, 2)] for polygon in polygons])


def _from_runs(found: Mapping[str, Any], height: int, width: int) -> Callable[..., Pixels]:
    """Return the `pixels` of runs; ValueError where they do not fill the image."""
    counts = found["counts"]
    runs = np.asarray(_decompressed(counts) if isinstance(counts, str) else counts)
    fits = runs.ndim == 1 and runs.dtype.kind in "iu" and bool((runs >= 0).all())
    if not fits or list(found["size"]) != [height, width] or sum(runs.tolist()) != height * width:
        raise ValueError("its runs are not those of its image")
    edges = np.cumsum(runs.astype(np.int64))
    if len(edges) % 2 == 0:  # the last run is of the object
        edges = np.append(edges, height * width)
    pairs = np.stack([edges[:-1:2], edges[1::2]], axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]

    def pixels(shape: tuple[int, int], _: tuple[int, int]) -> Pixels:  # the images are the labels' own planes
        if shape != (height, width):
            raise UnetError(f"its image is {height} x {width} pixels, this one is {shape[0]} x {shape[1]}")
        if not len(pairs):
            return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
        start, stop = int(pairs[0, 0]) // height, (int(pairs[-1, 1]) - 1) // height + 1
        change = np.zeros((stop - start) * height + 1, np.int8)
        np.add.at(change, pairs[:, 0] - start * height, 1)
        np.add.at(change, pairs[:, 1] - start * height, -1)
        inside = np.cumsum(change[:-1], dtype=np.int8).astype(bool).reshape(stop - start, height).T
        return (slice(0, height), slice(start, stop)), inside

    return pixels


def _decompressed(text: str) -> list[int]:
    """Return the runs in COCO's text: 5 bits a letter from "0" on, differences to the last but one run."""
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        code = letter - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError("it is no run-length text")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
