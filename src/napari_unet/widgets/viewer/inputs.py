"""What the inputs of a network read in a viewer: channels of an image, or other layers of its place and size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.channel_stack import ChannelStack
from napari_unet.arrays.channels import Channels, Input, match_names
from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.layers import LayerImage, read_layer
from napari_unet.widgets.viewer.notes import ImageReference, InputChoice, notes_of, write_notes
from napari_unet.widgets.viewer.paint import image_named, image_reference, images_of, path_of
from napari_unet.widgets.viewer.placing import placement

PLACE = ("scale", "translate", "rotate", "affine")
LEFT_OUT = InputChoice()


def offered_choices(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, image: LayerImage
) -> dict[str, InputChoice]:
    """Return what an input can read, by its text: the channels of an image, then layers that fit over it."""
    own = {channel_text(image, number): InputChoice(channel=number) for number in range(image.channels)}
    if image.channels == 1:
        own = {layer.name: InputChoice(channel=0)}
    others = (other for other in images_of(viewer) if other is not layer and _fits_over(other, layer, image))
    for other in others:
        text = other.name if other.name not in own else f"layer {other.name}"
        own[text] = InputChoice(image=image_reference(other))
    return own


def channel_text(image: LayerImage, number: int) -> str:
    """Return what to call a channel of an image."""
    return f"{image.channel_names[number]} (channel {number})" if image.channel_names else f"channel {number}"


def usual_choices(
    layer: napari.layers.Image, offered: dict[str, InputChoice], inputs: Sequence[Input], image: LayerImage
) -> tuple[InputChoice | None, ...]:
    """Return what the inputs read by default: channels of the same names, else one after another.

    None where the user must choose; that is so for all but the first where only other layers could follow.
    """
    known = kept_choices(layer, offered)
    left_out = [one.optional for one, choice in zip(inputs, known, strict=False) if choice == LEFT_OUT]
    if len(known) == len(inputs) and all(left_out):
        return known
    texts = list(offered)
    names = [_called(name, inputs) for name in [*image.channel_names, *texts[len(image.channel_names) :]]]
    if (matched := match_names(inputs, names)) is not None:
        return tuple(LEFT_OUT if one is None else offered[texts[one]] for one in matched)
    count = image.channels
    return tuple(
        InputChoice(channel=number) if number < count else (LEFT_OUT if one.optional else None)
        for number, one in enumerate(inputs)
    )


def _called(text: str, inputs: Sequence[Input]) -> str:
    """Return the input whose name is a word of a text, as "nuclei" is of "embryo 3 nuclei"; else the text."""
    words = re.split(r"\W+", text.casefold())
    return next((one.name for one in inputs if one.name.casefold() in words), text)


def kept_choices(layer: napari.layers.Image, offered: dict[str, InputChoice]) -> tuple[InputChoice, ...]:
    """Return what was chosen for an image, as far as it is still on offer; layers by the names they have now."""
    found = [
        next((one for one in (LEFT_OUT, *offered.values()) if _is_same(one, known)), None)
        for known in notes_of(layer).inputs
    ]
    return tuple(one for one in found if one is not None)


def _is_same(one: InputChoice, other: InputChoice) -> bool:
    """Whether two choices are of one channel or layer, whatever it was called."""
    if one.image is None or other.image is None:
        return one == other
    opened_again = (one.image.name, one.image.path) == (other.image.name, other.image.path)
    return one.image.id == other.image.id or opened_again


def keep_choices(layer: napari.layers.Image, choices: Sequence[InputChoice]) -> None:
    """Keep with an image what the inputs of a network read, for all panels."""
    notes = notes_of(layer)
    if notes.inputs != tuple(choices):
        write_notes(layer, replace(notes, inputs=tuple(choices)))


def read_choices(
    viewer: napari.viewer.Viewer, image: LayerImage, choices: Sequence[InputChoice], name: str = ""
) -> tuple[LayerImage, Channels]:
    """Return the image that a network sees and the channels of it, in the order of its inputs.

    That is the image itself, or a stack of channels and layers, of which nothing is copied. `name` is what to call
    the channel of an image that has but one.

    Raises
    ------
    UnetError
        If a layer is not open any more, or has another size now.
    """
    if all(choice.image is None for choice in choices):
        return image, tuple(choice.channel for choice in choices)
    parts: list[Any] = []
    names: list[str] = []
    channels: list[int | None] = []
    for choice in choices:
        channels.append(None if choice == LEFT_OUT else len(parts))
        if choice.image is not None:
            parts.append(_layer_of(viewer, choice.image))
            names.append(choice.image.name)
        elif choice.channel is not None:
            parts.append(_channel_of(image, choice.channel))
            names.append(name if name and image.channels == 1 else channel_text(image, choice.channel))
    stack = ChannelStack(parts)
    seen = replace(image, array=stack, axes="C" + image.axes.replace("C", ""), channel_names=tuple(names))
    return seen, tuple(channels)


def _layer_of(viewer: napari.viewer.Viewer, known: ImageReference) -> Any:
    """Return the array of a layer that was chosen; one that was opened again is found by its name and file."""
    named = image_named(viewer, known.id)
    again = [one for one in images_of(viewer) if one.name == known.name and path_of(one) == known.path]
    found = named or next(iter(again), None)
    if found is None:
        raise UnetError(f"the layer {known.name} is not open any more: open it, or choose another input")
    return read_layer(found).array


def _channel_of(image: LayerImage, number: int) -> Any:
    """Return one channel of an image, read where it is sliced."""
    if "C" not in image.axes:
        return image.array
    lazy = hasattr(image.array, "__array_function__")  # NumPy and dask slice without reading
    return image.array[number] if lazy else _Channel(image.array, number)


class _Channel:
    """One channel of an array (C, ...)."""

    def __init__(self, array: Any, number: int) -> None:
        self._array, self._number = array, number
        self.shape, self.dtype, self.ndim = tuple(array.shape[1:]), array.dtype, len(array.shape) - 1

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self._array[(self._number, *(key if isinstance(key, tuple) else (key,)))])


def _fits_over(other: napari.layers.Image, layer: napari.layers.Image, image: LayerImage) -> bool:
    """Whether a layer shows one channel of the same size at the same place."""
    try:
        read = read_layer(other)
    except UnetError:
        return False
    kept = image.axes.replace("C", "")
    if other.rgb or layer.rgb or read.axes != kept or read.array.shape != _without_channels(image):
        return False
    here, there = placement(layer, image.axes, kept), placement(other, kept, kept)
    return all(np.allclose(here[name], there[name]) for name in PLACE)


def _without_channels(image: LayerImage) -> tuple[int, ...]:
    return tuple(image.array.shape[image.axes.count("C") :])
