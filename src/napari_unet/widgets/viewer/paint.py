"""Which layers of a viewer hold paint, of which kind each is, and to which image it belongs.

What the values of a kind mean is known by `arrays/annotations.py` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_unet.arrays.axes import result_shape
from napari_unet.errors import UnetError
from napari_unet.models.class_marks import colour_of
from napari_unet.settings.zooms import Zoom, stored_zoom
from napari_unet.widgets.viewer.file_header import written_mask
from napari_unet.widgets.viewer.layers import LayerImage, full_resolution, read_layer
from napari_unet.widgets.viewer.notes import (
    ANNOTATION,
    RESULT,
    ImageReference,
    InputChoice,
    LayerNotes,
    notes_of,
    role_of,
)

if TYPE_CHECKING:
    import napari

STROKES, CORRECTIONS, TRUTH = "strokes", "corrections", "truth"
MEANINGS = {
    STROKES: "Strokes",
    CORRECTIONS: "Corrections",
    TRUTH: "Complete truth",
}
MEANING_TIP = (
    "Strokes: 0 is not annotated, 1 background. Corrections: what differs from the prediction. "
    "Complete truth: every pixel counts, 0 is background."
)
MAX_PREDICTIONS, REMEMBERED_BYTES = 9, 2**28
"""How many former predictions a layer remembers, and how much memory they may take; one is always kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paint:
    """A snapshot of one painted layer with its image, safe to hand to a worker while painting goes on."""

    name: str
    of: str
    """What names the image's layer: see `image_id`."""
    image: LayerImage
    meaning: str
    values: NDArray[Any]
    prediction: NDArray[Any] | None = None
    origin: tuple[int, ...] = ()
    """Where the layer's first pixel lies in the image; empty where it covers the image."""
    zoom: Zoom | None = None
    """How large the network saw the image whose prediction is corrected."""
    channel: int | None = None
    """The channel of the image whose prediction is corrected, None where it has but one."""
    choices: tuple[InputChoice, ...] = ()
    """What the inputs of a network read whose prediction is corrected, where it has several."""
    seen: LayerImage | None = None
    """What a network of several inputs sees, where that is a stack of layers."""
    kind: str = ""
    """What the values of a result are, "objects" or "classes"; empty where they are no result."""
    right: tuple[slice, ...] | None = None
    """The part of the layer whose prediction the painter accepts as the truth."""

    @property
    def sees(self) -> LayerImage:
        """Return the image that a network is to learn."""
        return self.seen or self.image


def images_of(viewer: napari.viewer.Viewer) -> list[Image]:
    """Return the opened images: image layers that are not our own previews, weights and masks."""
    images = [layer for layer in viewer.layers if isinstance(layer, Image) and not role_of(layer)]
    return [layer for layer in images if written_mask(layer) is None]


def painted_layers(viewer: napari.viewer.Viewer) -> Iterator[tuple[Labels, Image]]:
    """Yield every Labels layer that may have been painted on, with its image."""
    for layer in viewer.layers:
        if isinstance(layer, Labels) and not layer.multiscale:
            image = image_of(viewer, layer)
            if image is not None:
                yield layer, image


def prepare_painting(result: Labels, classes: Sequence[str], marks: Sequence[str] = ()) -> None:
    """Show what the classes of a result are; of objects, let what is painted next be one of its own."""
    if classes:
        show_classes(result, classes, marks)
    else:
        result.selected_label = min(int(np.max(result.data, initial=0)) + 1, np.iinfo(result.data.dtype).max)


def show_classes(layer: Labels, names: Sequence[str], marks: Sequence[str] = ()) -> None:
    """Let a layer say what its classes are called, and show them in the colours of the truth that was learnt.

    `marks` are those of `ModelSpec.class_marks`; a black background stays transparent.
    """
    name_values(layer, dict(enumerate(names)))
    colours = {number: colour for number, mark in enumerate(marks) if (colour := colour_of(str(mark)))}
    if colours:
        shown: dict[int | None, Any] = {None: (0, 0, 0, 0)}
        for number, colour in colours.items():
            shown[number] = (*colour, float(number > 0 or any(colour)))
        layer.colormap = DirectLabelColormap(color_dict=shown)


def name_values(layer: Labels, meanings: Mapping[int, str]) -> None:
    """Let napari's status bar say what the values of a layer mean."""
    layer.features = {"index": list(meanings), "meaning": list(meanings.values())}


def value_names(layer: Labels) -> dict[int, str]:
    """Return what `name_values` said."""
    if not role_of(layer) or not {"index", "meaning"} <= set(layer.features):
        return {}
    named = zip(layer.features["index"].tolist(), layer.features["meaning"].tolist(), strict=True)
    return {int(value): str(meaning) for value, meaning in named}


