"""Strokes at suggested places against strokes at random ones: how many are needed for equal recall of objects.

    python -m benchmarks.guidance ../shared/data/phase_t98g --seeds 0 1 2 3 4
    python -m benchmarks.guidance ../shared/data/phase_t98g --quick

A simulated annotator goes to a few places a round, suggested or drawn at random, and paints the largest error of
each kind there, else what is there; then the model learns from all strokes so far. Recall (IoU 0.5) is measured on
other images of the folder. `uncertain` ranks by uncertainty alone, `suggested` also by how far a place
is from what was visited.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.object_score import recall
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
Labels = NDArray[np.int32]
Curve = list[tuple[int, float]]
"""Strokes so far, and the recall with them."""


def places(
    way: str, model: Model, image: NDArray, visited: NDArray[np.bool_], *, count: int, rng: np.random.Generator
) -> list[tuple[slice, ...]]:
    """Return the boxes to paint in next."""
    survey = finish(survey_steps(model, image, axes="YX", device="cpu"))
    if way == "random":
        every = [part.place(number) for part in survey.cells for number in range(len(part.boxes))]
        free = [box for box in every if not visited[box].any()] or every
        return [free[i] for i in rng.permutation(len(free))[:count]]
    found = rank_places(survey.cells, visited, most=count, novelty=way == "suggested")
    return [place.box for place in found]


def annotate(
    found: Labels, truth: Labels, layer: Labels, box: tuple[slice, ...], rng: np.random.Generator
) -> None:
    """Paint in a box, in place: the largest missed part and the largest false one, or else what is there."""
    here = np.zeros(truth.shape, bool)
    here[box] = True
    missed, false = here & (truth > 0) & (found == 0), here & (truth == 0) & (found > 0)
    for wrong, kind in ((missed, truth > 0), (false, truth == 0)):
        large = ndimage.binary_opening(wrong, iterations=2)
        if (where := large if large.any() else here & kind).any():
            paint(truth, where, layer, rng)


def curve(
    way: str, model: Model, lesson: tuple[NDArray, Labels], tests: Images, given: argparse.Namespace
) -> Curve:
    """Return the recall after every round."""
    image, truth = lesson
    rng, layer, current = np.random.default_rng(given.seed), np.zeros(truth.shape, np.int32), model
    visited, points = np.zeros(truth.shape, bool), []
    for number in range(given.rounds):
        found = segmented(current, image)
        for box in places(way, current, image, visited | (layer > 0), count=given.places, rng=rng):
            annotate(found, truth, layer, box, rng)
            visited[box] = True
        settings = FineTuningSettings(seconds=None, iterations=given.iterations, seed=given.seed)
        current = finish(fine_tune_steps(model, [(image, painted(layer))], settings=settings)).model
        strokes = int(ndimage.label(layer > 0)[1])
        points.append((strokes, recall([segmented(current, other) for other, _ in tests], tests)))
        print(way, given.seed, number, points[-1], flush=True)
    return points


def strokes_for(points: Curve, wanted: float) -> float:
    """Return the strokes at which a curve reaches a recall, interpolated; infinite where it never does."""
    former = (0.0, 0.0)
    for strokes, reached in points:
        if reached >= wanted:
            share = (wanted - former[1]) / max(reached - former[1], 1e-9)
            return former[0] + share * (strokes - former[0])
        former = (strokes, reached)
    return float("inf")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--places", type=int, default=3, help="in a round")
    parser.add_argument("--iterations", type=int, default=250)
    parser.add_argument("--side", type=int, default=768)
    parser.add_argument("--tests", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed, two rounds of 40 iterations, small images")
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.rounds, given.iterations, given.side, given.tests = [0], 2, 40, 384, 2
    model = load_model(given.model)
    images = load(given.folder, given.side, 8)
    rows = []
    for seed in given.seeds:
        given.seed = seed
        lesson, *others = images[seed % len(images) :] + images[: seed % len(images)]
        curves = {way: curve(way, model, lesson, others[: given.tests], given) for way in WAYS}
        wanted = min(max(reached for _, reached in points) for points in curves.values())
        needed = {way: strokes_for(points, wanted) for way, points in curves.items()}
        ratios = [needed[way] / max(needed["random"], 1e-9) for way in WAYS[1:]]
        rows.append([seed, wanted, *(needed[way] for way in WAYS), *ratios])
    heads = ["seed", "recall", *(f"strokes, {way}" for way in WAYS), *(f"{way} / random" for way in WAYS[1:])]
    print(table(f"Strokes for equal recall on other images of {given.folder.name}", heads, rows))
    print("median ratios:", [float(np.median([row[column] for row in rows])) for column in (5, 6)])


if __name__ == "__main__":
    main()
