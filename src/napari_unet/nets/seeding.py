"""Draws of PyTorch from a seed of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral

import torch

from napari_unet.errors import UnetError

MOST = 2**62
"""Larger seeds, and what is added to them, are beyond PyTorch's numbers."""


def check_seed(seed: int) -> None:
    """Refuse a seed from which nothing can be drawn."""
    if not isinstance(seed, Integral) or not 0 <= seed <= MOST:
        raise UnetError(f"seed must be a number from 0 to {MOST}, got {seed!r}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a seed meanwhile; afterwards the process's own draws go on as if nothing had happened."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
