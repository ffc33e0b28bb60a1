"""Which model is suggested for which kind of image: every image of the data pack, and drawn ones that none knows.

    python -m benchmarks.suggestion ../shared/data                      # half an hour on a CPU
    python -m benchmarks.suggestion ../shared/data --most 8             # a few images of each kind
    python -m benchmarks.suggestion ../shared/data --keep evidence.json # what the models said, to go on from

Prints a table for the images by which the rule was chosen (every second one by name), and one for the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.timing import table
from napari_unet.files.images import read_image
from napari_unet.models.suggestion import Evidence, evidence_steps, figures, judge
from napari_unet.progress import finish

NONE = "none"
WANTED = {
    "dsb2018_fluo": {"nuclei"},
    "dsb2018_fluo as grey RGB": {"nuclei"},
    "dsb2018_fluo as blue RGB": {"nuclei"},
    "bbbc039_u2os_16bit": {"nuclei"},
    "nuclei3d_bbbc050": {"nuclei"},
    "dsb2018_histology": {"nuclei-histology"},
    "dsb2018_tissue_gray": {"nuclei"},
    "phase_t98g": {"cells-phase"},
    "em_axon_sem": {"axons"},
    "em_vnc_sstem": {"em-membranes"},
    "em3d_fib25": {"em-membranes"},
    "membranes_endothelium": {NONE},
    "drawn stripes": {NONE},
    "noise": {NONE},
    "photographs": {NONE},
}
"""The models that are right for a kind of image. Grey pictures of tissue have no colour for `nuclei-histology` to
see, and `nuclei` learnt from them."""
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "rocket")
"""Of scikit-image, that come with it."""
COLOURED = 12
"""So many-th image of dsb2018_fluo is measured as RGB, too."""
Image = tuple[NDArray[Any], str]
"""An array and its axes."""
Named = tuple[str, Callable[[], Image]]


def images(data: Path, kind: str) -> Iterator[Named]:
    """Yield the images of one kind: a name, and what reads it."""
    if kind == "drawn stripes":
        yield from stripes()
    elif kind == "noise":
        yield from noise()
    elif kind == "photographs":
        yield from photographs()
    elif kind.startswith("dsb2018_fluo as"):
        yield from coloured(data, blue="blue" in kind)
    elif kind == "em3d_fib25":
        volume = read_image(next((data / kind / "images").iterdir())).array
        yield "whole", partial(_kept, volume, "ZYX")
        for z in range(0, len(volume), 5):
            yield f"z{z:03}", partial(_kept, volume[z], "YX")
    else:
        for path in sorted((data / kind / "images").iterdir()):
            yield path.stem, partial(_read, path)


def _kept(array: NDArray[Any], axes: str) -> Image:
    return array, axes


def _read(path: Path) -> Image:
    image = read_image(path)
    return np.asarray(image.array), image.axes


def stripes(count: int = 24) -> Iterator[Named]:
    """Yield stripes of all widths and directions: smooth, sharp and noisy."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:512, :512]
    for number in range(count):
        period, angle = 6 * 2 ** (4 * rng.random()), np.pi * rng.random()
        wave = np.sin(2 * np.pi * (columns * np.cos(angle) + rows * np.sin(angle)) / period)
        drawn = (wave, np.sign(wave), wave + rng.normal(0, 0.25, wave.shape))[number % 3]
        seen = ((drawn / 4 + 0.5) * 255).clip(0, 255).astype(np.uint8)
        yield f"{number:02}", partial(_kept, seen, "YX")


def noise(count: int = 8) -> Iterator[Named]:
    """Yield noise of all widths."""
    rng = np.random.default_rng(0)
    for number in range(count):
        seen = ndimage.gaussian_filter(rng.normal(size=(512, 512)), number).astype(np.float32)
        yield f"{number:02}", partial(_kept, seen, "YX")


def photographs() -> Iterator[Named]:
    """Yield pictures of things that no microscope shows, in grey and in colour."""
    for name in PHOTOGRAPHS:
        picture = getattr(skimage.data, name)()
        yield name, partial(_kept, picture, "YXS" if picture.ndim == 3 else "YX")


def coloured(data: Path, *, blue: bool) -> Iterator[Named]:
    """Yield fluorescence stored as RGB: grey, or blue with some green in it."""
    shares = (0.0, 0.3, 1.0) if blue else (1.0, 1.0, 1.0)
    for path in sorted((data / "dsb2018_fluo" / "images").iterdir())[::COLOURED]:
        yield path.stem, partial(_in_colour, path, shares)


