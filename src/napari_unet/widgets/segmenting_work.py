"""What a worker does for the Segment panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.progress import Steps
from napari_unet.widgets import preflight
from napari_unet.widgets.layers import LayerImage

if TYPE_CHECKING:
    from napari_unet.segmentation import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a run gave, and what it was made by."""

    result: Segmentation
    provenance: dict[str, Any]
    model: Path


def begin_segmentation(
    image: LayerImage,
    model_path: Path,
    region: dict[str, tuple[int, int]] | None,
    values: dict[str, Any],
    source: str,
) -> Callable[[], Steps[Made]]:
    """Return the function that a worker calls to segment; `source` names the image in the provenance."""

    def begin() -> Steps[Made]:
        from napari_unet.nets.preload import preload_torch

        preload_torch()
        from napari_unet.models.library import load_model
        from napari_unet.nets.device import choose_device, device_name
        from napari_unet.provenance import segmentation_provenance
        from napari_unet.segmentation import segment_steps

        settings = preflight.settings_from(values)
        model = load_model(model_path)
        result = yield from segment_steps(image.array, model, axes=image.axes, settings=settings, region=region)
        device = device_name(choose_device(settings.prediction.device))
        provenance = segmentation_provenance(model, settings, result, source=source)
        return Made(result=result, provenance={**provenance, "device": device}, model=model_path)

    return begin
