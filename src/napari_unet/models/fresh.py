"""A model that knows nothing yet: the small padded network, for training from strokes or labels alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from napari_unet.arrays.channels import COLOURS, Input
from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.per_axis import relative_spacing
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.levels import plan_levels
from napari_unet.nets.seeding import seeded
from napari_unet.settings.instances import InstanceSettings

OBJECTS = ("background", "object", "border")
SIZES = {"YX": {"base_channels": 16, "levels": 4}, "ZYX": {"base_channels": 8, "levels": 3}}
"""Of the network by its axes: a step on volumes takes many times as long as one on planes."""


def fresh_model(
    *,
    in_channels: int = 1,
    classes: tuple[str, ...] = (),
    class_marks: tuple[str, ...] = (),
    inputs: tuple[Input, ...] = (),
    axes: str = "YX",
    spacing: Sequence[float] | None = None,
    name: str = "new",
    seed: int = 0,
) -> Model:
    """Return an untrained model: one that finds instances, or one that tells the `classes` given apart.

    Parameters
    ----------
    in_channels
        How many channels its images have.
    classes
        Names of the classes, the first is the background; none: it finds objects.
    class_marks
        Colour (#rrggbb) or grey value of each class in label images.
    inputs
        What the channels show, where the network reads several by name; then there are as many channels.
    axes
        "YX" for a network that sees planes, "ZYX" for one that sees volumes.
    spacing
        Distances of neighbouring pixels along the axes, in any unit. The network leaves Z alone until pooling Y
        and X has made them about equal.
    name
        What the model is called.
    seed
        The same seed gives the same weights.

    Returns
    -------
    Model
        To be given to `train` or `fine_tune`.

    Raises
    ------
    UnetError
        If axes or spacing cannot be.

    Examples
    --------
    >>> from napari_unet import fresh_model
    >>> fresh_model(axes="ZYX", spacing=(2.5, 1, 1)).spec.arguments["pooling"]
    ((1, 2, 2), (2, 2, 2), (2, 2, 2))
    """
    classes, levels = classes or OBJECTS, () if classes else (0.0, 1.0, 0.5)
    count = len(inputs) or in_channels
    sides = {"in_channels": count, "out_channels": len(classes), **SIZES.get(axes, SIZES["YX"])}
    spec = ModelSpec(
        name=name,
        architecture="padded",
        arguments={**sides, **plan_arguments(axes, spacing, levels=sides["levels"]), "dims": len(axes)},
        inputs=inputs,
        normalization=Normalization(joint=count in (1, COLOURS) and not inputs),
        classes=classes,
        class_marks=class_marks,
        levels=levels,
        description="Taught by its user from nothing.",
        **facts_of(axes, spacing),
    )
    with seeded(seed):
        net = build_net(spec.architecture, spec.arguments)
    return Model(net=net.eval(), spec=spec)


def plan_arguments(axes: str, spacing: Sequence[float] | None, *, levels: int) -> dict[str, Any]:
    """Return the arguments of a network that are planned from the spacing of the pixels; empty for even ones."""
    return plan_levels(relative_spacing(spacing, len(axes)), levels)


def facts_of(axes: str, spacing: Sequence[float] | None) -> dict[str, Any]:
    """Return what a `ModelSpec` says of its axes: their spacing, and how many pixels a volume has at least.

    The smallest volume is that of a ball as wide as the smallest disc.
    """
    steps = relative_spacing(spacing, len(axes))
    known: dict[str, Any] = {"axes": axes, "spacing": steps if len(set(steps)) > 1 else ()}
    if len(axes) > 2:
        usual = InstanceSettings()
        radius = math.sqrt(usual.min_size / math.pi)
        known["instances"] = usual.replace(min_size=round(4 / 3 * math.pi * radius**3 / math.prod(steps)))
    return known