def _in_colour(path: Path, shares: tuple[float, ...]) -> Image:
    grey, _ = _read(path)
    return np.stack([(grey * share).astype(grey.dtype) for share in shares], -1), "YXS"


Row = tuple[str, str, int, float, list[Evidence]]
"""Kind, name, number within the kind, CPU seconds, what the models say."""


def measure(data: Path, most: int, known: list[Row]) -> Iterator[Row]:
    """Yield what the models say of at most so many images of each kind, but for those that are known already."""
    had = {(kind, name) for kind, name, *_ in known}
    for kind in WANTED:
        every = list(images(data, kind))
        for number in np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int):
            name, image = every[number]
            if (kind, name) in had:
                continue
            array, axes = image()
            began = time.process_time()
            said = finish(evidence_steps(array, axes))
            yield kind, name, int(number), time.process_time() - began, said


def read(path: Path) -> list[Row]:
    """Return what was measured before."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(*row[:4], [Evidence(**one) for one in row[4]]) for row in rows]


def verdict(said: list[Evidence]) -> tuple[str, ...]:
    """Return the models that are shown, the best first; `NONE` alone where none knows the image."""
    found = judge(said) if said else None
    return found.models[:2] if found and found.known else (NONE,)


def shares(rows: list[Row]) -> list[list[object]]:
    """Return a row of the table for each kind, and one for all."""
    lines: list[list[object]] = []
    totals = Counter[str]()
    for kind, wanted in WANTED.items():
        said = [verdict(row[4]) for row in rows if row[0] == kind]
        if not said:
            continue
        right = sum(shown[0] in wanted for shown in said)
        second = sum(bool(wanted & set(shown)) for shown in said)
        wrong = Counter(shown[0] for shown in said if shown[0] not in wanted)
        instead = ", ".join(f"{name} ({count})" for name, count in wrong.most_common())
        lines.append([kind, len(said), ", ".join(wanted), right / len(said), second / len(said), instead])
        totals.update(images=len(said), right=right, second=second)
    return [
        *lines,
        ["all", totals["images"], "", *(totals[n] / totals["images"] for n in ("right", "second")), ""],
    ]


def fitted(rows: list[Row]) -> dict[str, float]:
    """Return the weights and the readiness of each model, by logistic regression over pairs of image and model.

    All kinds weigh the same, and pairs that belong together twice as much as others.
    """
    counts = Counter(row[0] for row in rows)
    pairs = [(row[0], said) for row in rows for said in row[4]]
    names = sorted({said.model for _, said in pairs})
    facts = np.array([[*figures(said), *(said.model == name for name in names)] for _, said in pairs], float)
    right = np.array([said.model in WANTED[kind] for kind, said in pairs], float)
    weights = np.array([20 / counts[kind] for kind, _ in pairs]) * (1 + right)
    found = np.zeros(facts.shape[1])
    keep = np.diag([0.1] * 3 + [1e-3] * len(names))  # towards 0, so that nothing runs away
    for _ in range(50):  # Newton's steps
        likely = 1 / (1 + np.exp(-facts @ found))
        slope = facts.T @ (weights * (right - likely)) - keep @ found
        bend = (facts.T * (weights * likely * (1 - likely))) @ facts + keep
        found += np.linalg.solve(bend, slope)
    return dict(zip(("surprise", "objects", "undecided", *names), found.round(2).tolist(), strict=True))


def half(rows: list[Row], which: int) -> list[Row]:
    """Return every second row of each kind, by name."""
    of_kind = [sorted((row for row in rows if row[0] == kind), key=lambda row: row[1]) for kind in WANTED]
    return [row for some in of_kind for row in some[which::2]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=10**6, help="take at most so many images of each kind")
    parser.add_argument(
        "--keep", type=Path, help="file to which measurements are added, and from which they go on"
    )
    parser.add_argument("--fit", action="store_true", help="print the weights that the first half asks for")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = read(given.keep) if given.keep else []
    for row in measure(given.data, given.most, list(rows)):
        rows.append(row)
        if given.keep:
            with given.keep.open("a") as file:
                file.write(json.dumps([*row[:4], [dataclasses.asdict(one) for one in row[4]]]) + "\n")
    heads = ["kind", "images", "right is", "first", "among two", "instead"]
    halves = {"the half by which the rule was chosen": half(rows, 0), "the other half": half(rows, 1)}
    for title, some in {**halves, "all": rows}.items():
        print(table(f"Suggested models: {title}", heads, shares(some)))
    if given.fit:
        print(fitted(half(rows, 0)))
    print(f"{np.median([row[3] for row in rows]):.1f} s of one core per image")


if __name__ == "__main__":
    main()
