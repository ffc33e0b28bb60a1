"""Regions that are too large for memory are divided with a halo: how many objects that changes, by its width.

    python -m benchmarks.confluent ../shared/data [--images 12]

Real maps of crowded images with an edge probability of 0.05, at which most of an image is one region. Each is read
into instances whole, and in blocks of 128 px whose regions all count as too large; an object has changed where no
object of the other labels has an IoU of 0.95 with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import table
from napari_unet import load_model
from napari_unet.arrays import block_instances
from napari_unet.arrays.block_instances import (
    final_ids,
    finished_block,
    neighbours,
    regions_around,
    separate_block,
)
from napari_unet.arrays.block_regions import join_regions, regions_by_block, regions_of_block
from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.instances import label_instances, mask_of
from napari_unet.files.images import read_image
from napari_unet.models.prediction_to_labels import measured_planes, predict_map
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings

SETS = ("bbbc039_u2os_16bit", "dsb2018_tissue_gray", "dsb2018_histology")
SIDE, EDGE, SAME = 128, 0.05, 0.95


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=12)
    given = parser.parse_args()
    model = load_model("nuclei")
    settings = model.spec.instances.replace(edge_threshold=EDGE)
    predictor = Predictor(model.net)
    changed, objects = dict.fromkeys((16, 32, 64, 128, 256), 0), 0
    for path in chosen(given.data, given.images):
        image = read_image(path)
        plane = finish(measured_planes(image.array, image.axes, model.spec))[0]
        probability = finish(predict_map(predictor, plane, model.spec))
        whole = finish(label_instances(probability, settings))
        objects += int(whole.max())
        for halo in changed:
            block_instances.HALO = {2: halo}
            changed[halo] += differing(whole, by_blocks(probability, settings))
    rows = [[halo, count, f"{count / objects:.2%}"] for halo, count in changed.items()]
    print(table(f"{objects} objects", ["halo in px", "changed", "share"], rows))


def chosen(data: Path, count: int) -> list[Path]:
    """Return every so many images of the crowded sets."""
    paths = [path for name in SETS for path in sorted((data / name / "images").iterdir())]
    return paths[:: max(1, len(paths) // count)][:count]


def differing(whole: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """Return how many objects have no like in other labels."""
    pairs = contingency(whole, other).pairs
    return int(whole.max()) - len(np.unique(pairs.predicted[pairs.iou >= SAME]))


def by_blocks(probability: NDArray[np.uint8], settings: InstanceSettings) -> NDArray[np.int32]:
    """Return the labels of a map of which every region that leaves its block counts as too large."""
    blocks = Blocks(shape=probability.shape, sides=(SIDE, SIDE))
    boxes = [blocks.box(n) for n in range(len(blocks))]
    parts = [regions_of_block(mask_of(probability[box], settings), box, probability.shape) for box in boxes]
    regions = join_regions(blocks, parts)
    wanted = regions_by_block(blocks, regions)
    between, names = np.zeros(probability.shape, np.int32), []
    for n, box in enumerate(boxes):
        around = regions_around(blocks, n, regions, wanted[n], most=SIDE * SIDE)
        found = separate_block(probability.__getitem__, around, settings, most=SIDE * SIDE)
        between[box] = found.parts
        names.append(found.names)
    tables, _ = final_ids(names)
    labels = np.zeros_like(between)
    for n, box in enumerate(boxes):
        ids = {other: tables[other] for other in neighbours(blocks, n)}
        labels[box] = finished_block(between.__getitem__, blocks, n, ids)
    return labels


if __name__ == "__main__":
    main()
