"""Which reader a file needs: by its content, whatever its name ends in; by its name where that says nothing.

A name then decides who says what is wrong with the file.
"""

from __future__ import annotations

import struct
from pathlib import Path

from napari_unet.errors import UnetError
from napari_unet.files.openable import first_bytes

TIFF, PICTURE, JPEG_2000, NUMPY = "TIFF", "picture", "JPEG 2000", "NumPy"
DICOM, ND2, LIF, CZI = "DICOM", "Nikon ND2", "Leica LIF", "Zeiss CZI"
FOREIGN = (ND2, LIF, CZI)
"""Kinds of microscopes' own files, which bioio reads."""

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm", ".svs", ".stk")
"""Endings, in lower case, under which TIFFs are known: big ones, of Zeiss, of Aperio, of MetaMorph."""
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".avif", ".pgm", ".ppm", ".pnm", ".tga")
"""Endings, in lower case, of the pictures that are common; rarer ones are known by their content."""
_SUFFIXES = {
    **dict.fromkeys(TIFF_SUFFIXES, TIFF),
    **dict.fromkeys(PICTURE_SUFFIXES, PICTURE),
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".j2c"), JPEG_2000),
    ".npy": NUMPY,
    **dict.fromkeys((".dcm", ".dicom"), DICOM),
    ".nd2": ND2,
    ".lif": LIF,
    ".czi": CZI,
}
IMAGE_SUFFIXES = tuple(_SUFFIXES)
"""Endings, in lower case, of the files that can be read; how, their content tells, whatever the ending."""

_SIGNATURES = {
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,
    b"MM\0+": TIFF,
    b"\x89PNG\r\n\x1a\n": PICTURE,
    b"\xff\xd8\xff": PICTURE,
    b"GIF87a": PICTURE,
    b"GIF89a": PICTURE,
    b"qoif": PICTURE,
    b"8BPS\0\x01": PICTURE,
    b"\0\0\0\x0cjP  \r\n\x87\n": JPEG_2000,
    b"\xff\x4f\xff\x51": JPEG_2000,
    b"\x93NUMPY": NUMPY,
    b"\xda\xce\xbe\x0a": ND2,
    b"ZISRAWFILE": CZI,
}
_HEADERS_OF_BMP = (12, 40, 52, 56, 64, 108, 124)
"""Bytes of the second header of a BMP, by its version."""
_HEAD = 132
"""Bytes that are looked at: DICOM's mark stands behind 128 of anything."""


def kind_of(path: Path) -> str:
    """Return the kind of an image file, empty where it is none; UnetError where it cannot be opened."""
    suffix = path.suffix.lower()
    kind = kind_by_content(path) or _SUFFIXES.get(suffix, "")
    # ND2 files from before 2009 are JPEG 2000 by their first bytes
    return ND2 if kind == JPEG_2000 and suffix == ".nd2" else kind


def is_image(path: Path) -> bool:
    """Whether a file is an image by its content or its name; one without permission is, if its name says so."""
    try:
        return bool(kind_of(path))
    except UnetError:
        return path.suffix.lower() in IMAGE_SUFFIXES


def kind_by_content(path: Path) -> str:
    """Return the kind that the first bytes of a file show, empty for none; UnetError as for `kind_of`."""
    head = first_bytes(path, _HEAD)
    if kind := next((kind for begin, kind in _SIGNATURES.items() if head.startswith(begin)), ""):
        return kind
    if head[128:] == b"DICM":
        return DICOM
    if head[:4] == b"\x70\0\0\0" and head[8:9] == b"*":
        return LIF
    return PICTURE if _is_picture(head) else ""


def _is_picture(head: bytes) -> bool:
    """Whether a file is one of the pictures that no fixed first bytes tell: WebP, AVIF, BMP, PNM."""
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return head[8:12] in (b"avif", b"avis")
    if head[:2] == b"BM" and len(head) >= 18:
        return struct.unpack_from("<I", head, 14)[0] in _HEADERS_OF_BMP
    return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b"\n\r\t #" and len(head) > 2
