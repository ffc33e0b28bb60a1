"""A network of three dimensions against planes that are joined: nuclei of mouse embryos, two embryos held out.

    python -m benchmarks.volumes ../shared/data --work FOLDER [--iterations 950]

Makes a folder of the other embryos at half their size (a step then sees eight times as much of an embryo), trains
on it with the command `train --dims 3`, and scores AP@0.5 in 3D of the held-out stacks at their own size. Goes on
where it was interrupted. Needs about 30 minutes of one CPU core; `--score-only` scores the model of FOLDER.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import block_reduce

from benchmarks.timing import table
from napari_unet import evaluate, load_model
from napari_unet.cli import main as command
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.tiff import write_labels
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.segmentation import SegmentationSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from data_sets import is_held_out

DATA = "nuclei3d_bbbc050"
HALF = 2
NETWORK = "--dims 3 --base-channels 8 --levels 3 --batch 4 --patch 24,48,48 --validation 0"
"""Four patches a step: for a single small one PyTorch takes another path, which is several times as slow."""


def main() -> None:
    """Train where no model is, and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=950)
    parser.add_argument("--score-only", action="store_true")
    parser.add_argument("--ship", type=Path, help="also write the model as the package has it into this file")
    given = parser.parse_args()
    target = given.work / "volumes.safetensors"
    if not given.score_only:
        folder = halved(given.data / DATA, given.work / "half")
        began = time.process_time()
        more = f"--iterations {given.iterations} --output {target}"
        command(["train", str(folder), *NETWORK.split(), *more.split()])
        print(f"{time.process_time() - began:.0f} s of CPU")
    if given.ship is not None:
        shipped(load_model(target)).save(given.ship)
    ways = {
        "volumes, seen at half their size": (load_model(target), SegmentationSettings(zoom=1 / HALF)),
        "planes, joined through Z": (load_model("nuclei"), SegmentationSettings(join="Z")),
    }
    rows = [[name, *scores(given.data / DATA, *way)] for name, way in ways.items()]
    print(table("Nuclei of embryos", ["way", "AP@0.5 in 3D, mean of stacks", "of all objects"], rows))


def shipped(model: Model) -> Model:
    """Return the model with what its users should know, and the zoom at which it learnt."""
    spec = replace(
        model.spec,
        name="nuclei-3d",
        description="Nuclei in volumes (Z, Y, X), learnt from confocal stacks of mouse embryos.",
        licence="CC0-1.0",
        zoom=1 / HALF,
        training={**model.spec.training, "data": f"{DATA}: nine of eleven embryos, at half their size"},
    )
    return replace(model, spec=spec)


def halved(source: Path, target: Path) -> Path:
    """Write the stacks that are learnt at half their size, where that was not done before; return the folder."""
    for path in sorted((source / "images").iterdir()):
        if is_held_out(source.name, path.stem) or (target / "labels" / path.name).exists():
            continue
        image, labels = read_image(path).array, read_labels(source / "labels" / path.name).array
        part = tuple(slice(length // HALF * HALF) for length in image.shape)
        means = block_reduce(image[part], HALF, np.mean).round().astype(np.uint16)
        picked = labels[part][(slice(None, None, HALF),) * labels.ndim]
        for kind, array in (("images", means), ("labels", picked)):
            (target / kind).mkdir(parents=True, exist_ok=True)
            write_labels(target / kind / path.name, array, axes="ZYX", pixel_size=None, provenance={})
    return target


def scores(source: Path, model: Model, settings: SegmentationSettings) -> tuple[float, float]:
    """Return AP@0.5 in 3D of the held-out stacks: the mean, and that of all their objects together."""
    found = []
    for path in sorted((source / "images").iterdir()):
        if is_held_out(source.name, path.stem):
            labels = segmented(read_image(path).array, model, settings)
            found.append(evaluate(labels, read_labels(source / "labels" / path.name).array))
            print(path.stem, settings.join or "3D", round(found[-1].average_precision[0.5], 3), flush=True)
    right = sum(round(one.recall * one.n_truth) for one in found)
    objects = sum(one.n_predicted + one.n_truth for one in found) - right
    return float(np.mean([one.average_precision[0.5] for one in found])), right / max(objects, 1)


def segmented(image: NDArray[np.uint16], model: Model, settings: SegmentationSettings) -> NDArray[np.int32]:
    """Return the labels of a stack (Z, Y, X)."""
    labels: NDArray[np.int32] = finish(segment_steps(image, model, axes="ZYX", settings=settings)).labels
    return labels


if __name__ == "__main__":
    main()
