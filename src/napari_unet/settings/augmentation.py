"""How far the views of a training may differ from its images."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from napari_unet.settings.base import Settings, option


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 < pair[0] <= pair[1]:
        raise ValueError
    return pair


Factors = Annotated[tuple[float, float], AfterValidator(_rising)]
"""The smallest and the largest factor, around 1."""


def _factors(smallest: float, largest: float, explanation: str) -> Any:
    return option((smallest, largest), explanation, must_be="a rising pair of numbers above 0")


def _strength(default: float, explanation: str, unit: str = "") -> Any:
    return option(default, explanation, minimum=0, unit=unit)


def _chance(explanation: str) -> Any:
    return option(0.0, explanation, minimum=0, maximum=1)


class AugmentationSettings(Settings):
    """How far training views may differ from the image; lengths in pixels, ranges around 1 are factors."""

    rotate: bool = option(True, "whether views are rotated in the last two axes")
    flip: bool = option(True, "whether views are reflected along any axis")
    scale: Factors = _factors(0.5, 2.0, "factors on the size of objects")
    shear: float = _strength(0.1, "largest shear in the last two axes, px per px")
    # Ronneberger et al. 2015 use 10 px
    elastic: float = _strength(
        6.0, "standard deviation of the displacements on a coarse 3x3 grid, in the last two axes", unit="px"
    )
    gamma: Factors = _factors(0.7, 1.4, "exponents of the intensities")
    contrast: Factors = _factors(0.35, 1.3, "factors on the intensities")
    offset: float = _strength(0.08, "largest change of all intensities")
    noise: float = _strength(0.06, "largest standard deviation of added noise")
    blur: float = _strength(1.5, "largest standard deviation of the blur", unit="px")
    # for images whose range debris stretched
    exposure: Factors = _factors(1.0, 1.0, "factors on the intensities before their logarithmic compression")
    inversion: float = _chance("share of views with dark objects on a bright background")
    relief: float = _chance("share of views in relief, as differential interference contrast shows objects")
    vignette: float = _chance("largest loss of light towards a corner")
    debris: float = _chance("share of views with background specks far brighter than anything annotated")
    crowding: float = _chance("share of views with touching copies of their objects; not for classes")
    texture: float = _strength(0.0, "largest standard deviation of the logarithm of an uneven staining")
    haze: float = _strength(0.0, "largest share of light from out of focus")
    shot: float = _chance("share of views whose noise grows with the root of the light, as photon noise does")
    stain: float = _strength(0.0, "largest logarithm of the factor on a dye, for stained tissue in colour")

    @classmethod
    def none(cls) -> AugmentationSettings:
        """Return settings that leave every view as it is."""
        return cls(
            rotate=False, flip=False, scale=(1, 1), shear=0, elastic=0,
            gamma=(1, 1), contrast=(1, 1), offset=0, noise=0, blur=0,
        )  # fmt: skip
