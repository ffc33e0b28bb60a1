"""What may be opened at all: regular files and folders. A FIFO would wait for ever, a device never end."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import empty, unlistable, unreadable

_KINDS = {
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular_file(path: Path, *, links: bool = True) -> int:
    """Return the size of a file in bytes; UnetError where it is missing, empty, a folder, a pipe or a device.

    Files of the system (/proc) claim no bytes, too, and may be waited for without end.

    Without `links`, a symbolic link is refused too: where only our own program writes, one leads elsewhere.
    """
    try:
        found = path.stat(follow_symlinks=links)
    except ValueError:  # a name with a null byte
        raise UnetError(f"cannot read {str(path)!r}: no file can have this name") from None
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise unreadable(path, IsADirectoryError())
    if not stat.S_ISREG(found.st_mode):
        what = _KINDS.get(stat.S_IFMT(found.st_mode), "a link")
        raise UnetError(f"cannot read {path}: it is {what} and not a file: save the data in a file first")
    if not found.st_size:
        raise empty(path)
    return found.st_size


def list_folder(folder: Path) -> list[Path]:
    """Return what a folder holds by name; UnetError where that is not allowed."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise unlistable(folder, error) from error


def is_folder(path: Path) -> bool:
    """Whether a path names a folder; UnetError where the folder around it may not be read."""
    return _is(path, stat.S_ISDIR)


def is_file(path: Path) -> bool:
    """Whether a path names a regular file, and no pipe or device; UnetError as for `is_folder`."""
    return _is(path, stat.S_ISREG)


def exists(path: Path) -> bool:
    """Whether there is anything under a path; UnetError as for `is_folder`."""
    return _is(path, bool)


def is_there(path: Path) -> bool:
    """Whether a path names a file or a folder that may be opened: no pipe, nothing without permission."""
    try:
        return is_file(path) or is_folder(path)
    except UnetError:
        return False


def first_bytes(path: Path, count: int = 32) -> bytes:
    """Return the first bytes of a regular file, by which its kind is told; UnetError where it cannot be read."""
    require_regular_file(path)
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise unreadable(path, error) from error


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.stat().st_mode)
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError):  # there is none, or a name that none can have
        return False


def file_state(path: Path) -> tuple[int, str]:
    """Return the bytes of a file, or of all in a Zarr folder, and when it was changed last (UTC, microseconds).

    Files of the same name, size and time are taken for the same, as backups do: to read them would take longer.
    """
    try:
        found = [path.stat(), *(inner.stat() for inner in path.rglob("*") if path.is_dir())]
    except ValueError:  # a name with a null byte
        raise UnetError(f"cannot read {str(path)!r}: no file can have this name") from None
    except OSError as error:
        raise unreadable(path, error) from error
    latest = datetime.fromtimestamp(max(one.st_mtime for one in found), UTC)
    return sum(one.st_size for one in found if stat.S_ISREG(one.st_mode)), latest.isoformat()
