"""Random changes of a view's grey values: what another microscope, exposure or specimen would have made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_unet.arrays.channels import Input
from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.normalization.noise import row_means
from napari_unet.arrays.normalization.typical_object import typical_brightness
from napari_unet.nets.blur import gaussian_blur
from napari_unet.nets.stain_augmentation import restain
from napari_unet.settings.augmentation import AugmentationSettings

LEFT_OUT = 0.5
"""How often a view lacks an optional input: with and without it are learnt alike."""
DEBRIS_RADIUS = (1.5, 20.0)
"""Pixels, of the largest speck of a view; drawn evenly over the logarithm, as the next two."""
DEBRIS_BRIGHTNESS = (2.0, 15.0)
"""Of the brightest speck, times the intensity that becomes 1."""
DEBRIS_COVER = (0.001, 0.03)
"""Share of the view that specks cover."""
MAX_DEBRIS = 24
"""Specks of a view: each is computed over all of it."""
TEXTURE_WIDTH = 5.0
"""Pixels, the largest standard deviation of the blur of an uneven staining."""
HAZE_WIDTH, HAZE_STEP = (4.0, 24.0), 4
"""Standard deviation in pixels of light from other planes; being smooth, it is computed at every fourth pixel."""
RELIEF_WIDTH = (0.7, 3.0)
"""Standard deviation in pixels of the blur before a relief, which is the finer the sharper the optics."""
RELIEF_DEPTH = (0.15, 0.5)
"""How far a relief goes up and down from the middle grey of its background, 0.5."""
MODES = {2: "bilinear", 3: "trilinear"}
INVERTED_BACKGROUND = 0.5
"""Background level of an inverted view where 1 is twice the typical brightness; 1 where percentiles scale."""


def change_intensity(
    image: Tensor,
    rng: np.random.Generator,
    settings: AugmentationSettings,
    normalization: Normalization,
    spacing: Sequence[float] = (),
) -> Tensor:
    """Return a normalised view (C, *size) with other grey values; `spacing` are its pixels' distances per axis.

    Light and specimen act on intensities as they were before the logarithmic compression of the `normalization`;
    blur, gamma, contrast, offset and noise on the view as the network sees it.
    """
    image = _change_light(image, rng, settings, normalization)
    if settings.stain and len(image) == 3:
        light = expand(image.clamp_min(0), normalization.compression)
        image = compress(restain(light, rng, settings.stain), normalization.compression)
    if settings.blur and rng.random() < 0.3:
        image = gaussian_blur(image, rng.uniform(min(0.3, settings.blur), settings.blur), spacing)
    image = image.clamp_min(0) ** math.exp(rng.uniform(*np.log(settings.gamma)))
    image = image * math.exp(rng.uniform(*np.log(settings.contrast)))
    image = image + rng.uniform(-settings.offset, settings.offset)
    if settings.noise and rng.random() < 0.5:
        sigma = rng.uniform(0, settings.noise)
        drawn = rng.standard_normal(tuple(image.shape), dtype=np.float32)
        drawn_here = torch.from_numpy(drawn).to(image.device)
        grainy = image.clamp_min(0).sqrt() if rng.random() < settings.shot else 1.0
        image = image + drawn_here * grainy * sigma
    return image


def leave_out_optional(image: Tensor, rng: np.random.Generator, inputs: Sequence[Input]) -> Tensor:
    """Return a view (C, *size) that lacks optional inputs now and then, as images without such a channel do."""
    for number, one in enumerate(inputs):
        if one.optional and rng.random() < LEFT_OUT:
            image[number] = 0
    return image


def _change_light(
    image: Tensor, rng: np.random.Generator, settings: AugmentationSettings, normalization: Normalization
) -> Tensor:
    """Return the view under another light: inverted, dimmed towards a corner, with debris, exposed otherwise."""
    chances = ("inversion", "relief", "vignette", "debris", "texture", "haze")
    if settings.exposure == (1, 1) and not any(getattr(settings, name) for name in chances):
        return image
    light = expand(image.clamp_min(0), normalization.compression)
    light = _change_specimen(light, rng, settings)
    if rng.random() < settings.inversion:
        light = _inverted(light, INVERTED_BACKGROUND if normalization.scales_to_objects else 1.0)
    if settings.relief and rng.random() < settings.relief:
        light = _relief(light, rng)
    if settings.vignette and rng.random() < 0.3:
        light = light * _vignette(light, rng, settings.vignette)
    if rng.random() < settings.debris:
        light = light + _debris(light, rng)
    if normalization.scales_to_objects and rng.random() < 0.5:
        light = light / (2 * typical_brightness(row_means(light.cpu().numpy())))
    if rng.random() < 0.5:
        light = light * math.exp(rng.uniform(*np.log(settings.exposure)))
    return compress(light, normalization.compression)


def _change_specimen(light: Tensor, rng: np.random.Generator, settings: AugmentationSettings) -> Tensor:
    """Return intensities of another staining, and with light from other planes."""
    if settings.texture and rng.random() < 0.3:
        light = light * _texture(light, rng, settings.texture)
    if settings.haze and rng.random() < 0.3:
        light = light + rng.uniform(0, settings.haze) * _out_of_focus(light, rng)
    return light


def _inverted(light: Tensor, background: float) -> Tensor:
    """Return dark objects on a bright background: the brighter an object was, the darker, down to 0."""
    brightest = torch.quantile(light[..., ::4, ::4].flatten(), 0.99).clamp_min(0.3)
    return background * (brightest - light).clamp_min(0) / brightest


def _relief(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Return intensities that are bright on one flank of an object and dark on the other, in a drawn direction.

    Differential interference contrast shows the slope of the optical thickness (Nomarski 1955); here the objects'
    brightness stands for their thickness.
    """
    angle = rng.uniform(0, 2 * math.pi)
    smooth = gaussian_blur(light, rng.uniform(*RELIEF_WIDTH))
    down, across = torch.gradient(smooth, dim=(-2, -1))
    slope = math.sin(angle) * down + math.cos(angle) * across
    steepest = torch.quantile(slope[..., ::2, ::2].abs().flatten(), 0.99).clamp_min(1e-6)
    return (0.5 + rng.uniform(*RELIEF_DEPTH) * slope / steepest).clamp_min(0)


