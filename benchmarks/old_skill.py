"""What `nuclei` forgets: AP@0.5 on nuclei after it was taught another kind of image.

    python -m benchmarks.old_skill ../shared/data

For every seed ten corrections on another image of phase_t98g, as the simulated annotator paints them, then the
validation images of dsb2018_fluo; with the anchor and replay as they are by default, and without replay.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.teaching import annotate, load, measure, segmented, ways
from benchmarks.timing import table
from napari_unet.models.library import load_model

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from recipes import pairs, validation_images

STROKES = 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th validation image")
    given = parser.parse_args()
    model = load_model("nuclei")
    fluo = pairs(given.data / "dsb2018_fluo")
    held = [(image, truth) for name, image, truth in fluo if name in validation_images("dsb2018_fluo")][
        :: given.every
    ]
    before = measure([segmented(model, image) for image, _ in held], held)[1]
    phase = load(given.data / "phase_t98g", 768)
    rows: list[list[object]] = []
    for seed in given.seeds:
        image, truth = phase[seed]
        annotation = np.zeros(truth.shape, np.int32)
        annotate(model, (image, truth), annotation, STROKES, rng=np.random.default_rng(seed), random=False)
        way = ways(given.iterations, seed)["ours"]
        row: list[object] = [seed, before]
        for replay in (way.settings.replay, 0.0):
            learnt = replace(way, settings=way.settings.replace(replay=replay)).learn(model, image, annotation)
            after = measure([segmented(learnt, one) for one, _ in held], held)[1]
            row += [after, after - before]
        rows.append(row)
    heads = ["lesson", "before", "after", "change", "after, no replay", "change"]
    print(table(f"AP@0.5 on {len(held)} nuclei images", heads, rows))


if __name__ == "__main__":
    main()
