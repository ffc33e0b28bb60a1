"""A BioImage.IO package as a zip file of foreign origin: sizes are checked before anything is unpacked.

Its description is read as plain text: lists, dictionaries and text, no numbers, dates or merged keys, which YAML
can make grow without end. Nothing of it is quoted whole in a message.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_unet.errors import UnetError, first_line, printable, shortened
from napari_unet.files.file_errors import unreadable
from napari_unet.files.openable import require_regular_file

INDICES = ("rdf.yaml", "bioimageio.yaml")
MAX_INDEX = 2**18
"""Bytes of a description: those of packages are of some thousand."""
MAX_QUOTED = 60
"""Letters of a foreign value in a message."""
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    MemoryError,
)
"""What reading something else as a zip file or a description raises."""


@contextmanager
def opened_package(path: Path) -> Iterator[zipfile.ZipFile]:
    """Yield an opened package; whatever is wrong with it within the block is a UnetError."""
    require_regular_file(path)
    try:
        with zipfile.ZipFile(path) as package:
            yield package
    except UnetError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except _FAULTS as error:
        raise not_a_package(path, error) from None
    except RuntimeError as error:  # a zip file that says that it is encrypted
        raise not_a_package(path, error) from None


def not_a_package(path: Path, error: Exception) -> UnetError:
    """Return the sentence for what is wrong with a package."""
    why = f"{type(error).__name__}: {quoted(first_line(error))}"
    return UnetError(f"{path.name} is not a BioImage.IO package with PyTorch weights ({why}): export it again")


def read_description(package: zipfile.ZipFile) -> dict[str, Any]:
    """Return what a package says of itself, all values as text; errors as `opened_package` tells them."""
    import yaml

    names = package.namelist()
    index = next((name for name in INDICES if name in names), None)
    if index is None:
        raise ValueError("it holds no description")
    text = read_member(package, index, MAX_INDEX)
    try:
        description = yaml.load(text, Loader=yaml.BaseLoader)  # makes text, lists, dictionaries alone
    except yaml.YAMLError as error:
        raise ValueError(f"its description is no YAML: {first_line(error)}") from None
    if not isinstance(description, dict):
        raise ValueError("its description is no dictionary")  # noqa: TRY004 - one kind of error for foreign data
    return description


def read_member(package: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Return a file in a package; ValueError where it is larger than `limit` bytes, before it is unpacked."""
    member = package.getinfo(name)
    if member.file_size > limit:
        raise ValueError(f"{quoted(name)} has {member.file_size} bytes, and at most {limit} are read")
    with package.open(member) as file:
        return file.read()


def require_plain_weights(data: bytes, limit: int) -> None:
    """Refuse PyTorch weights that unpack to more than `limit` bytes; ValueError, too, where they are no zip file.

    Files of PyTorch before 1.6 are none: they claim sizes that cannot be checked before memory is taken.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        size = sum(member.file_size for member in file.infolist())
    if size > limit:
        raise ValueError(f"its weights unpack to {size} bytes, and its network has at most {limit}")


def inner(value: Any, *keys: str) -> Any:
    """Return what stands under keys within each other, None where one is missing or holds no dictionary."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def quoted(value: Any) -> str:
    """Return a foreign value for a message: text as it is, but short; of anything else its type alone."""
    return shortened(printable(value), MAX_QUOTED) if isinstance(value, str) else f"a {type(value).__name__}"
