"""Whether a change of the code changes any label: 60 fixed cases of all models and data sets, by hash.

    python -m benchmarks.same_labels ../shared/data --output before.json     # at the former commit
    python -m benchmarks.same_labels ../shared/data --against before.json    # at the new one

Prints every case whose labels differ and exits with 1. `benchmarks/same_labels.csv` lists the cases: model, data
set, image, and options: `channel` (a second, different channel is made), `region` (the middle half), `zoom`,
`stack` (planes 10 to 13), `join`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from napari_unet import load_model
from napari_unet.files.images import read_image
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.segmentation import SegmentationSettings

CASES = Path(__file__).with_suffix(".csv")
STACK = slice(10, 14)


def main() -> None:
    """Hash the labels of all cases, write or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    with CASES.open(newline="") as file:
        found = {" ".join(case.values()): labels_of(case, given.data) for case in tqdm(list(csv.DictReader(file)))}
    hashes = {name: [digest(labels), int(labels.max())] for name, labels in found.items()}
    if given.output:
        given.output.write_text(json.dumps(hashes, indent=1))
    if given.against:
        former = json.loads(given.against.read_text())
        changed = [name for name in hashes if hashes[name] != former.get(name)]
        for name in changed:
            print(f"{name}: {former.get(name, ['', None])[1]} before, {hashes[name][1]} after")
        print(f"{len(hashes) - len(changed)} of {len(hashes)} cases have the same labels")
        sys.exit(bool(changed))


def labels_of(case: dict[str, str], data: Path) -> NDArray[np.int32]:
    """Return the labels that a model gives one case."""
    image, axes, options = opened(case, data)
    settings = SegmentationSettings(
        channels=(0,) if "channel" in options else None,
        zoom=float(options["zoom"]) if "zoom" in options else None,
        join="Z" if "join" in options else "",
    )
    region = {axis: middle(image.shape[axes.index(axis)]) for axis in "YX"} if "region" in options else None
    return finish(
        segment_steps(image, load_model(case["model"]), axes=axes, settings=settings, region=region)
    ).labels


def opened(case: dict[str, str], data: Path) -> tuple[NDArray[Any], str, dict[str, str]]:
    """Return the image of a case, its axes and its options."""
    options = dict(entry.partition("=")[::2] for entry in case["options"].split())
    file = read_image(data / case["data_set"] / "images" / case["image"])
    image = np.asarray(file.array)
    if "stack" in options or case["data_set"] == "em3d_fib25":
        image = image[STACK] if "stack" in options else image[60]
    axes = "YXS" if image.ndim == 3 and image.shape[-1] in (3, 4) else "ZYX"[-image.ndim :]
    if "channel" in options:
        image, axes = np.stack([image, image[::-1]]), "C" + axes
    return image, axes, options


def middle(length: int) -> tuple[int, int]:
    """Return the middle half of an axis."""
    return length // 4, length - length // 4


def digest(labels: NDArray[np.int32]) -> str:
    """Return a hash of shape and values."""
    return hashlib.sha256(repr(labels.shape).encode() + np.ascontiguousarray(labels).tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    main()
