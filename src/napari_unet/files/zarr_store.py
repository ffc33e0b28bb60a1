"""A Zarr folder of foreign origin as a store: what is no file in it is refused; a pipe would be waited for."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from zarr.storage import LocalStore


class FileStore(LocalStore):
    """The files under a folder, read only."""

    def __init__(self, root: Path | str, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)

    async def get(self, key: str, *arguments: Any, **options: Any) -> Any:
        """Return what a file holds; OSError where it is a pipe, a socket or a device."""
        self._require_file(key)
        return await super().get(key, *arguments, **options)

    def get_sync(self, key: str, **options: Any) -> Any:
        """Do the same at once."""
        self._require_file(key)
        return super().get_sync(key, **options)

    def _require_file(self, key: str) -> None:
        try:
            mode = (Path(self.root) / key).stat().st_mode
        except OSError:
            return  # it is missing, or read as such
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError(f"{key} is no file but a pipe or device")
