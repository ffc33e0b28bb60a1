"""Segment microscopy images in napari with a U-Net, and teach it by painting.

    from napari_unet import load_model, segment
    labels = segment(image, load_model("nuclei"))

Names are imported when they are first used, so that importing the package loads neither PyTorch nor napari.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from napari_unet._version import __version__

if TYPE_CHECKING:
    from napari_unet.block_segmentation import segment_to_zarr
    from napari_unet.conversion import convert
    from napari_unet.errors import UnetError
    from napari_unet.evaluation import evaluate
    from napari_unet.files.images import open_image
    from napari_unet.finetuning import fine_tune
    from napari_unet.measurement import measure
    from napari_unet.models.fresh import fresh_model
    from napari_unet.models.library import load_model
    from napari_unet.models.model import Model
    from napari_unet.quality import rank
    from napari_unet.segmentation import segment
    from napari_unet.settings.finetuning import FineTuningSettings
    from napari_unet.settings.segmentation import SegmentationSettings
    from napari_unet.settings.training import TrainingSettings
    from napari_unet.training import train

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "block_segmentation": ["segment_to_zarr"],
        "conversion": ["convert"],
        "errors": ["UnetError"],
        "evaluation": ["evaluate"],
        "files.images": ["open_image"],
        "finetuning": ["fine_tune"],
        "measurement": ["measure"],
        "models.fresh": ["fresh_model"],
        "models.library": ["load_model"],
        "models.model": ["Model"],
        "quality": ["rank"],
        "segmentation": ["segment"],
        "settings.finetuning": ["FineTuningSettings"],
        "settings.segmentation": ["SegmentationSettings"],
        "settings.training": ["TrainingSettings"],
        "training": ["train"],
    },
)

__all__ = [
    "FineTuningSettings",
    "Model",
    "SegmentationSettings",
    "TrainingSettings",
    "UnetError",
    "__version__",
    "convert",
    "evaluate",
    "fine_tune",
    "fresh_model",
    "load_model",
    "measure",
    "open_image",
    "rank",
    "segment",
    "segment_to_zarr",
    "train",
]
