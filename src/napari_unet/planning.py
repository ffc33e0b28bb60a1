"""Plan: everything that decides the labels of an image, found before the first of them is written.

`plan_segmentation` measures intensities and zoom and gives a `SegmentationPlan`, which holds all that a run needs
but the weights, and can be pickled: another process that loads the same model makes the same labels of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.arrays.axes import Plane, Region, aligned_region, planes, restrict
from napari_unet.arrays.intensities import SAMPLED_PIXELS, measure_intensity
from napari_unet.arrays.normalization import FittedNormalization
from napari_unet.arrays.per_axis import per_axis
from napari_unet.arrays.source import Source
from napari_unet.arrays.zoom import Zooms, is_own_size
from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.models.pixel_zoom import zoom_of_pixels
from napari_unet.models.prediction_to_labels import grid_steps
from napari_unet.models.selection import Selection, select
from napari_unet.models.sizes import choose_zoom
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import Steps
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.intensity import IntensitySettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings

PIXELS, OBJECTS, MODEL, USER = "pixel size", "objects", "model", "user"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentationPlan:
    """What will be segmented, by which model, and how; see the fields."""

    source: Source
    selection: Selection
    spec: ModelSpec
    model_path: Path | None
    model_sha256: str
    """Identifies the weights; empty for a model that was never saved."""
    intensity: FittedNormalization
    """How intensities become what the network sees, fitted once on the whole image."""
    by_hand: IntensitySettings
    """The intensity range that a user chose, if any."""
    zoom: Zooms
    """How many pixels the network sees per pixel of the image, for each of the model's axes."""
    zoom_from: str = MODEL
    """What chose the zoom: PIXELS, OBJECTS, the MODEL or the USER."""
    part: dict[str, tuple[int, int]]
    """(start, stop) in pixels by axis: the selected region grown to the network's pooling grid."""
    thresholds: InstanceSettings
    prediction: PredictionSettings

    @property
    def axes(self) -> str:
        """Return the axes of the labels."""
        return self.source.label_axes

    @property
    def lengths(self) -> dict[str, int]:
        """Return the length of each axis of the labels."""
        return {axis: self.part[axis][1] - self.part[axis][0] for axis in self.axes}

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the labels."""
        return tuple(self.lengths.values())

    @property
    def origin(self) -> tuple[int, ...]:
        """Return where the labels' first pixel lies in the image, per axis of the labels."""
        return tuple(self.part[axis][0] for axis in self.axes)

    @property
    def pixels(self) -> int:
        """Return how many pixels are segmented."""
        return math.prod(self.shape)

    @property
    def joined_axes(self) -> str:
        """Return the axes along which objects are joined: those that have more than one plane."""
        return "".join(axis for axis in self.selection.join if self.part[axis][1] - self.part[axis][0] > 1)

    @property
    def is_empty(self) -> bool:
        """Whether the image has the same value everywhere, so that nothing is to be found."""
        return self.intensity.is_constant

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return sentences that the user should read: pixels that were not finite, an empty image."""
        sentences = list(self._left_out())
        if self.intensity.invalid:
            sentences.append(
                f"{self.intensity.invalid} sampled pixels were NaN or infinite; they were treated as background."
            )
        if self.is_empty:
            sentences.append("The image has the same value everywhere, so there is nothing to find.")
        return tuple(sentences)

    @property
    def inputs(self) -> dict[str, str | int | None]:
        """Return which channel each named input reads: its name, its position from 0, or None for none."""
        names, channels = self.source.channel_names, self.selection.channels or ()
        read = [names[c] if c is not None and c < len(names) else c for c in channels]
        return dict(zip((one.name for one in self.spec.inputs), read, strict=False))

    def _left_out(self) -> Iterator[str]:
        """Yield a sentence for each optional input that the image has nothing for."""
        for name, channel in self.inputs.items():
            if channel is None:
                yield f"No channel was given for {name}; {self.spec.name} works without it."

    def planes(self) -> list[Plane]:
        """Return the planes to segment, each cut to the part."""
        return list(restrict(self._whole_planes(), {axis: slice(*side) for axis, side in self.part.items()}))

    def place_of(self, plane: Plane) -> tuple[int | slice, ...]:
        """Return where one of the planes lies in the labels."""
        starts = dict(zip(self.axes, self.origin, strict=True))
        return tuple(
            plane.index[axis] - starts[axis] if axis in plane.index else slice(None) for axis in self.axes
        )

    def _whole_planes(self) -> list[Plane]:
        whole = selected_planes(self.source, self.selection, self.spec)
        return [replace(plane, intensity=self.intensity) for plane in whole]


def plan_segmentation(
    source: Source,
    model: Model,
    settings: SegmentationSettings | None = None,
    *,
    region: Region | None = None,
) -> Steps[SegmentationPlan]:
    """Measure what decides the labels of an image and return the plan; yields while it reads and looks.

    Parameters
    ----------
    source
        The image; `Source.of` makes one of an array and its axes.
    model
        From `load_model`.
    settings
        Channels, zoom, thresholds, device; what is left out is the model's, or measured.
    region
        (start, stop) by axis: segment that part alone, with the intensities of the whole image.

    Raises
    ------
    UnetError
        If channels, axes or region do not fit the image and the model.
    """
    chosen, spec = SegmentationSettings.chosen(settings), model.spec
    selection = select(source, spec, channels=chosen.channels, region=region, join=chosen.join)
    wanted = selected_planes(source, selection, spec)
    if spec.gives_image and chosen.zoom is not None and not is_own_size(chosen.zoom):
        raise UnetError(f"{spec.name} gives images of the size of its input, got zoom {chosen.zoom}: omit it")
    by_hand = chosen.intensity
    normalization = spec.normalization.by_hand(by_hand.range, by_hand.percentiles)
    intensity = yield from measure_intensity(wanted, normalization)
    if intensity.is_constant and intensity.invalid:
        _require_numbers(wanted)
    prediction = chosen.prediction.replace(rotations=chosen.prediction.rotations or spec.rotations)
    predictor = Predictor(model.net, prediction)
    zoom, zoom_from = _known_zoom(source, spec, chosen)
    if zoom is None:
        measured = [replace(plane, intensity=intensity) for plane in wanted]
        own = (1.0,) * len(spec.axes)
        zoom = own if intensity.is_constant else (yield from choose_zoom(measured, predictor, spec))
    sides = aligned_region(
        selection.region, source.axes, source.array.shape, spec.axes, grid_steps(predictor, zoom)
    )
    return SegmentationPlan(
        source=source,
        selection=selection,
        spec=spec,
        model_path=model.path,
        model_sha256=model.sha256,
        intensity=intensity,
        by_hand=by_hand,
        zoom=zoom,
        zoom_from=zoom_from,
        part={axis: (side.start, side.stop) for axis, side in sides.items()},
        thresholds=chosen.thresholds(spec.instances),
        prediction=prediction,
    )


def _require_numbers(planes: Sequence[Plane]) -> None:
    """Refuse an image without a single number: no mask of it would mean anything."""
    parts = ((plane, part) for plane in planes for part in plane.parts(SAMPLED_PIXELS))
    if not any(np.isfinite(plane.band(part)).any() for plane, part in parts):
        raise UnetError("no pixel of the image is a finite number, all are NaN or infinite: export it again")


def _known_zoom(source: Source, spec: ModelSpec, chosen: SegmentationSettings) -> tuple[Zooms | None, str]:
    """Return the zoom where it need not be measured, else None, and what chooses it."""
    if chosen.zoom is not None:
        return per_axis(chosen.zoom, len(spec.axes), "zoom"), USER
    if chosen.zoom_from == "pixels" and not spec.gives_image:
        zoom = zoom_of_pixels(source.pixel_size, spec)
        if zoom is not None:
            return zoom, PIXELS
    return (None, OBJECTS) if spec.sizes is not None else (spec.zooms, MODEL)


def selected_planes(source: Source, selection: Selection, spec: ModelSpec) -> list[Plane]:
    """Return all planes of an image with the channels that a model reads."""
    return list(
        planes(source.array, source.axes, spatial=spec.axes, channels=spec.reads, chosen=selection.channels)
    )


def require_model(model: Any) -> Model:
    """Return the model; UnetError where it is something else, such as the name of one."""
    if isinstance(model, Model):
        return model
    known = f": load_model({model!r}) may give it" if isinstance(model, str) else ""
    raise UnetError(f"segment needs an image and a model, got a {type(model).__name__} for the model{known}")
