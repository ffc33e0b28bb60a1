"""Write a file whole or not at all: the only place that renames a temporary file over a former one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unwritable
from napari_unet.files.processes import is_running, process_mark
from napari_unet.files.same_file import resolved

PREFIX, SUFFIX = ".napari-unet-", ".tmp"
_SWEPT: dict[Path, int] = {}
"""When a folder changed last by our own hand, in ns: it is listed again only where others changed it since."""


@contextmanager
def atomic_path(path: str | Path, *, replacing: bool = True, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`, to be written within the block and renamed at its end.

    Without `replacing` a file that is there by then stays: of several writers one gets the name. A `private` file
    can be read by its owner alone.

    Whatever ends the block early (an error, Cancel, Ctrl+C), the temporary file is removed and a former
    file at `path` stays untouched. Only write within the block: every OSError or MemoryError there is reported
    as a failure to write `path`. What a killed process left in the folder is removed.

    Raises
    ------
    UnetError
        The folder is missing or read-only, disk or memory is full, `path` is a folder, or the name is taken.
    """
    path = Path(path)
    target = resolved(path)  # through a symbolic link, the file it points to is replaced, not the link
    temporary = _temporary(target)
    try:
        _require_place(target)
        _sweep(target.parent)
        if private:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield temporary
        _flush_to_disk(temporary)
        if replacing:
            temporary.replace(target)
        else:
            _take_free_name(temporary, target)
    except OSError as error:
        raise unwritable(path, error) from error
    except MemoryError as error:
        raise unwritable(path, OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))) from error
    finally:
        _remove(temporary)
        _remember(target.parent)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, to be filled within the block and renamed at its end.

    Two renames would be needed to replace a folder, and a kill between them would lose it: one that is there is
    refused. Otherwise as `atomic_path`.

    Raises
    ------
    UnetError
        There is something at `path`, its folder is missing or read-only, or disk or memory is full.
    """
    path = Path(path)
    target = resolved(path)
    temporary = _temporary(target)
    try:
        if target.exists():
            raise UnetError(f"cannot write {path}: it exists: choose another name, or remove it first")
        _require_place(target)
        _sweep(target.parent)
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush_to_disk(file)
        temporary.rename(target)
    except OSError as error:
        raise unwritable(path, error) from error
    except MemoryError as error:
        raise unwritable(path, OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))) from error
    finally:
        _remove(temporary)
        _remember(target.parent)


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside `target`, on its disk, for its parts; the next writer removes that of a killed one."""
    name = _temporary(resolved(target))
    with TemporaryDirectory(
        dir=name.parent, prefix=name.stem, suffix=SUFFIX, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def temporary_output_folder(folder: Path | None) -> Iterator[None]:
    """Make a folder, if one is named, for what is written meanwhile; where nothing was, it is gone again."""
    missing: list[Path] = []
    try:
        if folder is not None:
            missing = [place for place in (folder, *folder.parents) if not place.exists()]
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnetError(f"cannot make the folder {folder} ({error.strerror}): choose another one") from None
    try:
        yield
    finally:
        for place in missing:  # inner ones first
            with suppress(OSError):  # something is in it, or it is gone
                place.rmdir()


def require_writable(path: str | Path) -> None:
    """Refuse a place where no file could be written, before long work is spent on it; nothing is left there.

    Raises
    ------
    UnetError
        The folder is missing or read-only, or `path` is a folder.
    """
    path = Path(path)
    target = resolved(path)
    trial = _temporary(target)
    try:
        _require_place(target)
        trial.touch(exist_ok=False)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _remove(trial)


def _temporary(target: Path) -> Path:
    """Return a free name beside `target` that says which process it is of.

    A short one of its own: a long name of the target must not grow past the system's limit.
    """
    return target.with_name(f"{PREFIX}{process_mark()}-{secrets.token_hex(6)}{SUFFIX}")


def _sweep(folder: Path) -> None:
    """Remove what processes that are gone left in a folder; a folder without permission is left as it is."""
    try:
        if _SWEPT.get(folder) == folder.stat().st_mtime_ns:
            return
        names = [path.name for path in folder.iterdir() if path.name.startswith(PREFIX)]
    except OSError:
        return
    for name in names:
        if _is_abandoned(name):
            _remove(folder / name)


def _is_abandoned(name: str) -> bool:
    """Whether a temporary file is of a process that is gone."""
    mark, _, _ = name.removeprefix(PREFIX).rpartition("-")
    try:
        return name.endswith(SUFFIX) and not is_running(mark)
    except ValueError:  # of an earlier version: unknown
        return False


def _remember(folder: Path) -> None:
    """Note that a folder holds nothing that was abandoned."""
    try:
        _SWEPT[folder] = folder.stat().st_mtime_ns
    except OSError:
        _SWEPT.pop(folder, None)


def _require_place(target: Path) -> None:
    """Raise the OSError that says why `target` cannot be written, before work is spent on it."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.parent.exists() and not target.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent))
    if not target.parent.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    if target.exists() and not target.is_file():
        raise UnetError(f"cannot write {target}: it is a pipe or a device: choose another name")


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
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
    except OSError:
        return
