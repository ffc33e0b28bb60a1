"""Colour pictures of dyed tissue, told from fluorescence in colours and from grey stored as RGB."""

from __future__ import annotations

import numpy as np

from napari_unet.arrays.axes import Plane

PIXELS = 256
"""Per axis that are looked at."""
DARKENS = -0.5
"""Correlation of colour with brightness below which a picture shows something dyed: at most -0.84 in all images of
dsb2018_histology (107), 1 in fluorescence of one colour."""


def is_stained(plane: Plane) -> bool:
    """Whether an RGB plane shows dyed things in the light that they let through.

    A dye takes light away: the more colourful a pixel, the darker it is. What shines is the brighter.
    """
    lines = plane.every(max(1, plane.whole_shape[0] // PIXELS))
    thin = lines[..., :: max(1, lines.shape[-1] // PIXELS)].reshape(len(lines), -1).astype(np.float64)
    if len(thin) != 3:
        return False
    thin = thin[:, np.isfinite(thin).all(0)]
    colour, brightness = thin.max(0, initial=0) - thin.min(0, initial=np.inf), thin.mean(0)
    if not thin.size or np.ptp(colour) == 0 or np.ptp(brightness) == 0:
        return False
    return bool(np.corrcoef(colour, brightness)[0, 1] < DARKENS)
