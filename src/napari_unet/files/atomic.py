"""Write a file whole or not at all: the only place that renames a temporary file over a former one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unet.files.file_errors import unwritable


@contextmanager
def atomic_path(path: str | Path, *, replacing: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`, to be written within the block and renamed at its end.

    Without `replacing` a file that is there by then stays: of several writers one gets the name.

    Whatever ends the block early (an error, Cancel, Ctrl+C), the temporary file is removed and a former
    file at `path` stays untouched. Only write within the block: every OSError there is reported as a
    failure to write `path`.

    Raises
    ------
    UnetError
        The folder is missing or read-only, the disk is full, `path` is a folder, or the name is taken.
    """
    path = Path(path)
    # Through a symbolic link, the file it points to is replaced, not the link.
    target = Path(os.path.realpath(path))
    # A short name of its own: a long name of the target must not grow past the system's limit.
    temporary = target.with_name(f".napari-unet-{secrets.token_hex(6)}.tmp")
    try:
        _require_place(target)
        yield temporary
        _flush_to_disk(temporary)
        if replacing:
            temporary.replace(target)
        else:
            _take_free_name(temporary, target)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _remove(temporary)


def require_writable(path: str | Path) -> None:
    """Refuse a place where no file could be written, before long work is spent on it; nothing is left there.

    Raises
    ------
    UnetError
        The folder is missing or read-only, or `path` is a folder.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    trial = target.with_name(f".napari-unet-{secrets.token_hex(6)}.tmp")
    try:
        _require_place(target)
        trial.touch(exist_ok=False)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _remove(trial)


def _require_place(target: Path) -> None:
    """Raise the OSError that says why `target` cannot be written, before work is spent on it."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.parent.exists() and not target.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent))
    if not target.parent.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))


def _take_free_name(temporary: Path, target: Path) -> None:
    """Give a finished file its name; FileExistsError where that is taken."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this disk: all but sure
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        temporary.replace(target)


def _flush_to_disk(temporary: Path) -> None:
    """Wait until the bytes are on the disk: a rename may otherwise outlive a power cut, and they not."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())


def _remove(temporary: Path) -> None:
    """Remove what is left of a failed write; where even that fails, the first error matters more."""
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return
