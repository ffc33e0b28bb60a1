"""GeoJSON as QuPath has it: labels as annotations, and annotations, corrected there, as outlines.

Coordinates are pixels along the edges of pixels. QuPath reads the plane out of the geometry, and keeps names,
classes and measurements when it writes the objects again (File > Export objects as GeoJSON).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.arrays.outlines import Part, Ring, trace
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.large_json import read_large_json
from napari_unet.files.outline_file import (
    Outline,
    OutlineFile,
    PlacedLabels,
    from_polygons,
    name_of,
    read_facts,
)
from napari_unet.files.provenance import KEY, encode

PLANE = {"C": "c", "Z": "z", "T": "t"}
"""QuPath's names of the axes; c is -1 where an object belongs to all channels."""
AREAS = {"Polygon": 1, "MultiPolygon": 2}
"""Geometries that have an area, and how deep lists of rings lie within their coordinates."""


def write_geojson(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
) -> None:
    """Write labels as GeoJSON, one feature an object and plane; parameters as of `write_labels`."""
    with atomic_path(path) as temporary:
        placed = PlacedLabels.of(labels, axes=axes, pixel_size=pixel_size, provenance=provenance, origin=origin)
        with temporary.open("w", encoding="ascii") as file:
            file.write('{"type": "FeatureCollection", "features": [')
            between = "\n"
            for where, plane in placed.planes():
                for number, parts in trace(plane).items():
                    feature = _as_feature(number, parts, where, placed.corner, placed.classes)
                    file.write(between + json.dumps(feature, separators=(",", ":")))
                    between = ",\n"
            file.write(f'\n], "{KEY}": {encode(placed.facts.as_json())}}}\n')


def read_geojson(path: Path, found: Any = None) -> OutlineFile:
    """Read areas out of GeoJSON; `found` is what the file holds, where it was read already."""
    found = read_large_json(path) if found is None else found
    features = _features(found)
    try:
        outlines = [_as_outline(one) for one in features if _geometry(one).get("type") in AREAS]
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise UnetError(f"{path.name} holds polygons that are none: export it as GeoJSON again") from None
    if not outlines:
        raise UnetError(f"{path.name} holds no polygons: in QuPath, choose File > Export objects as GeoJSON")
    facts = read_facts(found.get(KEY)) if isinstance(found, dict) else None
    return OutlineFile(path=path, outlines=outlines, facts=facts, left_out=len(features) - len(outlines))


def _as_feature(
    number: int,
    parts: Sequence[Part],
    at: Mapping[str, int],
    corner: tuple[int, int],
    classes: Sequence[str] | None,
) -> dict[str, Any]:
    """Return an object of a plane as QuPath's annotation."""
    polygons = [
        # the outer ring goes round counterclockwise, holes the other way (RFC 7946)
        [_closed(part.outer + corner), *(_closed(hole[::-1] + corner) for hole in part.holes)]
        for part in parts
    ]
    name = name_of(number, classes)
    properties: dict[str, Any] = {"objectType": "annotation", "name": name, "measurements": {"label": number}}
    if classes is not None:
        known = classes[number] if number < len(classes) else name
        properties["classification"] = {"name": known}
    one = len(polygons) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if one else "MultiPolygon",
            "coordinates": polygons[0] if one else polygons,
            "plane": {"c": -1, "z": 0, "t": 0} | {PLANE[axis]: index for axis, index in at.items()},
        },
        "properties": properties,
    }


def _closed(ring: npt.NDArray[np.int64]) -> list[list[int]]:
    """Return a ring as GeoJSON has it: its first corner is its last one, too."""
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]


def _features(found: Any) -> list[Any]:
    """Return the features of a collection, a list or a single one; geometries by themselves count as such."""
    if isinstance(found, dict):
        inner = found.get("features", found.get("geometries"))
        found = inner if isinstance(inner, list) else [found]
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _geometry(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    geometry = feature.get("geometry", feature)
    return geometry if isinstance(geometry, dict) and isinstance(geometry.get("type"), str) else {}


def _as_outline(feature: Mapping[str, Any]) -> Outline:
    """Return a feature as an outline; TypeError, ValueError and others where it holds something else."""
    geometry = _geometry(feature)
    nested = geometry["coordinates"]
    polygons = [nested] if geometry["type"] == "Polygon" else nested
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    plane = geometry.get("plane")
    stated = {axis: _inner(plane, key) for axis, key in PLANE.items()}
    return Outline(
        pixels=from_polygons([[_ring(ring) for ring in rings] for rings in polygons]),
        name=_text(properties.get("name")) or _label(properties.get("measurements")),
        category=_text(_inner(properties.get("classification"), "name")),
        at={axis: index for axis, index in stated.items() if type(index) is int and index >= 0},
    )


def _ring(corners: Any) -> Ring:
    """Return a ring (N, 2); a third coordinate, which some programs write, is left out."""
    ring = np.array([corner[:2] for corner in corners], np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise ValueError("it is no ring")
    return ring


def _label(measurements: Any) -> str:
    """Return the id among an object's measurements as text, where it has no name."""
    number = _inner(measurements, "label")
    return f"{number:.0f}" if isinstance(number, int | float) and 0 < number < 2**31 else ""


def _inner(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
