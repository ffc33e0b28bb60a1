"""Strokes at suggested places against strokes at random ones: how many are needed for equal recall of objects.

    python -m benchmarks.guidance ../shared/data/phase_t98g ../shared/data/dsb2018_fluo --records guidance.json
    python -m benchmarks.guidance ../shared/data/phase_t98g --quick

A simulated annotator goes to a few places a round, suggested or drawn at random, and paints the largest error of
each kind there, else what is there; then the model learns from all strokes so far. Recall (IoU 0.5) is measured on
other images of the folder. `uncertain` ranks by uncertainty alone, `suggested` (Next) also by how far a place is
from what was visited. Equal recall is the highest one that every way reaches. With `--records` a run that was
stopped goes on with the curve (kind, seed, way) at which it was.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.object_score import found_of, recall
from benchmarks.records import Records
from benchmarks.teaching import Images, load, paint, segmented
from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.finetuning import fine_tune_steps
from napari_unet.guidance import rank_places, survey_steps
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings

WAYS = ("random", "uncertain", "suggested")
KINDS = 2
"""Strokes of both are needed to learn: objects and background."""
IMAGES = 8
"""Images of a folder: every seed paints on another one."""
Labels = NDArray[np.int32]
Curve = list[tuple[int, float]]
"""Strokes so far, and the recall with them; it begins with none."""


def places(
    way: str, model: Model, image: NDArray, visited: NDArray[np.bool_], *, count: int, rng: np.random.Generator
) -> list[tuple[slice, ...]]:
    """Return the boxes to paint in next; random ones where no place is left to suggest."""
    survey = finish(survey_steps(model, image, axes="YX", device="cpu"))
    if way != "random":
        cells = [part if way == "suggested" else replace(part, known=True) for part in survey.cells]
        found = rank_places(cells, [visited], most=count, novelty=way == "suggested")
        if found:
            return [place.box for place in found]
    every = [part.place(number) for part in survey.cells for number in range(len(part.boxes))]
    free = [box for box in every if not visited[box].any()] or every
    return [free[i] for i in rng.permutation(len(free))[:count]]


def annotate(
    found: Labels, truth: Labels, layer: Labels, box: tuple[slice, ...], rng: np.random.Generator
) -> None:
    """Paint in a box, in place: the largest missed part and the largest false one, or else what is there."""
    here = np.zeros(truth.shape, bool)
    here[box] = True
    free = here & (layer == 0)
    missed, false = free & (truth > 0) & (found == 0), free & (truth == 0) & (found > 0)
    for wrong, kind in ((missed, truth > 0), (false, truth == 0)):
        large = ndimage.binary_opening(wrong, iterations=2)
        if (where := large if large.any() else free & kind).any():
            paint(truth, where, layer, rng)


def count_strokes(layer: Labels) -> int:
    """Return how many strokes were painted: connected pieces of one value, as touching objects have others."""
    return sum(int(ndimage.label(layer == value)[1]) for value in np.unique(layer) if value)


def curve(
    way: str, model: Model, lesson: tuple[NDArray, Labels], tests: Images, *, given: argparse.Namespace, seed: int
) -> Curve:
    """Return the recall before and after every round."""
    image, truth = lesson
    rng, layer, current = np.random.default_rng(seed), np.zeros(truth.shape, np.int32), model
    visited, points = np.zeros(truth.shape, bool), [(0, recall_on(model, tests))]
    for number in range(given.rounds):
        found = segmented(current, image)
        for box in places(way, current, image, visited | (layer > 0), count=given.places, rng=rng):
            annotate(found, truth, layer, box, rng)
            visited[box] = True
        if len(np.unique(layer[layer > 0])) < KINDS:
            continue
        settings = FineTuningSettings(seconds=None, iterations=given.iterations, batch=given.batch, seed=seed)
        current = finish(fine_tune_steps(model, [(image, painted(layer))], settings=settings)).model
        points.append((count_strokes(layer), recall_on(current, tests)))
        print(way, seed, number, points[-1], flush=True)
    return points


def recall_on(model: Model, tests: Images) -> float:
    """Return the share of the true objects of some images that a model finds."""
    return recall(found_of(segmented(model, image), truth) for image, truth in tests)


def strokes_for(points: Curve, wanted: float) -> float:
    """Return the strokes at which a curve reaches a recall, interpolated; infinite where it never does."""
    former = points[0]
    if former[1] >= wanted:
        return 0.0
    for strokes, reached in points[1:]:
        if reached >= wanted:
            share = (wanted - former[1]) / (reached - former[1])
            return former[0] + share * (strokes - former[0])
        former = (strokes, reached)
    return float("inf")


def row_of(folder: Path, seed: int, given: argparse.Namespace, records: Records) -> list[object]:
    """Return kind, seed, recall before, the recall that all ways reach, the strokes of each, and ratios."""
    model = load_model(given.model)
    images = load(folder, given.side, IMAGES)
    lesson, *others = images[seed % len(images) :] + images[: seed % len(images)]
    varied = (given.rounds, given.places, given.iterations, given.batch, given.side, given.tests, len(images))
    curves: dict[str, Curve] = {}
    for way in WAYS:
        name = "|".join(str(part) for part in (folder.name, given.model, *varied, seed, way))
        measure = partial(curve, way, model, lesson, others[: given.tests], given=given, seed=seed)
        curves[way] = [(strokes, reached) for strokes, reached in records.get(name, measure)]
    wanted = min(max(reached for _, reached in points) for points in curves.values())
    needed = [strokes_for(curves[way], wanted) for way in WAYS]
    ratios = [one / needed[0] if needed[0] else float("nan") for one in needed[1:]]
    return [folder.name, seed, curves["random"][0][1], wanted, *needed, *ratios]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--places", type=int, default=3, help="in a round")
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--tests", type=int, default=3)
    parser.add_argument("--records", type=Path, help="JSON file for all figures")
    parser.add_argument(
        "--quick", action="store_true", help="one seed, two rounds of 10 iterations: whether it runs"
    )
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.rounds, given.iterations, given.side, given.tests = [0], 2, 10, 256, 1
    records, rows = Records(given.records), []
    for seed in given.seeds:
        for folder in given.folders:
            rows.append(row_of(folder, seed, given, records))
            print(rows[-1], flush=True)
    heads = ["kind", "seed", "recall before", "recall", *(f"strokes, {way}" for way in WAYS)]
    heads += [f"{way} / random" for way in WAYS[1:]]
    print(table("Strokes for equal recall on other images", heads, rows))
    for folder in given.folders:
        ratios = [row[-2:] for row in rows if row[0] == folder.name and not np.isnan(row[-1])]
        said = (
            [f"{way} {ratio:.2f}" for way, ratio in zip(WAYS[1:], np.median(ratios, axis=0), strict=True)]
            if ratios
            else []
        )
        print(f"{folder.name}: median ratios to random places:", ", ".join(said) or "nothing was learnt")


if __name__ == "__main__":
    main()
