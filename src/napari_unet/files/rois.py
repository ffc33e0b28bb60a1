"""ImageJ ROIs: labels as the zip file that its ROI Manager opens, and such files, corrected there, as outlines.

Outlines run along the edges of pixels, whose corners ImageJ counts in whole numbers, so that its masks have the
same pixels. An object with holes or several parts is one composite ROI. The ROI Manager calls a ROI by the name of
its file. What ImageJ has no place for stands in the comment of the archive; it keeps none when it saves again.
"""

from __future__ import annotations

import json
import logging
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.arrays.outlines import Part, trace
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.file_errors import damaged, not_a, unreadable
from napari_unet.files.json_text import parse_json
from napari_unet.files.openable import first_bytes, require_regular_file
from napari_unet.files.outline_file import (
    Facts,
    Outline,
    OutlineFile,
    PlacedLabels,
    from_polygons,
    name_of,
    read_facts,
)
from napari_unet.files.provenance import KEY, encode

SUFFIX = ".roi"
MAX_ROIS, MAX_ROI_BYTES, MAX_BYTES = 2**20, 2**24, 2**28
"""ROIs of a file, bytes of one, and of all: a million objects of 60 corners; an outline of two million corners."""
MAX_INTEGER = 32767
"""The largest coordinate that ImageJ keeps as a whole number without wrapping it; larger ones are float."""
MAX_COMMENT = 2**16 - 1
MOVE, LINE, CLOSE = 0.0, 1.0, 4.0
"""Steps of ImageJ's shapes (java.awt.geom.PathIterator)."""
OVAL_POINTS = 720
"""Corners that stand for an oval: at 1000 pixels across no pixel's centre lies between both."""
FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, TypeError, ValueError, ArithmeticError,
    AttributeError, AssertionError, RuntimeError, MemoryError,
)  # fmt: skip
"""What reading something else as a zip file or a ROI raises."""


def write_rois(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
) -> None:
    """Write labels as a zip file of ImageJ ROIs, whole or not at all; parameters as of `write_labels`."""
    with atomic_path(path) as temporary:
        placed = PlacedLabels.of(labels, axes=axes, pixel_size=pixel_size, provenance=provenance, origin=origin)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
            for where, plane in placed.planes():
                for number, parts in trace(plane).items():
                    name = name_of(number, placed.classes) + _suffix(where)
                    roi = _as_roi(parts, name, where, placed.corner)
                    roi.group = number if placed.classes is not None and number < 256 else 0
                    file.writestr(zipfile.ZipInfo(f"{name}{SUFFIX}"), roi.tobytes(), zipfile.ZIP_DEFLATED)
            file.comment = _comment(placed.facts)


def read_rois(path: str | Path) -> OutlineFile:
    """Read a zip file of ImageJ ROIs, or a single .roi file; UnetError in a sentence where that fails."""
    path = Path(path)
    size = require_regular_file(path)
    head = first_bytes(path)
    if not head.startswith((b"Iout", b"PK")):
        raise not_a("zip file of ImageJ ROIs", path)
    try:
        if head.startswith(b"Iout"):
            _require_bounded(path, [size])
            return _as_file(path, [(path.stem, path.read_bytes())], b"")
        with zipfile.ZipFile(path) as file:
            return _as_file(path, _members(path, file), file.comment)
    except UnetError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except FAULTS:
        raise damaged(path) from None


def _members(path: Path, file: zipfile.ZipFile) -> list[tuple[str, bytes]]:
    """Return name and content of the ROIs in an archive; sizes are checked before anything is unpacked."""
    rois = [member for member in file.infolist() if member.filename.lower().endswith(SUFFIX)]
    if not rois:
        raise UnetError(f"{path.name} holds no ImageJ ROIs: in ImageJ's ROI Manager, press More > Save")
    _require_bounded(path, [member.file_size for member in rois])
    return [(Path(member.filename).name[: -len(SUFFIX)], file.read(member)) for member in rois]


def _require_bounded(path: Path, sizes: Sequence[int]) -> None:
    """Refuse more or larger ROIs, of some sizes in bytes, than any image needs."""
    if len(sizes) > MAX_ROIS or max(sizes) > MAX_ROI_BYTES or sum(sizes) > MAX_BYTES:
        raise UnetError(
            f"{path.name} holds {len(sizes)} ROIs of {sum(sizes)} bytes, the largest of {max(sizes)}; at most "
            f"{MAX_ROIS}, {MAX_BYTES} and {MAX_ROI_BYTES} are read: save fewer or simpler ROIs"
        )


