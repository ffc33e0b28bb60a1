"""What made a mask: model, its sha256, settings, version, command; stored in layers and files."""

from __future__ import annotations

from typing import Any

from napari_unet._version import __version__
from napari_unet.planning import SegmentationPlan


def segmentation_provenance(plan: SegmentationPlan, *, source: str, command: str = "") -> dict[str, Any]:
    """Return the facts that reproduce a segmentation, as JSON values."""
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
            "zoom": plan.zoom,
            "smoothing": round(plan.intensity.smoothing, 3),
            **plan.by_hand.model_dump(exclude_none=True),
            "join": plan.joined_axes,
            **plan.prediction.model_dump(),
            **plan.thresholds.model_dump(),
        },
        "intensity": plan.intensity.to_dict(),
        "command": command,
        "values": "classes" if semantic else "objects",
        **({"classes": list(plan.spec.classes)} if semantic else {}),
    }


def _has_several(plan: SegmentationPlan) -> bool:
    """Whether a single channel of the image was one of several."""
    return plan.source.channels > 1 or "S" in plan.source.axes
