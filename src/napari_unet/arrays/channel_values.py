"""Values of channels as a network wants them: colours as grey, grey as colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError

GREY = np.array([0.2125, 0.7154, 0.0721], np.float32)
"""Luminance of RGB (ITU-R BT.709)."""


def match_channels(block: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return the block with as many channels as the network wants: grey from RGB, or grey repeated."""
    if len(block) == channels:
        return block
    if channels == 1 and len(block) == 3:
        return np.tensordot(GREY, block, axes=1)[None].astype(np.float32)
    if len(block) == 1:
        return np.repeat(block, channels, axis=0)
    raise UnetError(f"the image has {len(block)} channels, the model takes {channels}: choose another model")
