"""A simulated annotator teaches `nuclei` an image kind that it does not know.

    python -m benchmarks.teaching ../shared/data/phase_t98g --picture docs/pictures/teaching_phase.png

Strokes of brush width 5 go where prediction and truth disagree most (corrections), each round after a look at
the prediction, or anywhere (random). Every seed paints on another image; foreground IoU and AP@0.5 are measured
on the three images after it. Beside ours, on the same strokes: a network from nothing, and a random forest on
multi-scale features, the method of scribble classifiers (Arganda-Carreras et al., Bioinformatics 33:2424, 2017),
with scikit-image's features.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import line
from skimage.feature import multiscale_basic_features

from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.arrays.contingency import contingency
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.training_plots import write_figure
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.fresh import fresh_model
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.weights import WeightSettings

BRUSH, LENGTH, TESTS = 5, 40, 3
Mask = NDArray[np.bool_]


def paint(truth: NDArray[np.int32], wrong: Mask, annotation: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Add one stroke in place: from the middle of the largest error, within one object or one background."""
    depth = ndimage.distance_transform_edt(np.pad(wrong & (annotation == 0), 1))[1:-1, 1:-1]
    start = np.unravel_index(int(depth.argmax()), depth.shape)
    inside = truth == truth[start]
    stroke = np.zeros(truth.shape, bool)
    for end in walk(start, ndimage.binary_erosion(inside, iterations=2), rng):
        stroke[line(*(int(i) for i in start), *(int(i) for i in end))] = True
        start = end
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= BRUSH / 2
    stroke = ndimage.binary_dilation(stroke, disc) & inside
    number = 1 if truth[start] == 0 else int(truth[start]) + 1
    annotation[stroke] = number


