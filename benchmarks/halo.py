"""How much context a tile needs: the largest logit error against the halo, per architecture.

Networks are untrained (He) with random batch-norm statistics: the hardest case. Our own rule (mirror, then valid)
stands in the last row.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from benchmarks.timing import table
from napari_unet.arrays.axes import Plane
from napari_unet.nets.architectures import ARCHITECTURES, build_net
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.nets.unet import UNet
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings

HALOS = (0, 16, 32, 48, 64, 80, 96, 112, 128)
SIDE, TILE = 512, 128
LOGITS = Result(classes=None, kind="logits", dtype="float32")


def random_net(architecture: str) -> UNet:
    """Return an untrained network of base 8 with batch-norm statistics that are not trivial."""
    torch.manual_seed(0)
    net = build_net(architecture, {"in_channels": 1, "out_channels": 2, "base_channels": 8}).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return net


@torch.inference_mode()
def padded_error(net: UNet, image: torch.Tensor, halo: int) -> float:
    """Return the largest logit error in the interior when padded tiles with a halo replace the whole."""
    whole = net(image)[0]
    worst = 0.0
    for row in range(TILE, SIDE - TILE, TILE):
        for column in range(TILE, SIDE - TILE, TILE):
            window = image[..., row - halo : row + TILE + halo, column - halo : column + TILE + halo]
            tile = net(window)[0][..., halo : halo + TILE, halo : halo + TILE]
            worst = max(worst, float((tile - whole[..., row : row + TILE, column : column + TILE]).abs().max()))
    return worst


def valid_error(net: UNet, image: np.ndarray) -> float:
    """Return the largest logit error of our tiling against one whole pass."""
    plane = Plane(array=image, axes="YX", index={}, spatial="YX", channels=1)
    maps = [finish(predict(Predictor(net, PredictionSettings(tile=tile)), plane, LOGITS)) for tile in (TILE, 4096)]
    return float(np.abs(maps[0] - maps[1]).max())


def main() -> None:
    """Print the table."""
    image = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    nets = {name: random_net(name) for name in ARCHITECTURES}
    rows: list[list[object]] = []
    for halo in HALOS:
        errors = [
            padded_error(net, torch.from_numpy(image)[None, None], halo) if net.padded else "-"
            for net in nets.values()
        ]
        rows.append([f"padded tile, halo {halo}", *errors])
    rows.append(["ours: mirror, then valid", *(valid_error(net, image) for net in nets.values())])
    rows.append(["context read per side", *(net.geometry.halo[0] for net in nets.values())])
    print(table("Largest logit error against the halo", ["tiling", *nets], rows))


if __name__ == "__main__":
    main()
