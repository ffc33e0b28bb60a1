"""How `cells` does beside the specialists: AP@0.5 of every kind, on validation images and on held-out experiments.

    python scripts/compare_cells.py ../shared/data                                   # all shipped models
    python scripts/compare_cells.py ../shared/data runs/final/cells.safetensors      # one, by name or file
    python scripts/compare_cells.py ../shared/data --quick

For every kind and group of images the AP@0.5 of each model, and of the one that the panel suggests for each image
today. Models of colour pictures see colour, all others grey. At most --most images of each are measured, evenly
picked, large ones in the window in the middle of them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data_sets import Pair, held_out_experiments, kind_of, pairs, validation_images
from numpy.typing import NDArray
from recipes import CELLS_DATA
from skimage.color import rgb2gray

from napari_unet import evaluate, load_model, segment
from napari_unet.models.model import Model
from napari_unet.models.suggestion import suggestion_steps
from napari_unet.progress import finish

SPECIALISTS = ("nuclei", "cells-phase", "nuclei-histology", "em-membranes")
NEVER_LEARNT = ("em3d_fib25", "em_vnc_sstem")
"""Data sets of which `cells` learns nothing: the kinds that it does not know."""
WINDOW = 700
MOST, QUICK = 12, 2
Images = dict[tuple[str, str], list[Pair]]


def groups(data: Path) -> Images:
    """Return the (name, image, labels) of every kind that `cells` did not learn from, by (kind, group)."""
    found: Images = defaultdict(list)
    for folder in (*CELLS_DATA, *NEVER_LEARNT):
        lists = {"own": validation_images(folder), "experiment": held_out_experiments(folder)}
        for pair in pairs(data / folder):
            for group, names in lists.items():
                if pair[0].split("/", maxsplit=1)[0] in names:
                    found[kind_of(f"{folder}/{pair[0]}"), group].append(pair)
    return found


def evenly_picked(images: list[Pair], most: int) -> Iterator[Pair]:
    """Yield at most so many images, evenly picked, cut to the window in their middle."""
    for number in np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int):
        name, image, labels = images[number]
        starts = [max(0, (length - WINDOW) // 2) for length in labels.shape]
        part = tuple(slice(start, start + WINDOW) for start in starts)
        yield name, image[part], labels[part]


def score(model: Model, image: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return the AP@0.5 of a model on an image (Y, X) or (Y, X, colours)."""
    in_colour = image.ndim == 3
    if model.spec.in_channels == 3 and not in_colour:
        return 0.0  # a model of colour pictures cannot read it
    seen = rgb2gray(image[..., :3]) if in_colour and model.spec.in_channels == 1 else image
    found = segment(seen, model, axes="YXS" if seen.ndim == 3 else "YX")
    return float(evaluate(found, labels).average_precision[0.5])


def suggested(image: NDArray[Any]) -> str:
    """Return the specialist that the panel ranks first for an image, whether it knows the image or not."""
    suggestion = finish(suggestion_steps(image, "YXS" if image.ndim == 3 else "YX"))
    names = [name for name in suggestion.models if name in SPECIALISTS] if suggestion else []
    return names[0] if names else SPECIALISTS[0]


def row(models: dict[str, Model], images: list[Pair], most: int) -> list[float]:
    """Return the mean AP@0.5 of every model and of the suggested one, and how many images were measured."""
    rows = []
    for _, image, labels in evenly_picked(images, most):
        of = {name: score(model, image, labels) for name, model in models.items()}
        rows.append([*of.values(), of.get(suggested(image), np.nan)])
    return [*np.mean(rows, axis=0), len(rows)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="*", default=["cells", *SPECIALISTS], metavar="MODEL")
    parser.add_argument("--most", type=int, default=MOST)
    parser.add_argument("--quick", action="store_true", help="two images of each, to see that it works")
    given = parser.parse_args()
    models = {Path(name).stem: load_model(name) for name in given.models}
    print("| kind | images | " + " | ".join(models) + " | suggested | n |")
    print("|" + "---|" * (4 + len(models)))
    for (kind, group), images in groups(given.data).items():
        *figures, count = row(models, images, QUICK if given.quick else given.most)
        print(f"| {kind} | {group} | " + " | ".join(f"{one:.3f}" for one in figures) + f" | {count} |", flush=True)


if __name__ == "__main__":
    main()
