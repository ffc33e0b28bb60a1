"""A model that knows nothing yet: the small padded network, for training from strokes or labels alone."""

from __future__ import annotations

from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.seeding import seeded

OBJECTS = ("background", "object", "border")


def fresh_model(
    *,
    in_channels: int = 1,
    classes: tuple[str, ...] = (),
    class_marks: tuple[str, ...] = (),
    axes: str = "YX",
    name: str = "new",
    seed: int = 0,
) -> Model:
    """Return an untrained model: one that finds instances, or one that tells the `classes` given apart.

    in_channels is how many channels its images have; the first class is the background. The same seed gives the
    same weights.
    """
    spec = ModelSpec(
        name=name,
        architecture="padded",
        arguments={
            "in_channels": in_channels,
            "out_channels": len(classes or OBJECTS),
            "base_channels": 16,
            "levels": 4,
            "dims": len(axes),
        },
        axes=axes,
        classes=classes or OBJECTS,
        class_marks=class_marks,
        levels=() if classes else (0.0, 1.0, 0.5),
        description="Taught by its user from nothing.",
    )
    with seeded(seed):
        net = build_net(spec.architecture, spec.arguments)
    return Model(net=net.eval(), spec=spec)
