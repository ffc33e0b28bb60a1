"""Engines for CPUs beside PyTorch, on the same network with folded batch norm: ONNX Runtime and OpenVINO.

    pip install onnx onnxruntime openvino
    python -m benchmarks.engines [--size 576]

One window of the sample through `nuclei`, one thread, engines interleaved. Those that are missing are left out.
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.prediction import folded, sample_plane
from benchmarks.timing import interleaved, ratios, table
from napari_unet.models.library import load_model
from napari_unet.nets.unet import UNet

Way = Callable[[], NDArray[np.float32]]


def onnx_of(net: UNet, window: NDArray[np.float32]) -> bytes:
    """Return the network for windows of one shape, as an ONNX file."""
    written = io.BytesIO()
    names = {"input_names": ["image"], "output_names": ["logits"]}
    torch.onnx.export(net, (torch.from_numpy(window),), written, dynamo=False, **names)  # type: ignore[arg-type]
    return written.getvalue()


def engines(net: UNet, window: NDArray[np.float32]) -> dict[str, Way]:
    """Return what gives logits (N, K, *spatial), by the engine's name."""
    image = torch.from_numpy(window).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def by_torch() -> NDArray[np.float32]:
        answer: NDArray[np.float32] = net(image).numpy()
        return answer

    return {"PyTorch": by_torch, **_onnx_runtime(net, window), **_openvino(net, window)}


def _onnx_runtime(net: UNet, window: NDArray[np.float32]) -> dict[str, Way]:
    try:
        import onnxruntime
    except ImportError:
        return {}
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_of(net, window), options, providers=["CPUExecutionProvider"])
    return {"ONNX Runtime": lambda: session.run(None, {"image": window})[0]}


def _openvino(net: UNet, window: NDArray[np.float32]) -> dict[str, Way]:
    try:
        import openvino
    except ImportError:
        return {}
    core: Any = openvino.Core()
    chosen = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(io.BytesIO(onnx_of(net, window))), "CPU", chosen)
    return {"OpenVINO": lambda: compiled(window)[0]}


def main() -> None:
    """Print time and difference of every engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=576)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(1)
    side = slice(0, given.size)
    window = np.ascontiguousarray(sample_plane(given.size).read((side, side))[None])
    ways = engines(folded(load_model("nuclei").net), window)
    answers = {name: way() for name, way in ways.items()}
    seconds = interleaved(ways, given.rounds)
    compared = ratios(seconds, "PyTorch")
    rows = [
        [name, statistics.median(seconds[name]), *compared[name], float(np.abs(answer - answers["PyTorch"]).max())]
        for name, answer in answers.items()
    ]
    heads = ["engine", "CPU s", "x PyTorch (median)", "x PyTorch (min)", "max logit difference"]
    capability = torch.backends.cpu.get_cpu_capability()
    print(table(f"Engines, a window of {given.size} px, {capability}", heads, rows))


if __name__ == "__main__":
    main()
