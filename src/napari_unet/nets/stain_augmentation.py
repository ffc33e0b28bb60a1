"""Random changes of how tissue is stained: what another laboratory's dyes and scanner would have made of it.

Dyes absorb light independently, so their absorbances add (Beer-Lambert law); all is done on absorbances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color.colorconv import hed_from_rgb, rgb_from_hed
from torch import Tensor

from napari_unet.nets.blur import gaussian_blur

MIN_LIGHT = 1 / 255
"""Intensity below which pixels count as this one: one grey level of 8 bit, as a logarithm of 0 is infinite."""
COUNTERSTAINED = 0.6
"""Chance of a view whose tissue is stained as a whole."""
COUNTERSTAIN, STRUCTURE = 0.6, 1.6
"""Largest absorbance that this adds everywhere, and where there are structures."""
PINK, BROWN = ((0.0, 0.3), (1.0, 1.0), (0.3, 0.8)), ((0.2, 0.5), (0.6, 0.85), (1.0, 1.0))
"""Shares of red, green and blue that dyes like eosin and like DAB absorb."""
PALE, PALEST = 0.4, 0.3
"""Chance of a view whose own stain is paler, and by which factor at most."""
PATCHINESS = (3.0, 16.0)
"""Width in pixels over which a dye varies that follows no structure."""


def restain(view: Tensor, rng: np.random.Generator, most: float) -> Tensor:
    """Return a bright field view (3, *spatial), 0..1, as other dyes would show it.

    The amounts of haematoxylin, eosin and DAB (colour deconvolution, Ruifrok and Johnston 2001) are each changed
    by a factor, as Tellez et al. (IEEE TMI 37:2126, 2018) do; so is what each colour channel absorbs, for dyes and
    scanners differ; some views are paler; and more often than not a further dye covers the tissue. `most` is the
    largest logarithm of a factor, half as much for the channels. The result is not stretched to 0..1 again, as a
    whole image of such a stain would be.
    """
    absorbance = -torch.log(view.clamp_min(MIN_LIGHT)).movedim(0, -1)
    dyes = absorbance @ _tensor(hed_from_rgb, view)
    absorbance = (dyes * _factors(rng, most, view)) @ _tensor(rgb_from_hed, view)
    absorbance = absorbance * _factors(rng, most / 2, view)
    if rng.random() < PALE:
        absorbance = absorbance * float(rng.uniform(PALEST, 1))
    if rng.random() < COUNTERSTAINED:
        absorbance = absorbance + _counterstain(absorbance, rng)
    return torch.exp(-absorbance).movedim(-1, 0)


def _counterstain(absorbance: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the absorbance (*spatial, 3) of a further dye.

    It varies smoothly and may have any colour. Half of the time it is pink or brown and has the structure of the
    view's mirror image, too: shapes like those of nuclei that are none, as red cells and cytoplasm are.
    """
    amount = _uneven(rng, absorbance) * float(rng.uniform(0, COUNTERSTAIN))
    colour = rng.uniform(0, 1, 3)
    if rng.random() < 0.5:
        shares = PINK if rng.random() < 0.5 else BROWN
        colour = np.array([rng.uniform(low, high) for low, high in shares])
        structure = absorbance.mean(-1).flip(-1)
        amount = amount + structure / structure.max().clamp_min(MIN_LIGHT) * float(rng.uniform(0, STRUCTURE))
    return amount[..., None] * _tensor(colour / colour.max(), absorbance)


def _uneven(rng: np.random.Generator, like: Tensor) -> Tensor:
    """Return amounts 0..1 (*spatial) that vary smoothly."""
    drawn = torch.from_numpy(rng.standard_normal((1, *like.shape[:-1]), dtype=np.float32)).to(like.device)
    smooth = gaussian_blur(drawn, float(rng.uniform(*PATCHINESS)))[0]
    return torch.sigmoid(2 * smooth / smooth.std().clamp_min(1e-6))


def _factors(rng: np.random.Generator, most: float, like: Tensor) -> Tensor:
    return _tensor(np.exp(rng.uniform(-most, most, 3)), like)


def _tensor(values: NDArray[Any], like: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)
