"""Normalisation of intensities: steps that a model declares, fitted once for a whole image, applied to windows.

A step is one file: `fit(sample)` finds its numbers in pixels spread over the image, `apply(values)` changes
a window.

| step | fitted | what it does |
|---|---|---|
| never_imaged | never_imaged | what a program filled with one value becomes NaN; before all others |
| percentile | range | two percentiles become 0 and 1 |
| typical_object | range | a low percentile becomes 0, twice the brightness of typical objects 1 |
| invert_bright_background | invert | objects always are bright |
| denoise | smooth | takes the noise of few photons away |
| given_range | range | two intensities that a user chose become 0 and 1 |
| compress | compress | a logarithm brings dim and bright objects into one range |

`specification` holds the list, `fitted` what it came to in one image, `former` reads what older models say.
"""

from napari_unet.arrays.normalization.compress import Compress
from napari_unet.arrays.normalization.denoise import Denoise, Smooth
from napari_unet.arrays.normalization.fitted import UNCHANGED, FittedNormalization
from napari_unet.arrays.normalization.invert_bright_background import Invert, InvertBrightBackground
from napari_unet.arrays.normalization.percentile import Percentile
from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.specification import Normalization
from napari_unet.arrays.normalization.typical_object import TypicalObject

__all__ = [
    "UNCHANGED",
    "Compress",
    "Denoise",
    "FittedNormalization",
    "Invert",
    "InvertBrightBackground",
    "Normalization",
    "Percentile",
    "Range",
    "Smooth",
    "TypicalObject",
]
