"""Segment microscopy images in napari with a U-Net, and teach it by painting.

    from napari_unet import load_model, segment
    labels = segment(image, load_model("nuclei"))

Names are resolved when they are first used, so that importing the package loads neither PyTorch nor napari.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unet.errors import UnetError
    from napari_unet.evaluation import evaluate
    from napari_unet.finetuning import fine_tune
    from napari_unet.models.library import load_model
    from napari_unet.models.model import Model
    from napari_unet.segmentation import SegmentationSettings, segment
    from napari_unet.teaching.settings import FineTuningSettings

__version__ = "0.1.0"

_HOMES = {
    "FineTuningSettings": "teaching.settings",
    "Model": "models.model",
    "SegmentationSettings": "segmentation",
    "UnetError": "errors",
    "evaluate": "evaluation",
    "fine_tune": "finetuning",
    "load_model": "models.library",
    "segment": "segmentation",
}

__all__ = [
    "FineTuningSettings",
    "Model",
    "SegmentationSettings",
    "UnetError",
    "__version__",
    "evaluate",
    "fine_tune",
    "load_model",
    "segment",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
