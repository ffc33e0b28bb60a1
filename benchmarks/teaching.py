"""A simulated annotator teaches `nuclei` an image kind that it does not know.

    python -m benchmarks.teaching ../shared/data/phase_t98g

Strokes of brush width 5 go where prediction and truth disagree most, each round after a look at the prediction.
Foreground IoU is measured on *other* images of the kind. Beside ours, on the same strokes, a random forest on
multi-scale features: the scribble classifiers' method.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import line
from skimage.feature import multiscale_basic_features

from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.files.images import read_image, read_labels
from napari_unet.finetuning import FineTuningSettings, fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps

BRUSH, LENGTH = 5, 40
Mask = NDArray[np.bool_]


def paint(truth: NDArray[np.int32], wrong: Mask, annotation: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Add one stroke in place: from the middle of the largest error, within one object or one background."""
    depth = ndimage.distance_transform_edt(wrong & (annotation == 0))
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


def iou(found: Mask, truth: Mask) -> float:
    """Return intersection over union of the foreground."""
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def foreground(model: Model, image: NDArray) -> Mask:
    """Return where the model sees objects."""
    return finish(segment_steps(image, model)).labels > 0


def forest_scores(painted_images: list, tests: list) -> float:
    """Return the IoU of a random forest on multi-scale features, taught with the same strokes."""
    from sklearn.ensemble import RandomForestClassifier

    def features(image: NDArray) -> NDArray:
        low, high = np.percentile(image, (1, 99.8))
        return multiscale_basic_features(((image - low) / (high - low)).astype(np.float32), sigma_max=16)

    rows = [
        (features(image)[annotation > 0], annotation[annotation > 0] > 1) for image, annotation in painted_images
    ]
    forest = RandomForestClassifier(100, max_depth=12, n_jobs=-1, random_state=0)
    forest.fit(np.concatenate([x for x, _ in rows]), np.concatenate([y for _, y in rows]))
    found = [
        forest.predict(features(image).reshape(-1, rows[0][0].shape[1])).reshape(image.shape) for image, _ in tests
    ]
    return float(np.mean([iou(mask, truth > 0) for mask, (_, truth) in zip(found, tests, strict=True)]))


def load(folder: Path) -> list[tuple[NDArray, NDArray[np.int32]]]:
    """Return (image, truth) of a folder of the pack; semantic axon labels become foreground objects."""
    pairs = []
    for path in sorted((folder / "images").iterdir()):
        truth = read_labels(folder / "labels" / path.name).array
        if folder.name == "em_axon_sem":
            truth = ndimage.label(truth == 2)[0].astype(np.int32)
        pairs.append((read_image(path).array[:1024, :1024], truth[:1024, :1024]))
    return pairs


def main() -> None:
    """Print IoU on other images against the number of strokes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--strokes", type=int, nargs="+", default=[1, 3, 10, 30])
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 30])
    parser.add_argument("--anchors", type=float, nargs="+", default=[0, 0.5])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    model = load_model("nuclei")
    (image, truth), *tests = load(given.folder)
    tests = tests[:3]
    rng = np.random.default_rng(given.seed)
    annotation = np.zeros(truth.shape, np.int32)
    before = float(np.mean([iou(foreground(model, other), mask > 0) for other, mask in tests]))
    print(f"before: IoU {before:.3f}", flush=True)
    rows: list[list[object]] = []
    current = model
    for count in given.strokes:
        while len(np.unique(annotation)) < 3 or ndimage.label(annotation > 0)[1] < count:
            seen = foreground(current, image) != (truth > 0)
            # the annotator looks for both kinds of error in turn
            kind = (truth > 0) if rng.random() < 0.5 else (truth == 0)
            paint(truth, seen & kind if (seen & kind).any() else seen, annotation, rng)
        row: list[object] = [count]
        for anchor in given.anchors:
            for seconds in given.seconds:
                settings = FineTuningSettings(seconds=seconds, anchor=anchor, seed=given.seed)
                result = finish(fine_tune_steps(model, [(image, painted(annotation))], settings=settings))
                current = result.model
                row.append(float(np.mean([iou(foreground(current, other), mask > 0) for other, mask in tests])))
        row.append(forest_scores([(image, annotation)], tests))
        rows.append(row)
        print(row, flush=True)
    heads = [
        "strokes",
        *(f"ours, anchor {a}, {s:g} s" for a in given.anchors for s in given.seconds),
        "random forest",
    ]
    print(table(f"Foreground IoU on other images, {given.folder.name} (before: {before:.2f})", heads, rows))


if __name__ == "__main__":
    main()
