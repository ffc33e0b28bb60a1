"""A background that changes slowly along the rows of an image, taken away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 128
"""Pixels of a row whose median is the background in their middle; objects in less than half of them are none
of it."""


def is_wide(block: NDArray[Any], piece: int = PIECE) -> bool:
    """Whether the rows of a block (..., X) have enough pieces to show a slope."""
    return block.ndim > 1 and block.shape[-1] >= 2 * piece


def evened(block: NDArray[Any], piece: int = PIECE) -> NDArray[np.float64]:
    """Return a block (..., X) without its background: lines through the medians of pieces of its rows."""
    length = block.shape[-1]
    count = length // piece
    pieces = block[..., : count * piece].reshape(*block.shape[:-1], count, piece)
    medians = np.median(pieces.astype(np.float64, copy=False), -1)
    place = (np.arange(length) - (piece - 1) / 2) / piece
    left = np.clip(np.floor(place).astype(int), 0, count - 2)
    share = place - left
    lines: NDArray[np.float64] = block - (medians[..., left] * (1 - share) + medians[..., left + 1] * share)
    return lines
