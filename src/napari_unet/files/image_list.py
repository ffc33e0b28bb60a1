"""Which images a list of files, folders and patterns means, and where their masks go."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from napari_unet.errors import UnetError
from napari_unet.files.kinds import IMAGE_SUFFIXES, is_image
from napari_unet.files.openable import exists, is_file, is_folder, list_folder
from napari_unet.files.provenance import read_provenance
from napari_unet.files.tiff import MASK_SUFFIXES
from napari_unet.files.zarr import fields_of, is_zarr

MAX_NAMED = 5
"""Files that are left out and named; there may be thousands."""
MASK_ENDING, IMAGE_ENDING = "_labels.tif", "_image.tif"
"""What follows an image's name in that of its mask, or of the image that a model made of it."""
ZARR = ".zarr"
"""Ends the name of a folder that takes labels of any size."""


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
        return _images_among(matches, left_out) or _nothing(f"nothing that matches {text} is an image")
    return _images_of(path)


def _images_of(path: Path) -> list[Path]:
    """Return the fields of a plate, and what is none as it is."""
    return fields_of(path) if is_zarr(path) else [path]


def _images_in(folder: Path, left_out: list[str]) -> list[Path]:
    """Return the images of a folder, and note what is left out."""
    inside = [path for path in list_folder(folder) if not path.name.startswith(".")]
    return _images_among(inside, left_out) or _nothing(f"folder {folder} holds no images")


def _images_among(inside: Sequence[Path], left_out: list[str]) -> list[Path]:
    """Return the images among some paths, and note what is left out: other files, masks of former runs."""
    files = [path for path in inside if is_zarr(path) or is_file(path)]
    images = [path for path in files if is_zarr(path) or is_image(path)]
    masks = {path for path in images if _is_mask(path)}
    left_out += _named([path for path in files if path not in images], "no images that can be read here")
    left_out += _named([path for path in inside if not exists(path)], "links to what is not there")
    left_out += _named(sorted(masks), "masks of a former run")
    return [field for path in images if path not in masks for field in _images_of(path)]


def _nothing(why: str) -> NoReturn:
    raise UnetError(f"{why} ({' '.join(IMAGE_SUFFIXES)}, Zarr)")


def _named(files: list[Path], why: str) -> list[str]:
    """Return a sentence on files that are left out, of many with how many more; none where there are none."""
    more = f" and {len(files) - MAX_NAMED} more" if len(files) > MAX_NAMED else ""
    names = ", ".join(path.name for path in files[:MAX_NAMED])
    return [f"left out, {why}: {names}{more}"] if files else []


def _is_mask(path: Path) -> bool:
    """Whether a file was written by this program, and is no image to segment."""
    try:
        if path.suffix.lower() not in MASK_SUFFIXES or not is_file(path):
            return False
        made = read_provenance(path)
        return made is not None and made.get("values") != "image"
    except UnetError:  # what is wrong with it is said where it is read
        return False


def mask_files(images: Sequence[Path], output: Path, ending: str = MASK_ENDING) -> list[Path]:
    """Return where the mask of each image goes.

    `output` is a .tif file or a new .zarr folder for one image, else a folder.
    """
    if output.suffix == ZARR or (output.suffix.lower() in MASK_SUFFIXES and not output.is_dir()):
        if len(images) > 1:
            raise UnetError(f"{len(images)} images cannot go into the one file {output}: give a folder")
        return [output]
    if output.suffix and not output.is_dir() and (len(images) == 1 or output.suffix.lower() in IMAGE_SUFFIXES):
        raise UnetError(
            f"masks are TIFF or OME-Zarr: {output.name!r} must end in .tif or .zarr, or be a folder that exists"
        )
    masks = [output / (image_name(path) + ending) for path in images]
    of_name: dict[str, Path] = {}
    for image, mask in zip(images, masks, strict=True):
        first = of_name.setdefault(mask.name.casefold(), image)  # some systems do not tell A.tif from a.tif
        if first is not image:
            raise UnetError(
                f"{first} and {image} would both be written to {mask.name}: segment them into folders of their own"
            )
    return masks


def image_name(path: Path) -> str:
    """Return what to call the mask of an image: of one within a Zarr folder, its way there, "plate_A_1_0"."""
    whole = path.resolve() if is_zarr(path) else path
    outer = next((place for place in (whole, *whole.parents) if place.suffix == ".zarr"), whole)
    return "_".join([outer.stem.removesuffix(".ome"), *whole.relative_to(outer).parts])