def expand(image: Tensor, compression: float) -> Tensor:
    """Return intensities as they were before the logarithmic compression of the normalisation."""
    return torch.expm1(image * math.log1p(compression)) / compression if compression else image


def compress(light: Tensor, compression: float) -> Tensor:
    """Return intensities as the normalisation compresses them."""
    return torch.log1p(light * compression) / math.log1p(compression) if compression else light


def _distances(light: Tensor, centre: list[float], stretch: list[float]) -> Tensor:
    """Return the distance of every pixel from a centre, each axis divided by its stretch."""
    axes = [
        ((torch.arange(length, device=light.device) - middle) / factor) ** 2
        for length, middle, factor in zip(light.shape[1:], centre, stretch, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).sum(0).sqrt()


def _texture(light: Tensor, rng: np.random.Generator, most: float) -> Tensor:
    """Return factors around 1 that vary over some pixels: chromatin, nucleoli, uneven staining."""
    drawn = torch.from_numpy(rng.standard_normal(tuple(light.shape), dtype=np.float32)).to(light.device)
    smooth = gaussian_blur(drawn, rng.uniform(1, TEXTURE_WIDTH))
    return torch.exp(smooth / smooth.std().clamp_min(1e-6) * rng.uniform(0, most))


def _out_of_focus(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the light of what lies above and below the plane: the view, mirrored and widely blurred."""
    coarse = F.interpolate(light.flip(-1)[None], scale_factor=1 / HAZE_STEP, mode=MODES[light.ndim - 1])
    blurred = gaussian_blur(coarse[0], rng.uniform(*HAZE_WIDTH) / HAZE_STEP)
    return F.interpolate(blurred[None], size=light.shape[1:], mode=MODES[light.ndim - 1])[0]


def _vignette(light: Tensor, rng: np.random.Generator, most: float) -> Tensor:
    size = list(light.shape[1:])
    centre = [float(rng.uniform(0, length)) for length in size]
    distance = _distances(light, centre, [float(length) for length in size])
    return (1 - rng.uniform(0, most) * (distance / distance.max()) ** 2).float()


def _debris(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Return specks and flakes, blurred to sharp, that cover a small part of the view."""
    specks = torch.zeros(light.shape[1:], device=light.device)
    wanted = math.exp(rng.uniform(*np.log(DEBRIS_COVER))) * specks.numel()
    brightest = math.exp(rng.uniform(*np.log(DEBRIS_BRIGHTNESS)))
    largest = math.exp(rng.uniform(*np.log(DEBRIS_RADIUS)))
    for _ in range(MAX_DEBRIS):
        centre = [float(rng.uniform(0, length)) for length in light.shape[1:]]
        radius = largest * float(rng.uniform(0.3, 1))
        stretch = [max(radius * float(rng.uniform(0.5, 1)), DEBRIS_RADIUS[0]) for _ in centre]
        edge = float(rng.uniform(1, 8))
        speck = 1 / (1 + _distances(light, centre, stretch) ** (2 * edge))
        specks = torch.maximum(specks, speck * brightest * float(rng.uniform(0.5, 1)))
        wanted -= math.pi * math.prod(stretch)
        if wanted < 0:
            break
    return specks.float()
