"""What a pixel counts in the loss."""

from __future__ import annotations

from typing import Self

from napari_unet.settings.base import Settings, option


class WeightSettings(Settings):
    """Terms of the weight map; lengths in pixels, or in the unit of `spacing` where one is given."""

    foreground: float = option(1.0, "weight of pixels of objects", minimum=0)
    background: float = option(1.0, "weight of pixels of the background", minimum=0)
    w0: float = option(10.0, "height of the border term between two objects", minimum=0)
    sigma: float = option(5.0, "width of the border term", above=0, unit="px")
    # the paper: every pixel; Falk: background only
    border_inside: bool = option(True, "whether pixels inside an object get the border term too")
    near: float = option(0.0, "extra weight of the background close to any object (Falk)", minimum=0)
    near_sigma: float = option(10.0, "width of that extra weight", above=0, unit="px")

    @classmethod
    def paper(cls) -> Self:
        """Return the settings of Ronneberger et al. 2015, eq. 2: w0 = 10, sigma = 5 px."""
        return cls()

    @classmethod
    def falk(cls) -> Self:
        """Return those of Falk et al. 2019: 0.1 + 50 exp(-(d1+d2)^2/2*6^2) + 0.9 exp(-d1^2/2*10^2)."""
        return cls(background=0.1, w0=50, sigma=6, border_inside=False, near=0.9, near_sigma=10)

    @classmethod
    def none(cls) -> Self:
        """Return settings by which all pixels count the same."""
        return cls(w0=0)
