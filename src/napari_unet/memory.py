"""Memory that ran out: how it looks, whoever raised the error, and the sentence that a user reads.

NumPy raises MemoryError, PyTorch its own OutOfMemoryError on a GPU and a plain RuntimeError on a CPU. All three
take the same ladder: smaller tiles (`nets.prediction`), a smaller batch (`teaching.learning`), then the sentence.
"""

from __future__ import annotations

from napari_unet.errors import UnetError

SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "could not create a primitive")
"""What PyTorch says, in lower case, where it could not allocate: CUDA, Linux and macOS, Windows, oneDNN."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; PyTorch need not be imported to tell."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


def out_of_memory(what: str) -> UnetError:
    """Return the error for something, as "tiles of 64 px", that does not fit into memory."""
    return UnetError(f"memory ran out with {what}: close other programs, or choose a part of the image")
