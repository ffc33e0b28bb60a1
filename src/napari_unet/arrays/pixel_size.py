"""PixelSize: how far apart neighbouring pixels are, per named axis, whatever the order of an array's axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from napari_unet.errors import UnetError

MIN_UM, MAX_UM = 1e-6, 1e9
"""Valid lengths in um, a picometre and a kilometre; files could not keep others either."""
MIN_SECONDS, MAX_SECONDS = 1e-9, 1e9
"""Valid frame intervals in seconds, a nanosecond and thirty years."""
LENGTHS = "ZYX"


def _is_length(size: object) -> bool:
    return isinstance(size, float | int | np.number) and bool(MIN_UM <= size <= MAX_UM)


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Distance of neighbouring pixels: um along Z, Y and X, seconds along T.

    Attributes
    ----------
    by_axis
        The axes that are known; holds Y and X unless it holds T alone.
    stated
        False where lengths have no unit and are taken for um.
    """

    by_axis: Mapping[str, float]
    stated: bool = True

    @classmethod
    def known(cls, by_axis: Mapping[str, float | None], *, stated: bool = True) -> Self | None:
        """Return what is known of some axes, None where that is nothing; Y stands in for X, and X for Y."""
        sizes = {axis: float(size) for axis, size in by_axis.items() if size is not None and axis in "TZYX"}
        for axis, other in ("YX", "XY"):
            if axis not in sizes and other in sizes:
                sizes[axis] = sizes[other]
        if "X" not in sizes:
            sizes.pop("Z", None)
        return cls(sizes, stated) if sizes else None

    @classmethod
    def of(cls, given: PixelSize | Sequence[float] | None, axes: str) -> PixelSize | None:
        """Return um given as (Y, X), or (Z, Y, X) where an image has Z, in this order whatever that of `axes`."""
        if given is None or isinstance(given, PixelSize):
            return given
        spatial = [axis for axis in LENGTHS if axis in axes]
        given = tuple(given) if isinstance(given, Iterable) else (given,)
        if len(given) != len(spatial) or not all(map(_is_length, given)):
            raise UnetError(
                f"pixel_size must be {len(spatial)} numbers from {MIN_UM:g} to {MAX_UM:g} um for axes {axes}, "
                f"got {given}: give one for each of {' '.join(spatial)}, or None"
            )
        return cls(dict(zip(spatial, map(float, given), strict=True)))

    def get(self, axis: str) -> float | None:
        """Return um along Z, Y or X, or seconds along T; None where unknown."""
        return self.by_axis.get(axis)

    @property
    def um(self) -> tuple[float, ...]:
        """Return the known lengths in the order Z, Y, X."""
        return tuple(self.by_axis[axis] for axis in LENGTHS if axis in self.by_axis)

    def within(self, axes: str) -> PixelSize | None:
        """Return what is known of the axes of an image; None where that is nothing."""
        return PixelSize.known({axis: self.get(axis) for axis in axes}, stated=self.stated)

    def lengths(self, axes: str) -> tuple[float, ...] | None:
        """Return um along the axes Z, Y, X that an image has, an unknown Z as Y; None if all are unknown."""
        if "X" not in self.by_axis:
            return None
        return tuple(self.by_axis.get(axis, self.by_axis["Y"]) for axis in LENGTHS if axis in axes)

    def require_valid(self) -> None:
        """Refuse what no image can have, and what a file could not keep."""
        for axis, size in self.by_axis.items():
            low, high, unit = (MIN_SECONDS, MAX_SECONDS, "s") if axis == "T" else (MIN_UM, MAX_UM, "um")
            if not low <= size <= high:
                raise UnetError(f"the pixel size along {axis} must be {low:g} to {high:g} {unit}, got {size:g}")
