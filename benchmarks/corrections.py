"""Corrects images of a kind that the model knows: do they become right, and does the rest stay right.

    python -m benchmarks.corrections ../shared/data/dsb2018_fluo

Takes the images in which `nuclei` finds most false objects and corrects its result as with the brush: false
objects are erased, or they are erased and what was missed or cut wrongly is painted anew. AP@0.5 is measured
before and after, on the same image and on others that were not painted on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.teaching import Images, load, measure, segmented
from benchmarks.timing import table
from napari_unet.arrays.annotations import corrected
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings

Labels = NDArray[np.int32]


def false_objects(found: Labels, truth: Labels) -> list[int]:
    """Return the objects that touch no true one."""
    return [int(i) for i in np.setdiff1d(np.unique(found), np.unique(found[truth > 0])) if i]


def erased(found: Labels, truth: Labels) -> Labels:
    """Return the result without its false objects."""
    return np.where(np.isin(found, false_objects(found, truth)), 0, found).astype(np.int32)


def corrected_fully(found: Labels, truth: Labels) -> Labels:
    """Return the result with every object right: what overlaps a true one by less than half is painted anew."""
    layer, number = erased(found, truth), int(found.max())
    for name in np.unique(truth[truth > 0]):
        true = truth == name
        ids, pixels = np.unique(found[true], return_counts=True)
        shares = {int(i): int(n) / np.count_nonzero((found == i) | true) for i, n in zip(ids, pixels, strict=True)}
        if max((share for i, share in shares.items() if i), default=0.0) <= 0.5:
            number += 1
            layer[true] = number
    return layer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--among", type=int, default=60, help="images of the folder that are looked at")
    given = parser.parse_args()
    model = load_model("nuclei")
    every = load(given.folder, 256)
    images: Images = every[:: max(1, len(every) // given.among)]
    found = [segmented(model, image) for image, _ in images]
    worst = np.argsort([-len(false_objects(f, t)) for f, (_, t) in zip(found, images, strict=True)])
    lessons, others = worst[: given.images], [images[i] for i in worst[given.images :: 3]]
    old = measure([segmented(model, image) for image, _ in others], others)[1]
    rows: list[list[object]] = []
    for number in lessons:
        image, truth = images[number]
        for way in (erased, corrected_fully):
            layer = way(found[number], truth)
            settings = FineTuningSettings(seconds=None, iterations=given.iterations)
            said = corrected(found[number], layer)
            taught = finish(fine_tune_steps(model, [(image, said)], settings=settings)).model
            same = [measure([labels], [(image, truth)])[1] for labels in (found[number], segmented(taught, image))]
            new = measure([segmented(taught, one) for one, _ in others], others)[1]
            firm = taught.spec.training["fine_tuning"]["anchor"]
            rows.append([int(number), way.__name__.replace("_", " "), firm, *same, old, new])
            print(rows[-1], flush=True)
    heads = ["image", "what was done", "anchor", "this image before", "after", "others before", "after"]
    print(table("AP@0.5 after corrections", heads, rows))


if __name__ == "__main__":
    main()
