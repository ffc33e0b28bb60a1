"""ImageFile: what every reader of this room returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image as its file holds it, and what the file says about it.

    Attributes
    ----------
    array
        Pixels in native byte order, dtype as stored; of OME-Zarr a lazy array.
    axes
        One letter an axis out of T C Z Y X, and S (RGB or RGBA samples) which is always last; holds Y and X.
    pixel_size
        um along (Y, X), or (Z, Y, X) where `axes` holds Z; None where the file does not say.
    metadata
        What else is worth knowing: "provenance" (dict), "series" (number of images in the file, where more
        than the one read), "assumed" (a sentence, where `pixel_size` holds a guess).
    """

    array: Any
    axes: str
    pixel_size: tuple[float, ...] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return sentences on what was assumed, for the user to read."""
        several, assumed = self.metadata.get("series"), self.metadata.get("assumed")
        first = f"the file holds {several} images: the first was read" if several else None
        return tuple(sentence for sentence in (first, assumed) if sentence)

    def __post_init__(self) -> None:
        assert len(self.axes) == self.array.ndim
        assert {"Y", "X"} <= set(self.axes) <= set("TCZYXS")
        assert self.pixel_size is None or len(self.pixel_size) == len(set("ZYX") & set(self.axes))
