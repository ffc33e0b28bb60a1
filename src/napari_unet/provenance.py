"""What made a mask: model, its sha256, settings, version, command; stored in layers and files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_unet._version import __version__
from napari_unet.arrays.channels import Choice
from napari_unet.models.library import SHIPPED, own_folder
from napari_unet.planning import SegmentationPlan
from napari_unet.settings.base import Settings, options
from napari_unet.settings.offered import is_group
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import short_zoom


def segment_command(
    plan: SegmentationPlan, settings: SegmentationSettings, image: str, *, channels: Choice | None = None
) -> str:
    """Return the command that segments an image as a plan did that was made with these settings.

    `image` is its file, `channels` those that were segmented where the file has more of them than the image.
    """
    channels = settings.channels if channels is None else channels
    named = ["--model", _model_name(plan), "--output", f"{Path(image).stem}_labels.tif"]
    if channels:
        named += ["--channels", ",".join("-" if one is None else str(one) for one in channels)]
    others = settings.replace(zoom=short_zoom(plan.zoom), channels=None)
    return shlex.join(["napari-unet", "segment", image, *named, *_chosen(others)])


def _chosen(settings: Settings) -> Iterator[str]:
    """Yield the options of the command for all settings that are not the default."""
    for name, option in options(type(settings)).items():
        value = getattr(settings, name)
        if is_group(option):
            yield from _chosen(value)
        elif "segment" in option.offered and value != option.default:
            yield option.argument
            if option.switch is None:
                yield _as_text(value)


def _as_text(value: Any) -> str:
    """Return a value as the command line takes it: one for each axis as 1,0.5,0.5, pairs as LOW,HIGH;LOW,HIGH."""
    if isinstance(value, tuple):
        return (";" if isinstance(value[0], tuple) else ",").join(map(_as_text, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _model_name(plan: SegmentationPlan) -> str:
    """Return the name of a model in the library, the path of any other."""
    path = plan.model_path
    if path is None:
        return plan.spec.name
    return path.stem if path.parent in (SHIPPED, own_folder()) else str(path)


def segmentation_provenance(
    plan: SegmentationPlan, *, source: str, command: str = "", quality: float | None = None
) -> dict[str, Any]:
    """Return the facts that reproduce a segmentation, as JSON values, and its likely quality."""
    channels = plan.selection.channels or ()
    semantic = plan.spec.is_semantic
    return {
        "software": "napari-unet-interactive",
        "version": __version__,
        "model": plan.spec.name,
        "model_sha256": plan.model_sha256,
        "source": source,
        "settings": {
            "channels": list(channels),
            "channel": channels[0] if len(channels) == 1 and _has_several(plan) else None,
            **({"inputs": plan.inputs} if plan.inputs else {}),
            "zoom": _zoom_as_json(plan),
            "zoom_by": plan.zoom_from,
            "smoothing": round(plan.intensity.smoothing, 3),
            **plan.by_hand.model_dump(mode="json", exclude_none=True),
            "join": plan.joined_axes,
            **plan.prediction.model_dump(),
            **plan.thresholds.model_dump(),
        },
        "intensity": plan.intensity.to_dict(),
        "command": command,
        "values": "image" if plan.spec.gives_image else "classes" if semantic else "objects",
        **({"maps_to": plan.spec.maps_to} if plan.spec.maps_to else {}),
        **({"quality": quality} if quality is not None else {}),
        **({"classes": list(plan.spec.classes)} if semantic else {}),
        **({"class_marks": list(plan.spec.class_marks)} if plan.spec.class_marks else {}),
    }


def _zoom_as_json(plan: SegmentationPlan) -> float | list[float]:
    zoom = short_zoom(plan.zoom)
    return list(zoom) if isinstance(zoom, tuple) else zoom


def _has_several(plan: SegmentationPlan) -> bool:
    """Whether a single channel of the image was one of several."""
    return plan.source.channels > 1 or "S" in plan.source.axes
