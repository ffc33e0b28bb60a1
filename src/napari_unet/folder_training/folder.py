"""The folder that is learnt from: images, what their labels mean, and which are held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_unet.arrays.binary_masks import refuse_masks
from napari_unet.arrays.membranes import between_membranes, move_spatial_last, restore_axes
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.evaluation import pair_files
from napari_unet.files.class_images import read_class_images
from napari_unet.files.images import ImageFile, read_image, read_labels
from napari_unet.files.openable import is_folder, list_folder
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.pixel_zoom import common_pixel_size
from napari_unet.models.selection import select
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage, training_images_of
from napari_unet.progress import Progress, Steps


def folder_images(request: TrainingRequest) -> list[tuple[Path, str]]:
    """Return all files that are read, for the guard of what is written, and what they are."""
    folders = [request.folder / part for part in ("images", request.how.labels)]
    found = [path for folder in folders if is_folder(folder) for path in list_folder(folder)]
    return [(path, "one of the images or labels") for path in found]


def read_truths(
    request: TrainingRequest, spatial: str, marks: Sequence[str] = ()
) -> Steps[tuple[dict[Path, NDArray[Any]], tuple[str, ...]]]:
    """Return the labels by the path of their image, and the marks of classes; see `read_class_images`.

    `spatial` are the axes that the network works on, `marks` those of the classes that it knows already.
    """
    pairs = image_files(request)
    if request.how.truth == "classes":
        yield Progress(done=0, total=0, doing="Reading labels")
        read = read_class_images([label_path for label_path, _ in pairs], marks=marks)
        return {image: index for (_, image), index in zip(pairs, read.indices, strict=True)}, read.marks
    labels = {}
    for label_path, image_path in pairs:
        yield Progress(done=0, total=0, doing="Reading labels")
        labels[image_path] = read_labels(label_path)
    if request.how.truth == "membranes":
        return {path: parted_objects(file, spatial) for path, file in labels.items()}, ()
    named = ((path.name, planes_of(file, spatial)) for path, file in labels.items())
    refuse_masks(named, "use `truth` classes", dims=len(spatial))
    return {path: file.array for path, file in labels.items()}, ()


def image_files(request: TrainingRequest) -> list[tuple[Path, Path]]:
    """Return (labels, image) files of the same names; UnetError where the folder does not hold them."""
    for part in ("images", request.how.labels):
        if not is_folder(request.folder / part):
            raise UnetError(
                f"{request.folder} must hold the folders images and {request.how.labels}; {part} is missing"
            )
    return pair_files(request.folder / request.how.labels, request.folder / "images", sought="labels")


def spacing_of(images: Iterable[Path], axes: str, remark: Callable[[str], None]) -> tuple[float, ...] | None:
    """Return the distances of pixels along the axes of a volume as the first file says that does; else None.

    `remark` is called with a sentence where none of the files says it.
    """
    if "Z" not in axes:
        return None
    for path in images:
        size = read_image(path).calibration
        if size is not None and size.get("Z") is not None:
            return size.lengths(axes)
    remark("The files do not say how far apart planes are: as far as pixels; `spacing` 2.5,1,1 says otherwise.")
    return None


def parted_objects(membranes: ImageFile, spatial: str) -> NDArray[Any]:
    """Return the objects that membranes part in each plane that the network sees; axes stay as they are."""
    objects = between_membranes(planes_of(membranes, spatial), dims=len(spatial))
    return restore_axes(objects, membranes.axes, spatial)


def planes_of(labels: ImageFile, spatial: str) -> NDArray[Any]:
    """Return labels with the axes that the network works on as the last ones."""
    if set(spatial) - set(labels.axes):
        raise UnetError(f"the network works on {spatial}, labels have axes {labels.axes}: give another `start`")
    return move_spatial_last(labels.array, labels.axes, spatial)


def load_folder(
    request: TrainingRequest, truths: dict[Path, NDArray[Any]], spec: ModelSpec
) -> Steps[tuple[ModelSpec, list[list[TrainingImage]]]]:
    """Return the model with the pixel size that all images have, if any, and their planes.

    What is learnt of colours is said.
    """
    loaded, in_grey, channels = [], False, request.how.channel
    sizes: list[PixelSize | None] = []
    for path, labels in truths.items():
        yield Progress(done=0, total=0, doing="Reading images")
        image = read_image(path)
        sizes.append(image.calibration)
        in_grey |= image.axes.endswith("S") and spec.in_channels == 1 and channels is None
        read = select(image.source, spec, channels=channels).channels
        loaded.append(training_images_of(path.name, image.array, labels, spec, axes=image.axes, channels=read))
    if in_grey:
        request.remark("RGB images are learnt in grey: `in_channels` 3 learns their colours.")
    return replace(spec, pixel_size=common_pixel_size(sizes, spec.axes)), loaded


def split(
    images: list[list[TrainingImage]], request: TrainingRequest
) -> tuple[list[TrainingImage], list[TrainingImage]]:
    """Hold out the images that are named, or a share evenly spread over the sorted names; of one stack, planes."""
    share = request.how.validation
    if request.validate:
        names = [planes[0].name for planes in images]
        missing = [name for name in request.validate if not any(is_named(known, name) for known in names)]
        if missing:
            raise UnetError(f"{missing[0]} is to be held out and is not among {', '.join(names[:5])}, ...")
        held = {n for n, known in enumerate(names) if any(is_named(known, name) for name in request.validate)}
    else:
        if len(images) == 1 and share:
            say_what_is_held_out(request, images[0])
            images = [[plane] for plane in images[0]]
        count = min(len(images) - 1, max(1, round(share * len(images)))) if share else 0
        held = {round((position + 0.5) * len(images) / count) % len(images) for position in range(count)}
    training = [plane for number, planes in enumerate(images) if number not in held for plane in planes]
    validation = [plane for number in sorted(held) for plane in images[number]]
    return training, validation


def say_what_is_held_out(request: TrainingRequest, planes: list[TrainingImage]) -> None:
    """Say that a single image leaves nothing to validate on, or planes alone, which look like their neighbours."""
    name = planes[0].name
    said = (
        f"{name} is the only image: some of its planes are held out, which look much like those beside them."
        if len(planes) > 1
        else f"{name} is the only image: none is held out, so that nothing tells how good the model is."
    )
    request.remark(said)


def is_named(known: str, name: str) -> bool:
    """Whether a name, with or without the file's suffixes, means an image and not one that begins alike."""
    return known == name or known.startswith(f"{name}.")
