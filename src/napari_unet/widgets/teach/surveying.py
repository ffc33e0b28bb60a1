"""The images in which Next looks: the selected one, others with labels, and files of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_unet.arrays.axes import result_axes
from napari_unet.arrays.channels import Channels
from napari_unet.errors import UnetError
from napari_unet.guidance import Survey
from napari_unet.progress import Steps, indeterminate
from napari_unet.widgets.teach.form import TeachingForm
from napari_unet.widgets.viewer.layers import LayerImage, read_layer
from napari_unet.widgets.viewer.paint import image_id, images_of, painted_layers, path_of
from napari_unet.widgets.viewer.project import project_images

if TYPE_CHECKING:
    import napari

Key = tuple[str, Path, str, tuple[int, ...], int]
"""An image layer or file, a model, axes, shape and channel: what a survey is of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """An image that was looked at."""

    survey: Survey
    axes: str
    """Of its labels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of its labels."""
        return self.survey.uncertainty.shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """An image in which a place may be suggested."""

    name: str
    key: Key
    layer: Image | None = None
    """None of a file that is not open."""
    read: Callable[[], tuple[Any, str, Channels | None]]
    """Returns the array, its axes, and the channels that the model reads; a file is opened by it."""


def open_images(viewer: napari.viewer.Viewer, selected: Image) -> list[Image]:
    """Return the selected image, and the others that have labels: what was segmented or painted on."""
    labelled = [image for _, image in painted_layers(viewer)]
    return [selected, *(image for image in images_of(viewer) if image in labelled and image is not selected)]


def candidates(viewer: napari.viewer.Viewer, selected: Image, form: TeachingForm, model: Path) -> list[Candidate]:
    """Return where to look for places to paint; UnetError where the selected image is unclear."""
    images = open_images(viewer, selected)
    found = [_open_candidate(selected, form, model)]
    for image in images[1:]:
        try:
            found.append(_open_candidate(image, form, model))
        except UnetError:  # its axes are unclear, or it lacks an input; selecting it shows this error
            continue
    if form.inputs.is_offered:  # layers, which files are not
        return found
    opened = {path_of(image) for image in images_of(viewer)}
    return found + [
        _file_candidate(path, form, model) for path in project_images(viewer) if str(path) not in opened
    ]


def key_of(layer: Image, image: LayerImage, form: TeachingForm, model: Path) -> Key:
    """Return what a survey of an open image is of."""
    shape = tuple(map(int, image.array.shape))
    return image_id(layer), model, image.axes, shape, form.channel_of(image) or 0


def _open_candidate(layer: Image, form: TeachingForm, model: Path) -> Candidate:
    image = read_layer(layer)
    seen, channels = form.seen(image_id(layer), image)
    return Candidate(
        name=layer.name,
        key=key_of(layer, image, form, model),
        layer=layer,
        read=lambda: (seen.array, seen.axes, channels),
    )


def _file_candidate(path: Path, form: TeachingForm, model: Path) -> Candidate:
    channel = int(form.channel.value())

    def read() -> tuple[Any, str, Channels | None]:
        from napari_unet.files.images import open_image

        source = open_image(path)
        return source.array, source.axes, (channel,) if source.channels > 1 else None

    return Candidate(name=path.name, key=(str(path), model, "", (), channel), read=read)


def begin_looking(
    model: Path, device: str, wanted: Sequence[Candidate]
) -> Callable[[], Steps[dict[Key, Seen | None]]]:
    """Return the function that a worker calls to look at images; None for a file that cannot be read."""

    def begin() -> Steps[dict[Key, Seen | None]]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.models.library import load_model

        start: Any = load_model(model)
        found: dict[Key, Seen | None] = {}
        for number, one in enumerate(wanted, start=1):
            doing = f"Looking at image {number} of {len(wanted)}" if len(wanted) > 1 else ""
            found[one.key] = yield from indeterminate(_look(start, one, device), doing)
        return found

    return begin


def _look(model: Any, one: Candidate, device: str) -> Steps[Seen | None]:
    from napari_unet.finetuning import at_one_zoom
    from napari_unet.guidance import survey_steps
    from napari_unet.settings.finetuning import FineTuningSettings

    try:
        array, axes, channels = one.read()
    except (UnetError, OSError):
        if one.layer is not None:
            raise
        return None
    settings = FineTuningSettings(device=device, channels=channels)
    if not model.spec.is_semantic:
        model = yield from at_one_zoom(model, array, axes=axes, settings=settings)
    survey = yield from survey_steps(model, array, axes=axes, channels=channels, device=device)
    return Seen(survey=survey, axes=result_axes(axes))
