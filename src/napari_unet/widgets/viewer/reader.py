"""File > Open of microscopes' own files, which napari alone does not read: calibrated layers, one a channel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info

from napari_unet.errors import UnetError
from napari_unet.files.images import read_image
from napari_unet.files.kinds import FOREIGN, kind_of

LayerData = tuple[Any, dict[str, Any], str]


def reader_of(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Return what reads a file, None where it is none of a microscope; several files are left to others."""
    if not isinstance(path, str):
        return None
    try:
        return read_layers if kind_of(Path(path)) in FOREIGN else None
    except UnetError:
        return None


def read_layers(path: str) -> list[LayerData]:
    """Return the layers of a microscope's file, lazy; UnetError where its reader is not installed."""
    import dask.array as da

    image = read_image(path)
    for remark in image.remarks:
        show_info(f"{Path(path).name}: {remark}")
    array = da.from_array(image.array, chunks=image.array.chunks, name=False)  # type: ignore[no-untyped-call]
    size, stem = image.calibration, Path(path).stem
    kept = [axis for axis in image.axes if axis not in "CS"]
    sizes = {axis: size.get(axis) if size is not None else None for axis in kept}
    options: dict[str, Any] = {
        "name": stem,
        "axis_labels": tuple(kept),
        "scale": tuple(sizes[axis] or 1.0 for axis in kept),
        "units": tuple(("s" if axis == "T" else "um") if sizes[axis] else "pixel" for axis in kept),
    }
    if "C" in image.axes:
        options["channel_axis"] = image.axes.index("C")
        if names := image.source.channel_names:
            options["name"] = [f"{stem} {name}" for name in names]
    elif names := image.source.channel_names:
        options["name"] = f"{stem} {names[0]}"
    return [(array, options, "image")]
