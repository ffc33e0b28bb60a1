"""Do the images that `rank` puts first teach more: five of them fully corrected against ten drawn at random.

    python -m benchmarks.worst_first ../shared/data/dsb2018_fluo --records worst_first.json
    python -m benchmarks.worst_first ../shared/data/dsb2018_fluo --quick

Some images of a folder are a pool to choose from, others are measured: mean AP@0.5 before and after learning
from the chosen ones, every pixel of which is said. With `--records` a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.records import Records
from benchmarks.teaching import Images, load, measure, segmented
from benchmarks.timing import table
from napari_unet.arrays.annotations import painted
from napari_unet.arrays.source import Source
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.quality import rank
from napari_unet.settings.finetuning import FineTuningSettings

WAYS = {"worst": 5, "random": 10}
"""How many images are taken, worst first or at random."""


def taken(way: str, model: Model, pool: Images, count: int, rng: np.random.Generator) -> list[int]:
    """Return the numbers of the images to correct."""
    if way == "random":
        return rng.permutation(len(pool))[:count].tolist()
    sources = [Source.of(image, "YX", name=str(number)) for number, (image, _) in enumerate(pool)]
    return [int(one.name) for one in rank(sources, model)[:count]]


def taught(way: str, model: Model, images: Images, given: argparse.Namespace, seed: int) -> float:
    """Return the AP@0.5 on other images after learning from some of the pool; before it for no way."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images)).tolist()
    pool = [images[number] for number in order[: given.pool]]
    tests = [images[number] for number in order[given.pool : given.pool + given.tests]]
    if way:
        chosen = [pool[number] for number in taken(way, model, pool, WAYS[way], rng)]
        pairs = [(image, painted(truth + 1)) for image, truth in chosen]
        settings = FineTuningSettings(seconds=None, iterations=given.iterations, batch=given.batch, seed=seed)
        model = finish(fine_tune_steps(model, pairs, settings=settings)).model
    return measure([segmented(model, image) for image, _ in tests], tests)[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pool", type=int, default=30)
    parser.add_argument("--tests", type=int, default=12)
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--records", type=Path, help="JSON file for all figures")
    parser.add_argument("--quick", action="store_true", help="one seed, ten iterations, few images")
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.pool, given.tests, given.iterations, given.side = [0], 12, 3, 10, 96
    model, records, rows = load_model(given.model), Records(given.records), []
    images = load(given.folder, given.side, given.pool + given.tests)
    varied = (given.folder.name, given.model, given.pool, given.tests, given.iterations, given.batch, given.side)
    for seed in given.seeds:
        row: list[object] = [seed]
        for way in ("", *WAYS):
            name = "|".join(str(part) for part in (*varied, seed, way or "before"))
            row.append(records.get(name, partial(taught, way, model, images, given, seed)))
            print(seed, way or "before", row[-1], flush=True)
        rows.append(row)
    heads = ["seed", "before", *(f"{count} {way}" for way, count in WAYS.items())]
    print(table(f"AP@0.5 on other images of {given.folder.name}", heads, rows))


if __name__ == "__main__":
    main()
