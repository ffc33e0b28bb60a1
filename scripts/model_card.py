"""Write the figures and pictures of the `nuclei` model card from its validation images and from foreign ones.

python scripts/model_card.py ../shared/data
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from train_nuclei import is_validation

from napari_unet import evaluate, load_model, segment
from napari_unet.evaluation import mean_scores
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.overlay import write_overlay

ROOT = Path(__file__).parents[1]
CARD = ROOT / "docs" / "models" / "nuclei.md"
PICTURES = ROOT / "docs" / "pictures"
SHOWN = ("AP@0.50", "AP@0.75", "mean_AP", "F1@0.50", "IoU", "SEG", "merges_per_100", "splits_per_100", "n_truth")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def images_of(folder: Path) -> list[tuple[str, NDArray[np.generic], NDArray[np.int32]]]:
    """Return (name, image, true labels) of a folder of the pack."""
    paths = sorted(path for path in (folder / "images").iterdir())
    return [
        (path.stem, read_image(path).array, read_labels(folder / "labels" / path.name).array) for path in paths
    ]


def main() -> None:
    """Score, and write table and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    model = load_model("nuclei")
    fluo = [entry for entry in images_of(data / "dsb2018_fluo") if is_validation(entry[0])]
    sets = {
        "dsb2018_fluo, validation split": fluo,
        "bbbc039, another experiment, never trained on": images_of(data / "bbbc039_u2os_16bit"),
        "dsb2018_tissue_gray, inverted brightfield, out of scope": [
            (name, image.max() - image, truth) for name, image, truth in images_of(data / "dsb2018_tissue_gray")
        ],
    }
    lines = ["| images | n | " + " | ".join(SHOWN) + " |", "|" + "---|" * (len(SHOWN) + 2)]
    for title, images in sets.items():
        scored = {name: evaluate(segment(image, model), truth) for name, image, truth in tqdm(images, desc=title)}
        mean = mean_scores(list(scored.values()))
        cells = [f"{mean[name]:.0f}" if name.startswith("n_") else f"{mean[name]:.3f}" for name in SHOWN]
        lines.append(f"| {title} | {len(images)} | " + " | ".join(cells) + " |")
        if images is fluo:
            show_extremes(images, {name: score.average_precision[0.5] for name, score in scored.items()}, model)
    text = CARD.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    CARD.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")
    print("\n".join(lines))


def show_extremes(images: list, ap: dict[str, float], model: object) -> None:
    """Write overlays of a typical image and of the three worst."""
    crowded = [name for name, _, truth in images if truth.max() >= 15]
    order = sorted(crowded, key=lambda name: ap[name])
    chosen = {"nuclei_typical": order[len(order) // 2], **{f"nuclei_worst_{i + 1}": order[i] for i in range(3)}}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for title, wanted in chosen.items():
        image = next(image for name, image, _ in images if name == wanted)
        write_overlay(PICTURES / f"{title}.png", image, segment(image, model))
        print(f"{title}: {wanted}, AP@0.5 {ap[wanted]:.2f}")


if __name__ == "__main__":
    main()