def _as_file(path: Path, members: Sequence[tuple[str, bytes]], comment: bytes) -> OutlineFile:
    """Return the outlines of ROIs."""
    import roifile

    logging.getLogger("roifile").setLevel(logging.CRITICAL)  # what is wrong is said here, in one sentence
    found = [_as_outline(roifile.ImagejRoi.frombytes(content), name) for name, content in members]
    outlines = [one for one in found if one is not None]
    if not outlines:
        raise UnetError(f"{path.name} holds no ROI with an area: draw outlines, not points or lines")
    return OutlineFile(path=path, outlines=outlines, facts=_facts(comment), left_out=len(found) - len(outlines))


def _facts(comment: bytes) -> Facts | None:
    try:
        found = parse_json(comment)
    except ValueError:
        return None
    return read_facts(found.get(KEY)) if isinstance(found, dict) else None


def _comment(facts: Facts) -> bytes:
    """Return facts as an archive's comment; what made the labels is left out where that is too long for one."""
    values = facts.as_json()
    text = encode({KEY: values}).encode("ascii")
    if len(text) > MAX_COMMENT:
        text = json.dumps({KEY: {**values, "provenance": None}}).encode("ascii")
    return text


def _suffix(at: Mapping[str, int]) -> str:
    """Return what tells the ROIs of an object in several planes apart: positions from 1, as ImageJ counts."""
    return "".join(f"_{axis.lower()}{index + 1}" for axis, index in at.items())


def _as_roi(parts: Sequence[Part], name: str, at: Mapping[str, int], shift: tuple[int, int]) -> Any:
    """Return an object of a plane as an ImageJ ROI; `shift` is x, y of the plane's first pixel in the image."""
    from roifile import ROI_TYPE, ImagejRoi

    rings = [ring + np.array(shift) for part in parts for ring in (part.outer, *part.holes)]
    everywhere = np.concatenate(rings)
    (left, top), (right, bottom) = everywhere.min(axis=0).tolist(), everywhere.max(axis=0).tolist()
    roi = ImagejRoi(name=name, left=left, top=top, right=right, bottom=bottom, **_position(at))
    if len(rings) == 1 and max(right, bottom) <= MAX_INTEGER:
        roi.roitype = ROI_TYPE.TRACED
        roi.integer_coordinates = (rings[0] - [left, top]).astype(np.int32)
        roi.n_coordinates = len(rings[0])
    else:
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = np.concatenate([_as_path(ring) for ring in rings]).astype(np.float32)
        roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _as_path(ring: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the steps of ImageJ's shapes that go round a ring."""
    steps = np.column_stack([np.full(len(ring), LINE), ring])
    steps[0, 0] = MOVE
    return np.append(steps.ravel(), CLOSE)


def _position(at: Mapping[str, int]) -> dict[str, int]:
    """Return where ImageJ shows a ROI: of a hyperstack by axis, of a stack or series by the plane alone."""
    if len(at) == 1:
        return {"position": next(iter(at.values())) + 1}
    return {f"{axis.lower()}_position": index + 1 for axis, index in at.items()}


def _as_outline(roi: Any, name: str) -> Outline | None:
    """Return a ROI as an outline; None where it has no area."""
    rings = _rings_of(roi)
    if not rings:
        return None
    stated = {"T": roi.t_position, "C": roi.c_position, "Z": roi.z_position}
    at = {axis: position - 1 for axis, position in stated.items() if position > 0}
    plane = roi.position - 1 if not at and roi.position > 0 else None
    return Outline(pixels=from_polygons([rings]), name=name, at=at, plane=plane)


def _rings_of(roi: Any) -> list[npt.NDArray[np.float64]]:
    """Return the rings of a ROI with an area, none of others."""
    from roifile import ROI_TYPE

    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED) and roi.n_coordinates > 2:
        return [np.asarray(roi.coordinates(), np.float64)]
    if roi.roitype == ROI_TYPE.RECT and roi.multi_coordinates is not None:
        try:
            return [np.asarray(ring, np.float64) for ring in roi.coordinates(multi=True)]
        except NotImplementedError:  # curves
            return []
    if roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        return [_oval(*_bounds(roi)) if roi.roitype == ROI_TYPE.OVAL else _rectangle(*_bounds(roi))]
    return []


def _bounds(roi: Any) -> tuple[float, float, float, float]:
    if roi.subpixelrect:
        return roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd
    return roi.left, roi.top, roi.right, roi.bottom


def _rectangle(left: float, top: float, right: float, bottom: float) -> npt.NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _oval(left: float, top: float, right: float, bottom: float) -> npt.NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, OVAL_POINTS, endpoint=False)
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    centre, radius = np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2
    return np.asarray(centre + unit * radius, np.float64)
