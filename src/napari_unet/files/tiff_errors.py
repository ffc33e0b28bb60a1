"""Every way in which tifffile and its decoders fail, as one sentence."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import damaged, not_a, undecodable, unreadable

# tifffile and imagecodecs (whose errors are RuntimeErrors) have no common base class for "cannot read this".
_READING_ERRORS = (
    ValueError,
    RuntimeError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    ImportError,
    SyntaxError,  # of XML
    struct.error,
    zlib.error,
)


@contextmanager
def tiff_errors(path: Path) -> Iterator[None]:
    """Turn what is raised while a TIFF is read into a UnetError."""
    try:
        yield
    except UnetError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except MemoryError as error:
        raise UnetError(f"{path.name} does not fit into memory: crop it, or use a larger machine") from error
    except _READING_ERRORS as error:
        raise _complaint(path, error) from error


def _complaint(path: Path, error: Exception) -> UnetError:
    """Return the sentence for what tifffile or a decoder said."""
    said = str(error)
    if isinstance(error, tifffile.TiffFileError) and said.startswith("not a TIFF"):
        return not_a("TIFF", path)
    hints = ("supported", "not a known", "'imagecodecs'")
    if isinstance(error, NotImplementedError | ImportError) or any(hint in said for hint in hints):
        return undecodable(path, "a compression or pixel type")
    return damaged(path)
