"""Predicted quality against the truth: whether it ranks images as their AP@0.5 does, and finds useless masks.

    python -m benchmarks.quality ../shared/data                       # an hour of one core
    python -m benchmarks.quality ../shared/data --most 6 --wrong 2    # minutes
    python -m benchmarks.quality ../shared/data --keep rows.jsonl     # go on from what was measured before

Validation images and held-out experiments, their middle 512 px, are segmented by the model of their kind, and a
few of each kind by all other models. Prints Spearman's correlation for every set of at least 10 images, the AUC of
"AP@0.5 is below 0.3" over all pairs, and the mean AP@0.5 by predicted quality.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.timing import table
from napari_unet import evaluate, load_model
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.quality import quality_steps
from napari_unet.segmentation import run_plan

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from data_sets import Pair, held_out_experiments, pairs, validation_images

MODELS = {
    "nuclei": ("dsb2018_fluo", "bbbc039_u2os_16bit", "nuclei3d_bbbc050", "dsb2018_tissue_gray"),
    "nuclei-histology": ("dsb2018_histology",),
    "cells-phase": ("phase_t98g",),
    "em-membranes": ("em_vnc_sstem", "em3d_fib25"),
}
KINDS = (*(kind for kinds in MODELS.values() for kind in kinds), "membranes_endothelium")
SIDE = 512
"""Pixels per axis of what is taken of an image."""
BAD = 0.3
"""AP@0.5 below which a mask is of no use."""
MIN_IMAGES = 10
"""Of a set whose order says something."""
BINS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One image and one model."""

    model: str
    kind: str
    image: str
    own: bool
    """Whether the model learnt this kind."""
    quality: float
    truth: float
    """AP@0.5."""


def chosen(data: Path, kind: str, most: int) -> list[Pair]:
    """Return at most so many images that validate, filled up with those of held-out experiments."""
    known = {pair[0]: pair for pair in pairs(data / kind)}
    validate, held = validation_images(kind), held_out_experiments(kind)
    own = [pair for name, pair in known.items() if name.split("/")[0] in validate]
    others = [pair for name, pair in known.items() if name.split("/")[0] in held - validate]
    return (_spread(own, most) + _spread(others, max(0, most - len(own))))[:most]


def _spread(some: list[Pair], count: int) -> list[Pair]:
    return [some[n] for n in np.linspace(0, len(some) - 1, min(count, len(some))).round().astype(int)]


def middle(pair: Pair) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the middle of image and labels."""
    _, image, labels = pair
    part = tuple(slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in labels.shape)
    return image[part], labels[part]


def measure(data: Path, most: int, wrong: int, known: list[Row]) -> Iterator[Row]:
    """Yield a row for each pair of image and model that is not known yet."""
    had = {(row.model, row.kind, row.image) for row in known}
    models = {name: load_model(name) for name in MODELS}
    for kind in KINDS:
        for number, pair in enumerate(chosen(data, kind, most)):
            for name, model in models.items():
                own = kind in MODELS[name]
                if (own or number < wrong) and (name, kind, pair[0]) not in had:
                    yield from _row(model, name, kind, pair, own=own)


def _row(model: Model, name: str, kind: str, pair: Pair, *, own: bool) -> Iterator[Row]:
    image, labels = middle(pair)
    try:
        plan = finish(plan_segmentation(Source.of(image, "YXS" if image.ndim == 3 else "YX"), model))
    except UnetError:  # a model of colour, an image without
        return
    quality = finish(quality_steps(plan, model))
    found = finish(run_plan(plan, model)).labels
    truth = evaluate(found, labels).average_precision[0.5]
    yield Row(model=name, kind=kind, image=pair[0], own=own, quality=float(quality or 0), truth=truth)


def ranks(rows: list[Row]) -> list[list[object]]:
    """Return a row of the table for each set of images and its model."""
    lines: list[list[object]] = []
    for name, kinds in MODELS.items():
        for kind in kinds:
            some = [row for row in rows if (row.model, row.kind) == (name, kind)]
            if len(some) >= MIN_IMAGES:
                truths, qualities = [row.truth for row in some], [row.quality for row in some]
                order = float(spearmanr(qualities, truths)[0])
                lines.append([name, kind, len(some), float(np.mean(truths)), float(np.mean(qualities)), order])
    return lines


def auc(rows: list[Row]) -> float:
    """Return how likely a bad mask has a lower quality than another one."""
    bad = np.array([row.quality for row in rows if row.truth < BAD])
    good = np.array([row.quality for row in rows if row.truth >= BAD])[:, None]
    return float((good > bad).mean() + (good == bad).mean() / 2)


def calibration(rows: list[Row]) -> list[list[object]]:
    """Return the mean AP@0.5 by predicted quality."""
    lines: list[list[object]] = []
    for low, high in itertools.pairwise(BINS):
        some = [row for row in rows if low <= row.quality < high]
        if some:
            means = [float(np.mean([getattr(row, name) for row in some])) for name in ("quality", "truth")]
            lines.append([f"{low:g} to {min(high, 1):g}", len(some), *means])
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=40, help="images of each kind at most")
    parser.add_argument("--wrong", type=int, default=5, help="images of each kind that other models see")
    parser.add_argument("--keep", type=Path, help="file to which rows are added, and from which it goes on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    lines = given.keep.read_text().splitlines() if given.keep and given.keep.exists() else []
    rows = [Row(**json.loads(line)) for line in lines]
    for row in measure(given.data, given.most, given.wrong, list(rows)):
        rows.append(row)
        if given.keep:
            with given.keep.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
    print(table("Order", ["model", "images of", "images", "AP@0.5", "quality", "Spearman"], ranks(rows)))
    bad = sum(row.truth < BAD for row in rows)
    print(f"\nAUC of AP@0.5 < {BAD}: {auc(rows):.3f} ({bad} of {len(rows)} pairs)\n")
    print(table("Calibration", ["quality", "pairs", "mean quality", "mean AP@0.5"], calibration(rows)))


if __name__ == "__main__":
    main()
