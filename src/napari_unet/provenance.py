"""What made a mask: model, its sha256, settings, version, command; stored in layers and files."""

from __future__ import annotations

import dataclasses
from typing import Any

import napari_unet
from napari_unet.models.model import Model
from napari_unet.segmentation import Segmentation, SegmentationSettings


def segmentation_provenance(
    model: Model, settings: SegmentationSettings, result: Segmentation, *, source: str, command: str = ""
) -> dict[str, Any]:
    """Return the facts that reproduce a segmentation, as JSON values."""
    prediction = dataclasses.asdict(settings.prediction)
    prediction["rotations"] |= model.spec.rotations
    thresholds = dataclasses.asdict(settings.instances(model))
    return {
        "software": "napari-unet-interactive",
        "version": napari_unet.__version__,
        "model": model.spec.name,
        "model_sha256": model.sha256,
        "source": source,
        "settings": {
            "channel": settings.channel,
            "zoom": result.zoom,
            "smoothing": round(result.smoothing, 3),
            "join": result.joined,
            **prediction,
            **thresholds,
        },
        "command": command,
        "values": "classes" if model.spec.is_semantic else "objects",
        **({"classes": list(model.spec.classes)} if model.spec.is_semantic else {}),
    }