def image_of(viewer: napari.viewer.Viewer, layer: Labels) -> Image | None:
    """Return the image that a Labels layer belongs to, None where it is not open.

    It is the one that the layer was made for, also when it was opened again; for layers that we did not make one
    of the same shape: from which a mask says that it was made, whose name the layer's begins with, else the
    nearest below it.
    """
    notes = notes_of(layer)
    known = notes.image
    if known is not None and (image := image_named(viewer, known.id)) is not None:
        return image
    shape = layer.data.shape
    fitting = [image for image in images_of(viewer) if covers(labels_shape(image), shape, notes.origin)]
    if known is not None:  # it was closed: is it opened again?
        moved = not known.path or not Path(known.path).exists()
        fitting = [
            image for image in fitting if image.name == known.name and (moved or path_of(image) == known.path)
        ]
        return fitting[0] if fitting else None
    source = str(notes.provenance.get("source", ""))
    sources = [image for image in fitting if source and image.name in (source, Path(source).stem)]
    if sources:
        return sources[0]
    named = [image for image in fitting if layer.name.startswith(image.name)]
    if named:
        return max(named, key=lambda image: len(image.name))
    order = list(viewer.layers)
    below = [image for image in fitting if layer in order and order.index(image) < order.index(layer)]
    return (below or fitting or [None])[-1]


def covers(whole: tuple[int, ...], part: tuple[int, ...], origin: Sequence[int] | None) -> bool:
    """Whether labels of an image of one shape have another one: all of it, or a part that begins at an origin."""
    if not origin or len(whole) != len(part):
        return whole == tuple(part)
    return all(0 <= start <= side - length for start, length, side in zip(origin, part, whole, strict=True))


def image_named(viewer: napari.viewer.Viewer, of: str) -> Image | None:
    """Return the image that an `image_id` names, None where it was closed."""
    return next((image for image in images_of(viewer) if image_id(image) == of), None)


def image_reference(image: Image) -> ImageReference:
    """Return what names an image, also once it was closed."""
    return ImageReference(id=image_id(image), name=image.name, path=path_of(image))


def image_id(image: Image) -> str:
    """Return what names an image for as long as it is open."""
    return str(image.unique_id)


def path_of(image: Image) -> str:
    """Return the file of an image, empty where it has none."""
    return str(image.source.path or "")


def labels_shape(image: Image) -> tuple[int, ...]:
    """Return the shape that labels of an image have: without channels and samples; empty where unclear."""
    try:
        read = read_layer(image)
    except UnetError:
        return ()
    return result_shape(read.axes, read.array.shape)


def meanings_of(layer: Labels) -> list[str]:
    """Return what painting on a layer can mean, the likeliest first."""
    if role_of(layer) == RESULT:
        return [CORRECTIONS, TRUTH]
    if role_of(layer) == ANNOTATION:
        return [STROKES, TRUTH]
    return [TRUTH, STROKES]


def prediction_history(labels: NDArray[Any], former: LayerNotes) -> tuple[NDArray[Any], ...]:
    """Return the predictions that a result layer remembers: its own and, for undo, those before."""
    fitting = max(1, min(MAX_PREDICTIONS, REMEMBERED_BYTES // max(labels.nbytes, 1)))
    return (labels.copy(), *former.predictions[:fitting])


def prediction_of(layer: Labels) -> NDArray[Any] | None:
    """Return the prediction that was painted over, None where none is remembered."""
    return nearest(notes_of(layer).predictions, layer.data)


def nearest(predictions: Sequence[NDArray[Any]], values: NDArray[Any]) -> NDArray[Any] | None:
    """Return the prediction that was painted over: of several, as after an undo of Segment, that most like it."""
    known = [one for one in predictions if one.shape == values.shape]
    if len(known) < 2:
        return known[0] if known else None
    return min(known, key=lambda one: np.count_nonzero(one != values))


def is_untouched(layer: Labels) -> bool:
    """Whether a result shows what a model said, and no paint."""
    prediction = prediction_of(layer)
    return prediction is not None and np.array_equal(prediction, layer.data)


def take(layer: Labels, image: Image, meaning: str, *, right: tuple[slice, ...] | None = None) -> Paint | None:
    """Return a snapshot of a layer painted on an image; None where nothing is painted on it."""
    values = np.array(full_resolution(layer))
    prediction = prediction_of(layer) if meaning == CORRECTIONS else None
    untouched = 0 if prediction is None else prediction
    if meaning != TRUTH and not (values != untouched).any():
        return None
    notes = notes_of(layer)
    made = notes.settings if meaning == CORRECTIONS else {}
    return Paint(
        name=layer.name,
        of=image_id(image),
        image=read_layer(image),
        meaning=meaning,
        values=values,
        prediction=prediction,
        origin=notes.origin,
        zoom=stored_zoom(made.get("zoom")),
        channel=made.get("channel"),
        choices=notes.inputs if meaning == CORRECTIONS else (),
        kind=str(notes.provenance.get("values", "")),
        right=right,
    )
