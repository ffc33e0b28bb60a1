"""Does the interval of the score in objects hold: sessions of a simulated annotator against the truth elsewhere.

    python -m benchmarks.object_score ../shared/data/dsb2018_fluo --quick
    python -m benchmarks.object_score ../shared/data/dsb2018_fluo --iterations 120

In each session some images are painted: one scribble in each of some objects that are drawn at random, or in those
that the model misses first, and as many strokes of background. The score counts the held-out ones that are found;
the truth is the recall (IoU 0.5) on images of the folder that were not painted on. Without `--iterations` nothing
is learnt: the score of the model as it is shows whether the interval holds, apart from what learning does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.teaching import Images, load, paint, segmented
from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.arrays.contingency import contingency
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.object_score import ObjectScore, found_objects
from napari_unet.teaching.training_regions import painted_planes, prepare_regions

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Session:
    """What was counted, and what is true of images that were not painted on."""

    score: ObjectScore
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the truth lies in the interval."""
        low, high = self.score.interval
        return low <= self.truth <= high


def recall(found: list[Labels], tests: Images) -> float:
    """Return the share of all true objects that are found."""
    tables = [contingency(labels, truth) for labels, (_, truth) in zip(found, tests, strict=True)]
    return sum(one.matches(0.5) for one in tables) / max(1, sum(one.n_truth for one in tables))


def annotation_of(truth: Labels, missed: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Labels:
    """Return scribbles in so many objects, missed ones first where there are any, and background."""
    layer = np.zeros(truth.shape, np.int32)
    ids = rng.permutation(np.unique(truth[truth > 0]))
    first = sorted(ids, key=lambda one: not missed[truth == one].any())
    for one in first[:count]:
        paint(truth, truth == one, layer, rng)
        start = np.zeros(truth.shape, bool)
        start.flat[rng.choice(np.flatnonzero(truth == 0))] = True
        paint(truth, start, layer, rng)
    return layer


def missed_pixels(found: Labels, truth: Labels) -> NDArray[np.bool_]:
    """Return the pixels of true objects that are not found."""
    pairs = contingency(found, truth)
    right = pairs.truth_ids[1:][pairs.pairs.truth[pairs.pairs.iou >= 0.5]]
    return (truth > 0) & ~np.isin(truth, right)


def session(model: Model, images: Images, seed: int, given: argparse.Namespace) -> Session:
    """Return one session: painted on some images, measured on some others."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    lessons = [images[i] for i in order[: given.painted]]
    tests = [images[i] for i in order[given.painted : given.painted + given.tests]]
    pairs = []
    for image, truth in lessons:
        missed = np.zeros(truth.shape, bool)
        if given.errors:
            missed = missed_pixels(segmented(model, image), truth)
        layer = annotation_of(truth, missed, given.objects // given.painted, rng)
        pairs.append((image, painted(layer)))
    settings = FineTuningSettings(seconds=None, iterations=max(given.iterations, 1), seed=seed)
    if given.iterations:
        result = finish(fine_tune_steps(model, pairs, settings=settings))
        taught, score = result.model, result.objects
    else:
        planes = finish(painted_planes(model.spec, pairs, axes=None, channels=None))
        regions = finish(prepare_regions(model, planes, settings.replace(anchor=0)))
        found = finish(found_objects(model, regions, "cpu"))
        taught, score = model, ObjectScore(painted=len(found), before=int(found.sum()), after=int(found.sum()))
    assert score is not None
    return Session(score, recall([segmented(taught, image) for image, _ in tests], tests))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--painted", type=int, default=6, help="images that are painted in a session")
    parser.add_argument("--objects", type=int, default=72, help="objects that are painted in a session")
    parser.add_argument("--tests", type=int, default=8, help="images on which the truth is measured")
    parser.add_argument("--iterations", type=int, default=0, help="of learning; 0: the model as it is")
    parser.add_argument("--among", type=int, default=60, help="images of the folder that are looked at")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--errors", action="store_true", help="paint missed objects first")
    parser.add_argument("--quick", action="store_true", help="ten sessions on small crops, nothing is learnt")
    given = parser.parse_args()
    if given.quick:
        given.sessions, given.tests, given.side, given.among = 10, 4, 160, 20
    model = load_model(given.model)
    images = [pair for pair in load(given.folder, given.side, given.among) if pair[1].max() >= 3]
    rows, covered = [], []
    for seed in range(given.sessions):
        one = session(model, images, seed, given)
        low, high = one.score.interval
        covered.append(one.covers)
        rows.append([seed, one.score.painted, one.score.after, low, high, one.truth, one.covers])
        print(rows[-1], flush=True)
    heads = ["session", "scored", "found", "from", "to", "recall elsewhere", "covered"]
    print(table(f"{given.folder.name}: covered in {np.mean(covered):.0%} of {len(covered)} sessions", heads, rows))


if __name__ == "__main__":
    main()
