"""The autosaved paint of one napari window: a folder of small files, each whole or not there at all.

sessions/<time>-<machine>-<process>/session.json   what the layers are, and the panel's settings
sessions/<time>-<machine>-<process>/<key>.npz      what is painted on one layer
sessions/<time>-<machine>-<process>/closed         its window was closed, as in a notebook whose process lives on
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from platformdirs import user_data_path

from napari_unet.errors import UnetError, first_line
from napari_unet.files.atomic import atomic_path
from napari_unet.files.file_errors import unwritable
from napari_unet.files.json_text import read_json
from napari_unet.files.npz import read_npz
from napari_unet.files.openable import list_folder
from napari_unet.files.processes import is_running, process_mark
from napari_unet.files.saved_layer import KEY, SavedLayer, checked_layer

__all__ = ["Restored", "SavedLayer", "Session", "former_sessions", "sessions_folder"]

INDEX, CLOSED = "session.json", "closed"
DAMAGED = (
    UnetError,
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file raises: RuntimeErrors are of a zip file that says that it is encrypted."""
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
"""Annotations and the paths of images are private to their user."""
MAX_KEPT_SESSIONS = 5
"""Former sessions beyond this are removed, the oldest first."""


def sessions_folder() -> Path:
    """Return the folder of all sessions; it may not exist yet."""
    return user_data_path("napari-unet-interactive", appauthor=False) / "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a session kept: layers, the panel's settings, and the names of layers whose files are damaged."""

    layers: list[SavedLayer]
    settings: dict[str, Any]
    lost: list[str]


class Session:
    """One session's folder: written while its window is open, read after a crash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls) -> Self:
        """Return a session for this process; nothing is written yet."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        return cls(sessions_folder() / f"{stamp}-{process_mark()}")

    @property
    def time(self) -> datetime:
        """Return when it was last written."""
        return datetime.fromtimestamp((self.folder / INDEX).stat().st_mtime).astimezone()

    @property
    def is_open(self) -> bool:
        """Whether the process that owns it still runs; sessions of other machines count as open."""
        if (self.folder / CLOSED).exists():
            return False
        return is_running("-".join(self.folder.name.split("-")[-3:]))

    def write(self, changed: list[SavedLayer], kept: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Write the layers that changed, then the index of all: `kept` tells about each layer by key.

        Where nothing is kept any more, the session is removed: there would be nothing to restore.
        """
        if not kept:
            self.remove()
            return
        self._make_folder()
        for layer in changed:
            target = self.folder / f"{layer.key}.npz"
            with atomic_path(target, private=True) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **dict(layer.arrays))
        with atomic_path(self.folder / INDEX, private=True) as temporary:
            temporary.write_text(json.dumps({"layers": kept, "settings": settings}))
        for path in self.folder.glob("*.npz"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def read(self) -> Restored:
        """Return what can be read of it; UnetError where that is nothing."""
        layers, lost = [], []
        try:
            index = read_json(self.folder / INDEX)
            found, settings = dict(index["layers"]), index["settings"]
        except (*DAMAGED, TypeError) as error:
            raise UnetError(
                f"the saved annotations in {self.folder} cannot be read ({first_line(error)})"
            ) from None
        for key, about in found.items():
            try:
                layers.append(self._layer(key, about))
            except DAMAGED:
                lost.append(_name(about))
        if not layers:
            raise UnetError(f"none of the saved annotations in {self.folder} can be read: the files are damaged")
        return Restored(layers=layers, settings=settings if isinstance(settings, dict) else {}, lost=lost)

    def _layer(self, key: str, about: Any) -> SavedLayer:
        """Return one layer; the name of its file is a plain one within the session's folder, and no link."""
        if not KEY.fullmatch(key):
            raise ValueError("a layer is named like a path")
        return checked_layer(key, read_npz(self.folder / f"{key}.npz", links=False), about)

    def _make_folder(self) -> None:
        """Make the folder, readable by its user alone; those of earlier versions are closed, too."""
        try:
            sessions_folder().parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder.parent, self.folder):
                folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
                if folder.stat().st_mode & 0o077:
                    folder.chmod(PRIVATE_FOLDER)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def close(self) -> None:
        """Note that its window is closed, though its process may go on."""
        if self.folder.exists():
            (self.folder / CLOSED).touch(PRIVATE_FILE)

    def reopen(self) -> None:
        """Note that its window is there again."""
        (self.folder / CLOSED).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _name(about: Any) -> str:
    """Return what a layer that cannot be read was called."""
    name = about.get("name") if isinstance(about, dict) else None
    return name if isinstance(name, str) else "a layer without a name"


def former_sessions() -> list[Session]:
    """Return the sessions of windows that are gone, the latest first; older ones than the kept few are removed."""
    found = [session for session in map(Session, _folders()) if _has_paint(session)]
    found.sort(key=lambda session: session.folder.name, reverse=True)
    for old in found[MAX_KEPT_SESSIONS:]:
        old.remove()
    return found[:MAX_KEPT_SESSIONS]


def _folders() -> list[Path]:
    """Return the folders in that of all sessions; none where it is missing or may not be read."""
    try:
        return list_folder(sessions_folder())
    except UnetError:
        return []


def _has_paint(session: Session) -> bool:
    """Whether the window of a session is gone and its paint is not; one without any is removed."""
    try:
        if not (session.folder / INDEX).is_file() or session.is_open:
            return False
        if any(session.folder.glob("*.npz")):
            return True
    except (ValueError, OSError):
        return False  # not a session's folder, or no permission
    session.remove()
    return False
