"""Prediction: ours against one whole-image forward and against the tilers of MONAI and Cellpose."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.timing import interleaved, ratios, table
from napari_unet.arrays.axes import Plane
from napari_unet.files.images import read_image
from napari_unet.models.library import load_model
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.nets.unet import ConvBlock, UNet, fold_batch_norm
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES
from napari_unet.settings.prediction import PredictionSettings

LOGITS = Result(classes=None, kind="logits", dtype="float32")


def sample_plane(size: int) -> Plane:
    """Return a size x size image mosaicked from the bundled sample, normalised."""
    image = read_image(SAMPLES[0].path).array
    repeats = [-(-size // length) for length in image.shape]
    mosaic = np.tile(image, repeats)[:size, :size]
    intensity = load_model("nuclei").spec.normalization.fit([mosaic])
    return Plane(array=mosaic, axes="YX", index={}, spatial="YX", channels=1, intensity=intensity)


def folded(net: UNet) -> UNet:
    """Return the padded network with the same kernels as ours: batch norm folded, channels last."""
    fast = copy.deepcopy(net).eval()
    for module in fast.modules():
        if isinstance(module, ConvBlock):
            fold_batch_norm(module)
    return fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class CellposeNet(nn.Module):
    """A network in the form that Cellpose's tiler calls: logits as flows, and a style that is not used."""

    def __init__(self, net: UNet) -> None:
        super().__init__()
        self.net, self.device, self.mkldnn = net, torch.device("cpu"), False
        self.nout = net.head.out_channels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (logits, style)."""
        return self.net(x), torch.zeros(len(x), 1)


def ways_to_predict(size: int) -> dict[str, Callable[[], Any]]:
    """Return every way, each giving logits (2, size, size)."""
    net = load_model("nuclei").net
    plane = sample_plane(size)
    whole = plane.read((slice(0, size), slice(0, size)))
    image = torch.from_numpy(whole)[None]
    fast = folded(net)
    exact, half = Predictor(net), Predictor(net, PredictionSettings(precision="fast"))

    @torch.inference_mode()
    def forward(model: nn.Module, layout: Any = torch.contiguous_format) -> np.ndarray:
        return model(image.to(memory_format=layout))[0].numpy()

    ways: dict[str, Callable[[], Any]] = {
        "ours, exact": lambda: finish(predict(exact, plane, LOGITS)),
        "ours, 16 bit": lambda: finish(predict(half, plane, LOGITS)),
        "one forward, same kernels": lambda: forward(fast, torch.channels_last),
        "one forward, plain": lambda: forward(net.eval()),
    }
    return ways | _monai(net, image) | _cellpose(net, whole)


def _monai(net: UNet, image: Tensor) -> dict[str, Callable[[], Any]]:
    try:
        from monai.inferers import sliding_window_inference
    except ImportError:
        return {}

    @torch.inference_mode()
    def slide(overlap: float, mode: str) -> np.ndarray:
        return sliding_window_inference(image, (256, 256), 4, net, overlap=overlap, mode=mode)[0].numpy()

    return {
        "MONAI gaussian 0.5, roi 256": lambda: slide(0.5, "gaussian"),
        "MONAI constant 0.25, roi 256": lambda: slide(0.25, "constant"),
    }


def _cellpose(net: UNet, whole: np.ndarray) -> dict[str, Callable[[], Any]]:
    try:
        from cellpose.core import run_net
    except ImportError:
        return {}
    wrapped, channels_last = CellposeNet(net), np.moveaxis(whole, 0, -1)

    @torch.inference_mode()
    def run() -> np.ndarray:
        return np.moveaxis(run_net(wrapped, channels_last[None], bsize=224)[0][0], -1, 0)

    return {"Cellpose run_net, 224": run}


def main() -> None:
    """Print time and difference of every way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    ways = ways_to_predict(given.size)
    results = {name: way() for name, way in ways.items()}  # also the unmeasured first round
    reference = results["one forward, same kernels"]
    differences = {name: np.abs(result - reference) for name, result in results.items()}
    seconds = interleaved(ways, given.rounds)
    compared = ratios(seconds, "ours, exact")
    inner = (slice(None), slice(96, -96), slice(96, -96))
    classes = reference[inner].argmax(0)
    flips = {name: float((result[inner].argmax(0) != classes).mean()) for name, result in results.items()}
    rows = [
        [
            name,
            float(np.median(seconds[name])),
            *compared[name],
            float(differences[name][inner].max()),
            flips[name],
        ]
        for name in ways
    ]
    heads = [
        "way",
        "CPU s",
        "x ours (median)",
        "x ours (min)",
        "max logit difference, interior",
        "pixels flipped, interior",
    ]
    print(table(f"Prediction of {given.size}², trained `nuclei`, one thread", heads, rows))


if __name__ == "__main__":
    main()
