"""The autosaved paint of one napari window: a folder of small files, each whole or not there at all.

sessions/<time>-<machine>-<process>/session.json   what the layers are, and the panel's settings
sessions/<time>-<machine>-<process>/<key>.npz      what is painted on one layer
sessions/<time>-<machine>-<process>/closed         its window was closed, as in a notebook whose process lives on
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil
from numpy.typing import NDArray
from platformdirs import user_data_path

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path

INDEX, CLOSED = "session.json", "closed"
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises."""
DRIFT = 3
"""Seconds by which the start of a process may seem to move when the clock of the computer is set."""
MOST_KEPT = 5
"""Former sessions beyond this are removed, the oldest first."""


def sessions_folder() -> Path:
    """Return the folder of all sessions; it may not exist yet."""
    return user_data_path("napari-unet-interactive", appauthor=False) / "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLayer:
    """What is kept of a painted layer: its arrays by name, and what is needed to put it back, as JSON values."""

    key: str
    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]


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
        process = psutil.Process()
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        return cls(sessions_folder() / f"{stamp}-{_host()}-{os.getpid()}-{int(process.create_time())}")

    @property
    def time(self) -> datetime:
        """Return when it was last written."""
        return datetime.fromtimestamp((self.folder / INDEX).stat().st_mtime).astimezone()

    @property
    def is_open(self) -> bool:
        """Whether its window is there, as far as can be told: on another machine with the same home it may be."""
        if (self.folder / CLOSED).exists():
            return False
        *_, host, pid, created = self.folder.name.split("-")
        try:
            return host != _host() or abs(psutil.Process(int(pid)).create_time() - int(created)) <= DRIFT
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True

    def write(self, changed: list[SavedLayer], kept: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Write the layers that changed, then the index of all: `kept` tells about each layer by key.

        Where nothing is kept any more, the session is removed: there would be nothing to restore.
        """
        if not kept:
            self.remove()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for layer in changed:
            with atomic_path(self.folder / f"{layer.key}.npz") as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **dict(layer.arrays))
        with atomic_path(self.folder / INDEX) as temporary:
            temporary.write_text(json.dumps({"layers": kept, "settings": settings}))
        for path in self.folder.glob("*.npz"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def read(self) -> Restored:
        """Return what can be read of it; UnetError where that is nothing."""
        layers, lost, settings = [], [], {}
        try:
            index = json.loads((self.folder / INDEX).read_text())
            settings = dict(index["settings"])
            for key, about in index["layers"].items():
                try:
                    with (self.folder / f"{key}.npz").open("rb") as file, np.load(file) as arrays:
                        layers.append(SavedLayer(key=key, arrays=dict(arrays), about=about))
                except DAMAGED:
                    lost.append(str(about["name"]))
        except (*DAMAGED, TypeError, AttributeError) as error:
            raise UnetError(f"the saved annotations in {self.folder} cannot be read ({error})") from None
        if not layers:
            raise UnetError(f"none of the saved annotations in {self.folder} can be read: the files are damaged")
        return Restored(layers=layers, settings=settings, lost=lost)

    def close(self) -> None:
        """Note that its window is closed, though its process may go on."""
        if self.folder.exists():
            (self.folder / CLOSED).touch()

    def reopen(self) -> None:
        """Note that its window is there again."""
        (self.folder / CLOSED).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _host() -> str:
    """Return what tells this machine from others, without a hyphen."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def former_sessions() -> list[Session]:
    """Return the sessions of windows that are gone, the latest first; older ones than the kept few are removed."""
    found = []
    for index in sessions_folder().glob(f"*/{INDEX}"):
        session = Session(index.parent)
        try:
            if session.is_open:
                continue
            if any(session.folder.glob("*.npz")):
                found.append(session)
            else:
                session.remove()
        except (ValueError, IndexError):
            continue  # not a folder of ours
    found.sort(key=lambda session: session.folder.name, reverse=True)
    for old in found[MOST_KEPT:]:
        old.remove()
    return found[:MOST_KEPT]
