"""What goes wrong with files, in plain sentences: the one place that knows the words for it."""

from __future__ import annotations

import errno
from pathlib import Path

from napari_unet.errors import UnetError, first_line, printable
from napari_unet.memory import is_out_of_memory

_SIGNATURES = {
    b"\x89PNG": "a PNG: end its name in .png",
    b"\xff\xd8\xff": "a JPEG: end its name in .jpg",
    b"BM": "a BMP: end its name in .bmp",
    b"II*\0": "a TIFF: end its name in .tif",
    b"MM\0*": "a TIFF: end its name in .tif",
    b"II+\0": "a TIFF: end its name in .tif",
    b"MM\0+": "a TIFF: end its name in .tif",
    b"\x89HDF": "an HDF5 file: open it in Fiji and save it as TIFF",
    b"\xd0\xcf\x11\xe0": "an Olympus OIB or Zeiss ZVI file: open it in Fiji and save it as TIFF",
    b"OLYMPUSRAWFORMAT": "an Olympus OIR file: open it in Fiji and save it as TIFF",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
    b"\x1f\x8b": "a GZIP archive: unpack it first",
    b"%PDF": "a PDF: export the image in it as TIFF",
    b"version https://git-lfs": "a Git LFS pointer, not the image itself: run git lfs pull",
    b"<": "a web page or XML text, perhaps from a failed download: download it again",
}

_WHY_UNREADABLE = {
    errno.ENOENT: "it does not exist: check the path",
    errno.ENOTDIR: "it does not exist: check the path",
    errno.EISDIR: "it is a folder: give the path of a file in it",
    errno.EACCES: "there is no permission to read it: ask its owner, or copy it to a folder of yours",
    errno.EPERM: "there is no permission to read it: ask its owner, or copy it to a folder of yours",
    errno.ENAMETOOLONG: "its name is too long: give it a shorter one",
}

_WHY_UNWRITABLE = {
    errno.ENOENT: "the folder {folder} does not exist: create it first",
    errno.ENOTDIR: "{folder} is not a folder: choose another place",
    errno.EISDIR: "it is a folder: add a file name",
    errno.EEXIST: "there is one of this name already: choose another name",
    errno.EACCES: "there is no permission to write in {folder}: choose another folder",
    errno.EPERM: "there is no permission to write in {folder}: choose another folder",
    errno.EROFS: "{folder} is read-only: choose another folder",
    errno.ENOSPC: "the disk is full: free some space or choose another disk",
    errno.EDQUOT: "the disk quota is used up: free some space or choose another disk",
    errno.EFBIG: "it is larger than files may be there: choose another disk",
    errno.ENOMEM: "memory is full: close other programs",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
}


def unreadable(path: Path, error: OSError) -> UnetError:
    """Return the sentence for an operating system error met while reading `path`."""
    why = _WHY_UNREADABLE.get(_code(path, error), f"the system says '{error.strerror or error}': copy it again")
    return UnetError(f"cannot read {path}: {why}")


def unlistable(folder: Path, error: OSError) -> UnetError:
    """Return the sentence for an operating system error met while listing the files in `folder`."""
    if error.errno in (errno.EACCES, errno.EPERM):
        why = "there is no permission to list it: ask its owner, or copy it to a folder of yours"
        return UnetError(f"cannot read the folder {folder}: {why}")
    return unreadable(folder, error)


def _code(path: Path, error: OSError) -> int:
    """Return the error's number, where Windows answers "permission denied" to opening a folder too."""
    try:
        return errno.EISDIR if path.is_dir() else error.errno or 0
    except OSError:
        return error.errno or 0


def unwritable(path: Path, error: OSError) -> UnetError:
    """Return the sentence for an operating system error met while writing `path`."""
    other = f"the system says '{error.strerror or error}': choose another folder"
    why = _WHY_UNWRITABLE.get(error.errno or 0, other)
    if error.errno == errno.ENOENT and path.parent.is_dir():  # as in /proc
        why = "the system makes no files in {folder}: choose another folder"
    return UnetError(f"cannot write {path}: {why.replace('{folder}', str(path.parent))}")


def not_a(kind: str, path: Path) -> UnetError:
    """Return the sentence for a file whose content is not of the `kind` that its name promises."""
    with path.open("rb") as file:
        head = file.read(32)
    if not head:
        return empty(path)
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            return UnetError(f"{path.name} is not a {kind}: it looks like {what}")
    return UnetError(f"{path.name} is not a {kind}: open it in the program that made it and save it as TIFF")


def empty(path: Path) -> UnetError:
    """Return the sentence for a file of no bytes."""
    return UnetError(f"{path.name} is empty (0 bytes): copy or export it again")


def damaged(path: Path) -> UnetError:
    """Return the sentence for a file that begins well but cannot be read to its end."""
    return UnetError(f"{path.name} is damaged or cut off: copy it again from its source")


def undecodable(path: Path, what: str) -> UnetError:
    """Return the sentence for a sound file of a kind that is not understood here."""
    return UnetError(
        f"{path.name} holds {what}, which cannot be read here: "
        "open it in Fiji and save it as uncompressed gray or RGB TIFF"
    )


def image_fault(name: str, error: Exception) -> str:
    """Return the sentence on what went wrong with one of many images, foreseen or not."""
    if is_out_of_memory(error):
        return f"{name}: {first_line(error)}: free memory, or choose a smaller tile"
    if isinstance(error, UnetError):
        return str(error) if printable(name) in str(error) else f"{name}: {error}"
    return f"{name}: {type(error).__name__}: {first_line(error)}"
