"""Whether two names mean one file: asked before anything is written, and by what writes.

Names are resolved first, as the writer resolves them: links, and `new/../a.tif` where `new` is only about to be
made. Then hard links and systems that do not tell A.tif from a.tif show by the identity of the file.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unreadable


def resolved(path: str | Path) -> Path:
    """Return the absolute path that is written to: through all links, and without `..`; it may not exist.

    UnetError where links lead round in a circle.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # a circle on Windows; a null byte
        raise UnetError(f"cannot use the name {str(path)!r} ({error}): choose another one") from None


class KnownFiles:
    """Files and what each is, found again under whatever name.

    Names of files that are not there yet are one if they differ in case or in the coding of accents alone: on
    other systems, where they may be copied, they would be.
    """

    def __init__(self) -> None:
        self._identities: dict[tuple[int, int], str] = {}
        self._names: dict[str, tuple[str, bool]] = {}
        """What a file is, and whether it is there, by its folded name."""

    def add(self, path: str | Path, what: str) -> None:
        """Note what a file is; the first word on it stands."""
        target = resolved(path)
        identity = _identity(target)
        self._names.setdefault(_folded(target), (what, identity is not None))
        if identity is not None:
            self._identities.setdefault(identity, what)

    def find(self, path: str | Path) -> str | None:
        """Return what the file under a name is, None for others."""
        target = resolved(path)
        identity = _identity(target)
        if identity is not None and identity in self._identities:
            return self._identities[identity]
        named = self._names.get(_folded(target))
        if named is None or (named[1] and identity is not None):  # both are there: this system tells them apart
            return None
        return named[0]


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two names mean one file, or would once both were written."""
    known = KnownFiles()
    known.add(one, "same")
    return known.find(other) is not None


def refuse_overwriting(
    read: Iterable[tuple[str | Path | None, str]], written: Iterable[tuple[str | Path | None, str]]
) -> None:
    """Refuse to write over a file that is read, or two results to one file; None stands for no file.

    Parameters
    ----------
    read
        Files, and what each is: "one of the images".
    written
        Files, and the option that names each: "--output".
    """
    known, results = KnownFiles(), KnownFiles()
    for path, what in read:
        if path is not None:
            known.add(path, what)
    for target, option in written:
        if target is None:
            continue
        if (found := known.find(target)) is not None:
            raise UnetError(f"{target} is {found}: give another {option}, so that no data are lost")
        if (other := results.find(target)) is not None:
            raise UnetError(f"{option} and {other} must be different files, got {target} for both")
        results.add(target, option)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what all names of one file share; None where there is no file."""
    try:
        found = path.stat()
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()