def walk(start: tuple, allowed: Mask, rng: np.random.Generator) -> list[tuple]:
    """Return the corners of a hand's path of about LENGTH pixels that stays in the allowed region."""
    path, here, heading = [start], np.array(start, float), rng.uniform(0, 2 * np.pi)
    for _ in range(LENGTH // 5):
        for turn in rng.normal(0, 0.6, 8):
            there = here + 5 * np.array([np.sin(heading + turn), np.cos(heading + turn)])
            spot = tuple(np.clip(np.round(there).astype(int), 0, np.array(allowed.shape) - 1))
            if allowed[spot]:
                here, heading = there, heading + turn
                path.append(spot)
                break
        else:
            heading += np.pi / 2
    return path


Images = list[tuple[NDArray, NDArray[np.int32]]]


@dataclass(frozen=True)
class Way:
    """One way to learn from strokes, changed from ours in one respect."""

    name: str
    settings: FineTuningSettings
    fresh: bool = False
    unknown_is_background: bool = False

    def learn(self, start: Model, image: NDArray, annotation: NDArray[np.int32]) -> Model:
        """Return what is learnt of one painted image, better or not."""
        said = painted(annotation)
        if self.unknown_is_background:
            said = replace(said, annotated=np.ones_like(said.annotated))
        model = fresh_model() if self.fresh else start
        return finish(fine_tune_steps(model, [(image, said)], settings=self.settings)).model


def ways(iterations: int, seed: int) -> dict[str, Way]:
    """Return ours, learning from nothing, and ours with one thing changed at a time."""
    ours = FineTuningSettings(seconds=None, iterations=iterations, seed=seed)
    nothing = FineTuningSettings.from_nothing(seconds=None, iterations=iterations, seed=seed)
    made = [
        Way("ours", ours),
        Way("from nothing", nothing, fresh=True),
        Way("anchor 0", ours.replace(anchor=0)),
        Way("anchor 0.3", ours.replace(anchor=0.3)),
        Way("anchor 1", ours.replace(anchor=1)),
        Way("no border weights", ours.replace(weights=WeightSettings.none())),
        Way("unpainted = background", ours.replace(anchor=0), unknown_is_background=True),
        Way("no replay", ours.replace(replay=0)),
    ]
    return {way.name: way for way in made}


def measure(found: list[NDArray[np.int32]], tests: Images) -> tuple[float, float]:
    """Return the mean foreground IoU and AP@0.5 of some images."""
    tables = [contingency(labels, truth) for labels, (_, truth) in zip(found, tests, strict=True)]
    return (
        float(np.mean([one.foreground_iou() for one in tables])),
        float(np.mean([one.average_precision(0.5) for one in tables])),
    )


def segmented(model: Model, image: NDArray) -> NDArray[np.int32]:
    """Return what the model finds."""
    return finish(segment_steps(image, model)).labels


def forest(image: NDArray, annotation: NDArray[np.int32], tests: Images) -> tuple[float, float]:
    """Return the figures of a random forest on multi-scale features, taught with the same strokes."""
    from sklearn.ensemble import RandomForestClassifier

    def features(image: NDArray) -> NDArray:
        low, high = np.percentile(image, (1, 99.8))
        return multiscale_basic_features(((image - low) / (high - low)).astype(np.float32), sigma_max=16)

    seen = features(image)[annotation > 0]
    classifier = RandomForestClassifier(100, max_depth=12, n_jobs=-1, random_state=0)
    classifier.fit(seen, annotation[annotation > 0] > 1)
    found = [
        ndimage.label(classifier.predict(features(other).reshape(-1, seen.shape[1])).reshape(other.shape))[0]
        for other, _ in tests
    ]
    return measure(found, tests)


def load(folder: Path, side: int, most: int | None = None) -> Images:
    """Return (image, truth) of a folder of the pack, of at most so many images spread over it.

    Semantic axon labels become foreground objects.
    """
    pairs = []
    paths = sorted((folder / "images").iterdir())
    for path in paths[:: max(1, len(paths) // most) if most else 1][:most]:
        truth = read_labels(folder / "labels" / path.name).array
        if folder.name == "em_axon_sem":
            truth = ndimage.label(truth == 2)[0].astype(np.int32)
        pairs.append((read_image(path).array[:side, :side], truth[:side, :side]))
    return pairs


def annotate(
    model: Model,
    lesson: tuple[NDArray, NDArray[np.int32]],
    annotation: NDArray[np.int32],
    count: int,
    *,
    rng: np.random.Generator,
    random: bool,
) -> None:
    """Paint in place until there are `count` strokes: on the worst errors of both kinds in turn, or anywhere."""
    image, truth = lesson
    wrong = (segmented(model, image) > 0) != (truth > 0)
    strokes = ndimage.label(annotation > 0)[1]
    while strokes < count or len(np.unique(annotation)) < 3:
        kind = (truth > 0) if strokes % 2 else (truth == 0)
        where = wrong & kind if (wrong & kind).any() else wrong
        if random:
            where = np.zeros_like(kind)
            where.flat[rng.choice(np.flatnonzero(kind))] = True
        paint(truth, where, annotation, rng)
        strokes += 1


def teach(folder: Path, given: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """Return a record for every way, number of strokes and kind of strokes."""
    model = load_model("nuclei")
    images = load(folder, given.side)
    (image, truth), *tests = images[seed:] + images[:seed]
    tests = tests[:TESTS]
    known = ways(given.iterations, seed)
    records: list[dict[str, Any]] = []

    def note(way: str, strokes: int, kind: str, figures: tuple[float, float], seconds: float) -> None:
        records.append(
            {"way": way, "strokes": strokes, "kind": kind, "seed": seed, "IoU": figures[0], "AP50": figures[1],
             "seconds": seconds}
        )  # fmt: skip
        print(folder.name, records[-1], flush=True)

    note("before", 0, "-", measure([segmented(model, other) for other, _ in tests], tests), 0)
    for random in (False, True):
        kind = "random" if random else "corrections"
        rng, annotation, current = np.random.default_rng(seed), np.zeros(truth.shape, np.int32), model
        for strokes in given.strokes if not random else [given.ablate]:
            annotate(current, (image, truth), annotation, strokes, rng=rng, random=random)
            full = strokes == given.ablate and not random
            for name in known if full else ("ours", "from nothing"):
                began = time.monotonic()
                learnt = known[name].learn(model, image, annotation)
                seconds = time.monotonic() - began
                note(
                    name, strokes, kind, measure([segmented(learnt, other) for other, _ in tests], tests), seconds
                )
                current = learnt if name == "ours" else current
            began = time.monotonic()
            note("random forest", strokes, kind, forest(image, annotation, tests), time.monotonic() - began)
            if full:  # does it sink when trained for longer?
                longer = replace(known["ours"], settings=known["ours"].settings.replace(iterations=given.longer))
                learnt = longer.learn(model, image, annotation)
                note("ours, longer", strokes, kind, measure([segmented(learnt, o) for o, _ in tests], tests), 0)
    return records


def draw(records: list[dict[str, Any]], path: Path, title: str) -> None:
    """Write the curve of IoU against strokes, means over seeds with their range."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    before = np.mean([one["IoU"] for one in records if one["way"] == "before"])
    axes.axhline(before, color="gray", linestyle="--", label="nuclei, untaught")
    for way in ("ours", "random forest", "from nothing"):
        mine = [one for one in records if one["way"] == way and one["kind"] == "corrections"]
        counts = sorted({one["strokes"] for one in mine})
        figures = [[one["IoU"] for one in mine if one["strokes"] == count] for count in counts]
        axes.plot(counts, [np.mean(row) for row in figures], marker="o", label=way)
        axes.fill_between(counts, [min(row) for row in figures], [max(row) for row in figures], alpha=0.15)
    axes.set(xscale="log", xlabel="strokes painted", ylabel="foreground IoU on other images", title=title)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    write_figure(path, figure)


def main() -> None:
    """Print the figures, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--strokes", type=int, nargs="+", default=[1, 3, 10, 30])
    parser.add_argument("--ablate", type=int, default=10, help="number of strokes at which every way is tried")
    parser.add_argument("--iterations", type=int, default=250, help="of learning; about 25 s on two CPU cores")
    parser.add_argument("--longer", type=int, default=1000)
    parser.add_argument("--side", type=int, default=768)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--records", type=Path, help="JSON file for all figures")
    given = parser.parse_args()
    records = [record for seed in given.seeds for record in teach(given.folder, given, seed)]
    keys = sorted({(one["kind"], one["strokes"], one["way"]) for one in records})
    rows = []
    for kind, strokes, way in keys:
        mine = [one for one in records if (one["kind"], one["strokes"], one["way"]) == (kind, strokes, way)]
        rows.append([kind, strokes, way, *(float(np.mean([one[key] for one in mine])) for key in ("IoU", "AP50"))])
    print(table(f"On other images of {given.folder.name}", ["strokes where", "n", "way", "IoU", "AP@0.5"], rows))
    if given.records:
        given.records.write_text(json.dumps(records, indent=1))
    if given.picture:
        draw(records, given.picture, given.folder.name)


if __name__ == "__main__":
    main()
