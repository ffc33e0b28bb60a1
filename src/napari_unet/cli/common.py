"""What several commands share: the list of input files, the progress bar."""

from __future__ import annotations

import argparse
import glob
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from napari_unet.errors import UnetError, printable
from napari_unet.files.atomic import require_writable
from napari_unet.files.kinds import IMAGE_SUFFIXES, is_image
from napari_unet.files.openable import exists, is_file, is_folder, list_folder
from napari_unet.files.provenance import read_provenance
from napari_unet.files.tiff import MASK_SUFFIXES
from napari_unet.files.zarr import fields_of, is_zarr
from napari_unet.models.library import SUFFIX
from napari_unet.progress import Progress, Steps, finish, map_progress

Result = TypeVar("Result")
MAX_NAMED = 5
"""Files that are left out and named; there may be thousands."""


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


def named_path(text: str) -> Path:
    """Return the path that an argument names; an empty one, as of a variable that is not set, names none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def input_files(inputs: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Return the images that files, folders and patterns name, without repeats, in the order given.

    And sentences on what the folders hold besides, which is left out.
    """
    found: dict[Path, None] = {}
    left_out: list[str] = []
    for text in inputs:
        for path in _expand(text, left_out):
            found[path] = None
    return list(found), left_out


def _expand(text: str, left_out: list[str]) -> list[Path]:
    if not text.strip():
        raise UnetError("the name of an image is empty: name a file, a folder or a pattern")
    path = Path(text)
    if is_folder(path) and not is_zarr(path):
        return _images_in(path, left_out)
    if not exists(path) and glob.has_magic(text):
        matches = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns too
        if not matches:
            raise UnetError(f"nothing matches {text}: check the pattern")
        return [image for match in matches for image in _images_of(match)]
    return _images_of(path)


def _images_of(path: Path) -> list[Path]:
    """Return the fields of a plate, and what is none as it is."""
    return fields_of(path) if is_zarr(path) else [path]


def _images_in(folder: Path, left_out: list[str]) -> list[Path]:
    """Return the images of a folder, and note what is left out: other files, and masks of former runs."""
    inside = [path for path in list_folder(folder) if not path.name.startswith(".")]
    files = [path for path in inside if is_zarr(path) or is_file(path)]
    images = [path for path in files if is_zarr(path) or is_image(path)]
    masks = {path for path in images if _is_mask(path)}
    left_out += _named([path for path in files if path not in images], "no images that can be read here")
    left_out += _named(sorted(masks), "masks of a former run")
    images = [path for path in images if path not in masks]
    if not images:
        raise UnetError(f"folder {folder} holds no images ({' '.join(IMAGE_SUFFIXES)}, Zarr)")
    return [field for path in images for field in _images_of(path)]


def _named(files: list[Path], why: str) -> list[str]:
    """Return a sentence on files that are left out, of many with how many more; none where there are none."""
    more = f" and {len(files) - MAX_NAMED} more" if len(files) > MAX_NAMED else ""
    names = ", ".join(path.name for path in files[:MAX_NAMED])
    return [f"left out, {why}: {names}{more}"] if files else []


def _is_mask(path: Path) -> bool:
    """Whether a file was written by this program, and is no image to segment."""
    try:
        return path.suffix.lower() in MASK_SUFFIXES and is_file(path) and read_provenance(path) is not None
    except UnetError:  # what is wrong with it is said where it is read
        return False


def require_model_place(output: Path) -> None:
    """Refuse an --output that could not hold a model, before anything is learnt."""
    if output.suffix != SUFFIX:
        raise UnetError(f"--output must end with {SUFFIX}, got {output.name!r}")
    require_writable(output)


class StoppedBetweenSteps(KeyboardInterrupt):
    """Ctrl-C, after the step was done in which it came."""


def stop_between_steps(steps: Steps[Result]) -> Steps[Result]:
    """Run steps so that Ctrl-C waits for the end of one and leaves nothing half done; a second does not wait."""
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        return (yield from steps)
    former = signal.getsignal(signal.SIGINT)
    if former is signal.SIG_IGN:
        return (yield from steps)
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, former)

    def check(step: Progress) -> Progress:
        if asked:
            raise StoppedBetweenSteps
        return step

    signal.signal(signal.SIGINT, ask)
    try:
        return (yield from map_progress(steps, check))
    finally:
        signal.signal(signal.SIGINT, former)


def with_bar(steps: Steps[Result], title: str) -> Result:
    """Run steps to their end under a progress bar on stderr; figures stand beside it."""
    with tqdm(desc=printable(title), unit="step", file=sys.stderr, leave=False, disable=None) as bar:
        return finish(steps, partial(_show, bar))


def _show(bar: tqdm[Any], progress: Progress) -> None:
    if progress.total:
        bar.total = progress.total
        bar.update(progress.done - bar.n)
    if progress.figures:
        bar.set_postfix({name: f"{value:.4g}" for name, value in progress.figures.items()}, refresh=False)
