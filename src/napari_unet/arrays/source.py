"""Source: a resolved image. Its axes, channels and pixel size are decided once, where the image comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_unet.arrays.axes import Region, check_axes, result_axes, result_shape
from napari_unet.arrays.image_array import as_image
from napari_unet.arrays.pixel_size import PixelSize


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """An image that can be sliced, and what is known of it; made by `files` or by a layer, never guessed again."""

    array: Any
    """Anything with shape and dtype that takes slices: NumPy, dask, Zarr, a lazy TIFF."""
    axes: str
    """One letter an axis out of T C Z Y X, S for RGB samples."""
    channel_names: tuple[str, ...] = ()
    """Names along C; empty where none are known."""
    pixel_size: PixelSize | None = None
    """um along Z, Y, X and seconds along T, as far as known; None where nothing is."""
    position: Mapping[str, float] | None = None
    """um along Z, Y, X (seconds along T) where the first pixel lies; None where nothing is known."""
    name: str = ""
    """What messages and provenance call it."""
    path: str = ""
    """The file that it comes from, empty for none."""

    @classmethod
    def of(cls, image: Any, axes: str | None = None, **facts: Any) -> Source:
        """Return the source of an array; UnetError where it is no image or its axes are unclear."""
        array = as_image(image)
        return cls(array=array, axes=check_axes(axes, array.shape), **facts)

    @property
    def lengths(self) -> dict[str, int]:
        """Return the length of each axis."""
        return dict(zip(self.axes, self.array.shape, strict=True))

    @property
    def channels(self) -> int:
        """Return how many channels the C axis has, 1 without one."""
        return self.lengths.get("C", 1)

    @property
    def label_axes(self) -> str:
        """Return the axes of labels of this image: without channels and samples."""
        return result_axes(self.axes)

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Return the shape of labels of this image."""
        return result_shape(self.axes, self.array.shape)

    def room(self, region: Region, spatial: str) -> tuple[list[int], int]:
        """Return the shape of the labels of a part of the image, and the pixels of one of its planes."""
        sides = {
            axis: max(0, min(length, stop) - max(0, start))
            for axis, length in self.lengths.items()
            for start, stop in [region.get(axis, (0, length))]
        }
        return [sides[axis] for axis in self.label_axes], math.prod(sides.get(axis, 1) for axis in spatial)
