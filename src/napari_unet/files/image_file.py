"""ImageFile: what every reader of this room returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image as its file holds it, and what the file says about it.

    Attributes
    ----------
    array
        Pixels in native byte order, dtype as stored; of OME-Zarr a lazy array.
    axes
        One letter an axis out of T C Z Y X, and S (RGB or RGBA samples) which is always last; holds Y and X.
    calibration
        um along Z, Y, X and seconds along T, as far as the file says; None where it says nothing.
    metadata
        What else is worth knowing: "provenance" (dict), "series" (number of images in the file, where more
        than the one read), "assumed" (a sentence, where `pixel_size` holds a guess), "channel_names" (tuple),
        "position" (dict: um along Z, Y, X where the first pixel lies, seconds along T; as far as it is not 0).
    path
        Where it was read from.
    """

    array: Any
    axes: str
    calibration: PixelSize | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @property
    def source(self) -> Source:
        """Return the image with its axes and pixel size, as planning takes it."""
        return Source(
            array=self.array,
            axes=self.axes,
            channel_names=tuple(self.metadata.get("channel_names", ())),
            pixel_size=self.calibration,
            position=self.metadata.get("position"),
            name=self.path.name if self.path else "",
            path=str(self.path or ""),
        )

    @property
    def pixel_size(self) -> tuple[float, ...] | None:
        """Return um along (Y, X), or (Z, Y, X) where `axes` holds Z; None where the file does not say."""
        return None if self.calibration is None else self.calibration.lengths(self.axes)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return sentences on what was assumed, for the user to read."""
        several, assumed = self.metadata.get("series"), self.metadata.get("assumed")
        first = f"the file holds {several} images: the first was read" if several else None
        return tuple(sentence for sentence in (first, assumed) if sentence)

    def __post_init__(self) -> None:
        assert len(self.axes) == self.array.ndim
        assert {"Y", "X"} <= set(self.axes) <= set("TCZYXS")
