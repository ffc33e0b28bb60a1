"""Leaves every term and rule of fine-tuning out in turn, and measures what that costs.

    python -m benchmarks.ablation ../shared/data --records ablation.json

For every seed: ten corrections of the simulated annotator teach `nuclei` phase contrast and axons (foreground IoU
and AP@0.5 on other images), then AP@0.5 on nuclei shows what phase contrast cost (old skill); false objects are
erased (even seeds) or everything is corrected (odd seeds) in an image of a known kind (AP@0.5 of that image and of
others). All rows learn from the same strokes for as many iterations, so they can be compared in pairs. Records are
written after every training; a further run goes on from them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.corrections import corrected_fully, erased, false_objects
from benchmarks.teaching import Images, annotate, load, measure, segmented
from benchmarks.timing import table
from napari_unet import finetuning
from napari_unet.arrays.annotations import Annotation, corrected, painted
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models import training_targets
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching import interpolation, scores

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from recipes import pairs, validation_images

STROKES, SIDE, TEST_SIDE, TESTS = 10, 512, 320, 2
KINDS = {"phase": "phase_t98g", "axons": "em_axon_sem"}
FIGURES = {"phase": ("IoU", "AP50", "old skill"), "axons": ("IoU", "AP50"), "correction": ("this", "others")}
Lesson = tuple[NDArray[Any], Annotation, Images]


@dataclass(frozen=True)
class Row:
    """What is left out: settings that change, and names of modules that are replaced meanwhile."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    replaced: tuple[tuple[Any, str, Any], ...] = ()


FROZEN = FineTuningSettings().optimization
ROWS = {
    "all": Row(),
    "no anchor": Row({"anchor": 0.0}),
    "anchor from strokes alone": Row(replaced=((scores, "SURE_STROKES", 0),)),
    "no mean teacher": Row({"consistency": 0.0}),
    "no replay": Row({"replay": 0.0}),
    "new weights alone": Row(replaced=((interpolation, "SHARES", (1.0,)),)),
    "batch norm learns": Row({"optimization": FROZEN.replace(frozen_norm=False)}),
    "rim of scribbles counts": Row(
        replaced=((training_targets, "_rim", lambda _, annotated: np.zeros_like(annotated)),)
    ),
    "no polarity rule": Row(replaced=((finetuning, "check_polarity", lambda model, _: model),)),
}


class Lessons:
    """The lessons of every seed, painted once for all rows."""

    def __init__(self, data: Path, model: Model) -> None:
        self._data = data
        self._model = model
        self._painted: dict[tuple[str, int], Lesson] = {}

    def get(self, kind: str, seed: int) -> Lesson:
        """Return (image, annotation, test images)."""
        if (kind, seed) not in self._painted:
            make = self._correction if kind == "correction" else partial(self._unknown, kind)
            self._painted[kind, seed] = make(seed)
        return self._painted[kind, seed]

    @cached_property
    def nuclei(self) -> Images:
        """Return every tenth validation image of fluorescence, of at most 360 px."""
        names = validation_images("dsb2018_fluo")
        known = [pair[1:] for pair in pairs(self._data / "dsb2018_fluo") if pair[0] in names]
        return [pair for pair in known if max(pair[0].shape) <= 360][::8]

    def _unknown(self, kind: str, seed: int) -> Lesson:
        images = load(self._data / KINDS[kind], SIDE)
        image, truth = images[seed]
        layer = np.zeros(truth.shape, np.int32)
        annotate(self._model, (image, truth), layer, STROKES, rng=np.random.default_rng(seed), random=False)
        part = slice(0, TEST_SIDE)
        tests = [(one[part, part], true[part, part]) for one, true in images[seed + 1 : seed + 1 + TESTS]]
        return image, painted(layer), tests

    @cached_property
    def _known(self) -> tuple[Images, list[NDArray[np.int32]], NDArray[np.intp]]:
        every = load(self._data / "dsb2018_fluo", 256)
        images = every[:: max(1, len(every) // 24)]
        found = [segmented(self._model, image) for image, _ in images]
        false = [len(false_objects(labels, truth)) for labels, (_, truth) in zip(found, images, strict=True)]
        return images, found, np.argsort([-count for count in false])

    def _correction(self, seed: int) -> Lesson:
        images, found, worst = self._known
        number = worst[seed]
        image, truth = images[number]
        way = corrected_fully if seed % 2 else erased
        others = [images[n] for n in worst[4::4]][:5]
        return image, corrected(found[number], way(found[number], truth)), [(image, truth), *others]


def figures(kind: str, model: Model, tests: Images, nuclei: Images) -> tuple[float, ...]:
    """Return the figures of a model, as `FIGURES` names them."""
    if kind == "correction":
        same = measure([segmented(model, tests[0][0])], tests[:1])[1]
        return same, measure([segmented(model, image) for image, _ in tests[1:]], tests[1:])[1]
    found = measure([segmented(model, image) for image, _ in tests], tests)
    if kind == "axons":
        return found
    return *found, measure([segmented(model, image) for image, _ in nuclei], nuclei)[1]


def learnt(model: Model, lesson: Lesson, row: Row, settings: FineTuningSettings) -> Model:
    """Return what is learnt of a lesson without what the row leaves out."""
    with ExitStack() as stack:
        for where, name, value in row.replaced:
            stack.enter_context(patch.object(where, name, value))
        steps = fine_tune_steps(model, [lesson[:2]], settings=settings.replace(**row.settings))
        return finish(steps).model


def summary(records: Mapping[str, tuple[float, ...]], seeds: list[int]) -> str:
    """Return the table: the mean over seeds of every figure, all seeds in brackets."""
    heads = ["", *(f"{kind}: {figure}" for kind, names in FIGURES.items() for figure in names)]
    rows = []
    for name in dict.fromkeys(key.split("|")[0] for key in records):
        cells: list[object] = [name]
        for kind, names in FIGURES.items():
            found = [records[key] for seed in seeds if (key := f"{name}|{kind}|{seed}") in records]
            for number in range(len(names)):
                values = [one[number] for one in found]
                each = ", ".join(f"{value:.2f}" for value in values)
                cells.append(f"{np.mean(values):.2f} ({each})" if values else "")
        rows.append(cells)
    return table("Every term and rule left out in turn", heads, rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="one seed, ten iterations")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--records", type=Path, help="JSON file for all figures")
    given = parser.parse_args()
    seeds, iterations = (given.seeds[:1], 10) if given.quick else (given.seeds, given.iterations)
    model = load_model("nuclei")
    lessons = Lessons(given.data, model)
    records: dict[str, tuple[float, ...]] = {}
    if given.records and given.records.exists():
        records = json.loads(given.records.read_text())
    for name in ["untaught", *given.rows]:
        for kind in FIGURES:
            for seed in seeds:
                key = f"{name}|{kind}|{seed}"
                if key in records:
                    continue
                lesson = lessons.get(kind, seed)
                settings = FineTuningSettings(
                    seconds=None, iterations=iterations, batch=given.batch, patch=given.patch, zoom=1.0, seed=seed
                )
                taught = model if name == "untaught" else learnt(model, lesson, ROWS[name], settings)
                records[key] = figures(kind, taught, lesson[2], lessons.nuclei)
                print(key, *(f"{figure:.3f}" for figure in records[key]), flush=True)
                if given.records:
                    given.records.write_text(json.dumps(records, indent=1))
    print(summary(records, seeds))


if __name__ == "__main__":
    main()
