"""Images as truth: the folder's pairs of images, and the network that makes the second of the first."""

from __future__ import annotations

import numpy as np

from napari_unet.arrays.metrics import psnr
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image
from napari_unet.folder_training.folder import image_files
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.image_pairs import ImagePair, image_pairs_of
from napari_unet.models.prediction_to_image import LINEAR
from napari_unet.models.selection import agreed_channels
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage
from napari_unet.progress import Progress, Steps
from napari_unet.settings.network import NetworkSettings


def image_spec(request: TrainingRequest, network: NetworkSettings) -> ModelSpec:
    """Return what a new network will be that gives an image."""
    if network.architecture != "padded":
        raise UnetError(f"`truth` images takes `architecture` padded, got {network.architecture}: leave it out")
    return ModelSpec(
        name=request.output.stem,
        architecture="padded",
        arguments={**network.arguments(), "out_channels": 1, "head": "tanh"},
        classes=("image",),
        levels=(),
        inputs=request.named_inputs,
        maps_to=request.how.maps_to or f"as in {request.how.labels}",
        normalization=LINEAR,
        training={"data": request.folder.name, "preset": request.how.preset},
    )


def load_pairs(request: TrainingRequest, spec: ModelSpec) -> Steps[tuple[ModelSpec, list[list[TrainingImage]]]]:
    """Return the model with its output range and the planes of all pairs; what is assumed is said."""
    pairs = []
    for truth, image in image_files(request):
        yield Progress(done=0, total=0, doing="Reading images")
        pairs.append(ImagePair(name=image.name, image=read_image(image).source, truth=read_image(truth).source))
    channels = agreed_channels(request.how.channel, [pair.image for pair in pairs])
    found, loaded = image_pairs_of(pairs, spec, channels=channels)
    if found.output_range is not None and spec.output_range is None:
        low, high = found.output_range
        request.remark(f"The truth images have units of their own: the model gives about {low:g} to {high:g}.")
    return found, loaded


def psnr_before(images: list[TrainingImage]) -> float | None:
    """Return the mean PSNR in dB of the images themselves, None where their truth is of another kind."""
    if not images or any(image.target is None or len(image.image) != len(image.target) for image in images):
        return None
    return float(np.mean([psnr(image.image, image.target) for image in images if image.target is not None]))
