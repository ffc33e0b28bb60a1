"""Plan: everything that decides the labels of an image, found before the first of them is written.

`plan_segmentation` measures intensities and zoom and gives a `SegmentationPlan`, which holds all that a run needs
but the weights, and can be pickled: another process that loads the same model makes the same labels of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_unet.arrays.axes import Plane, Region, aligned_region, planes, restrict
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import FittedNormalization
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.model import Model
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
    zoom: float
    """How many pixels the network sees per pixel of the image and axis."""
    part: dict[str, tuple[int, int]]
    """(start, stop) in pixels by axis: the selected region grown to the network's pooling grid."""
    thresholds: InstanceSettings
    prediction: PredictionSettings

    @property
    def axes(self) -> str:
        """Return the axes of the labels."""
        return self.source.label_axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the labels."""
        return tuple(stop - start for start, stop in (self.part[axis] for axis in self.axes))

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
        sentences = []
        if self.intensity.invalid:
            sentences.append(
                f"{self.intensity.invalid} sampled pixels were NaN or infinite; they were treated as background."
            )
        if self.is_empty:
            sentences.append("The image has the same value everywhere, so there is nothing to find.")
        return tuple(sentences)

    def planes(self) -> list[Plane]:
        """Return the planes to segment, each cut to the part."""
        return list(restrict(self._whole_planes(), {axis: slice(*side) for axis, side in self.part.items()}))

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
    chosen, spec = settings or SegmentationSettings(), model.spec
    selection = select(source, spec, channels=chosen.channels, region=region, join=chosen.join)
    wanted = selected_planes(source, selection, spec)
    by_hand = chosen.intensity
    normalization = spec.normalization.by_hand(by_hand.range, by_hand.percentiles)
    intensity = yield from measure_intensity(wanted, normalization)
    prediction = chosen.prediction.replace(rotations=chosen.prediction.rotations or spec.rotations)
    predictor = Predictor(model.net, prediction)
    zoom = chosen.zoom
    if zoom is None:
        measured = [replace(plane, intensity=intensity) for plane in wanted]
        zoom = 1.0 if intensity.is_constant else (yield from choose_zoom(measured, predictor, spec))
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
        part={axis: (side.start, side.stop) for axis, side in sides.items()},
        thresholds=chosen.thresholds(spec.instances),
        prediction=prediction,
    )


def selected_planes(source: Source, selection: Selection, spec: ModelSpec) -> list[Plane]:
    """Return all planes of an image with the channels that a model reads."""
    return list(
        planes(source.array, source.axes, spatial=spec.axes, channels=spec.in_channels, chosen=selection.channels)
    )


def require_model(model: Any) -> Model:
    """Return the model; UnetError where it is something else, such as the name of one."""
    if isinstance(model, Model):
        return model
    known = f": load_model({model!r}) may give it" if isinstance(model, str) else ""
    raise UnetError(f"segment needs an image and a model, got a {type(model).__name__} for the model{known}")
