"""Tensors by name out of files of PyTorch that anybody may have written: nothing in them is executed."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import IO

import torch
from torch import Tensor

from napari_unet.errors import UnetError, first_line, printable, shortened

NO_TENSORS = (
    OSError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    AssertionError,
    RuntimeError,
    MemoryError,
    UnpicklingError,
)
"""What PyTorch raises where a file holds something else."""
MAX_QUOTED = 200
"""Letters of what PyTorch says of a file, which may quote it."""


def read_tensors(source: Path | IO[bytes]) -> dict[str, Tensor]:
    """Return the tensors in a file by name; UnetError says why there are none, or that they claim too much."""
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except NO_TENSORS as error:
        raise UnetError(shortened(printable(first_line(error)), MAX_QUOTED)) from None
    if not isinstance(state, dict) or not all(_is_plain(name, value) for name, value in state.items()):
        raise UnetError("it holds no tensors by name")
    if not _are_held(list(state.values())):
        raise UnetError("its tensors claim more numbers than there are")
    return state


def _is_plain(name: object, value: object) -> bool:
    """Whether this is a tensor with a name, and its numbers are in memory, one after the other."""
    if not isinstance(name, str) or not isinstance(value, Tensor):
        return False
    return value.device.type == "cpu" and value.layout is torch.strided and not value.is_quantized


def _are_held(values: list[Tensor]) -> bool:
    """Whether there is memory for every number.

    A step of 0 from number to number lets 4 bytes pass for any number of them, and so do tensors of one memory.
    """
    held = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in values}
    return sum(value.numel() * value.element_size() for value in values) <= sum(held.values())
