"""Does the interval of the score in objects hold: sessions of a simulated annotator against the truth elsewhere.

    python -m benchmarks.object_score ../shared/data/dsb2018_fluo --quick
    python -m benchmarks.object_score ../shared/data/dsb2018_fluo --iterations 30 --records object_score.json

In each session some images are painted: one scribble in each of some objects that are drawn at random, or in those
that the model misses first, and as many strokes of background. The score counts the held-out ones that are found;
the truth is the recall (IoU 0.5) on images of the folder that were not painted on. Without `--iterations` nothing
is learnt: the score of the model as it is shows whether the interval holds, apart from what learning does; each
image is then looked at once, whatever the number of sessions. A session of 30 steps takes 20 s of one core.
With `--records` a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.records import Records
from benchmarks.teaching import Images, load, paint, segmented
from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.arrays.contingency import contingency
from napari_unet.finetuning import Pair, fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.object_score import ObjectScore, found_objects
from napari_unet.teaching.training_regions import painted_planes, prepare_regions

Labels = NDArray[np.int32]
Counts = tuple[int, int]
"""True objects that are found, and all of them."""


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


def found_of(labels: Labels, truth: Labels) -> Counts:
    """Return how many true objects of an image are found (IoU 0.5)."""
    pairs = contingency(labels, truth)
    return pairs.matches(0.5), pairs.n_truth


def recall(counts: Iterable[Counts]) -> float:
    """Return the share of all true objects of some images that are found."""
    found, every = np.sum(list(counts), axis=0)
    return float(found / max(1, every))


class Untaught:
    """A model as it is, which looks at each of some images once."""

    def __init__(self, model: Model, images: Images) -> None:
        """Look at nothing yet."""
        self.model = model
        self.images = images
        self._found: dict[int, Labels] = {}

    def found(self, number: int) -> Labels:
        """Return what it finds in an image."""
        if number not in self._found:
            self._found[number] = segmented(self.model, self.images[number][0])
        return self._found[number]


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


def session(untaught: Untaught, seed: int, given: argparse.Namespace) -> Session:
    """Return one session: painted on some images, measured on some others."""
    rng, images = np.random.default_rng(seed), untaught.images
    order = rng.permutation(len(images)).tolist()
    pairs = []
    for number in order[: given.painted]:
        image, truth = images[number]
        missed = np.zeros(truth.shape, bool)
        if given.errors:
            missed = missed_pixels(untaught.found(number), truth)
        layer = annotation_of(truth, missed, given.objects // given.painted, rng)
        pairs.append((image, painted(layer)))
    tests = order[given.painted : given.painted + given.tests]
    steps = max(given.iterations, 1)
    settings = FineTuningSettings(seconds=None, iterations=steps, seed=seed, batch=2, score_every=max(20, steps))
    if not given.iterations:
        counts = [found_of(untaught.found(number), images[number][1]) for number in tests]
        return Session(score_of(untaught.model, pairs, settings), recall(counts))
    result = finish(fine_tune_steps(untaught.model, pairs, settings=settings))
    assert result.objects is not None
    counts = [found_of(segmented(result.model, images[number][0]), images[number][1]) for number in tests]
    return Session(result.objects, recall(counts))


def figures(untaught: Untaught, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Return what is noted of a session."""
    return asdict(session(untaught, seed, given))


def score_of(model: Model, pairs: list[Pair], settings: FineTuningSettings) -> ObjectScore:
    """Return the score in objects of a model that learns nothing of what was painted."""
    planes = finish(painted_planes(model.spec, pairs, axes=None, channels=None))
    regions = finish(prepare_regions(model, planes, settings.replace(anchor=0)))
    found = finish(found_objects(model, regions, "cpu"))
    return ObjectScore(painted=len(found), before=int(found.sum()), after=int(found.sum()))


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
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--errors", action="store_true", help="paint missed objects first")
    parser.add_argument("--quick", action="store_true", help="ten sessions on small crops, nothing is learnt")
    parser.add_argument("--records", type=Path, help="JSON file for all figures")
    given = parser.parse_args()
    if given.quick:
        given.sessions, given.tests, given.among = 10, 4, 20
    images = [pair for pair in load(given.folder, given.side, given.among) if pair[1].max() >= 3]
    untaught, records = Untaught(load_model(given.model), images), Records(given.records)
    varied = (given.painted, given.objects, given.tests, given.iterations, given.among, given.side, given.errors)
    rows: list[list[object]] = []
    for seed in range(given.sessions):
        name = "|".join(str(part) for part in (given.folder.name, given.model, *varied, seed))
        noted = records.get(name, partial(figures, untaught, seed, given))
        one = Session(ObjectScore(**noted["score"]), noted["truth"])
        low, high = one.score.interval
        counts = (one.score.painted, one.score.before, one.score.after)
        rows.append([seed, *counts, low, high, one.truth, one.covers, one.score.is_trusted])
        print(rows[-1], flush=True)
    heads = ["session", "scored", "before", "found", "from", "to", "recall elsewhere", "covered", "trusted"]
    for title, some in (("all", rows), ("with ten or more scored objects", [row for row in rows if row[-1]])):
        covered = np.mean([row[-2] for row in some])
        print(f"{given.folder.name}, {title}: covered in {covered:.1%} of {len(some)} sessions")
    print(table(f"Sessions on {given.folder.name}", heads, rows))


if __name__ == "__main__":
    main()
