"""Write figures and pictures of the model cards from images that the models did not learn from.

python scripts/model_cards.py ../shared/data           # all
python scripts/model_cards.py ../shared/data nuclei    # one
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recipes import RECIPES, pairs, validation_images
from skimage.color import rgb2gray
from tqdm import tqdm

from napari_unet import evaluate, load_model, segment
from napari_unet.arrays.metrics import class_ious
from napari_unet.evaluation import mean_scores
from napari_unet.files.overlay import write_overlay
from napari_unet.models.model import Model

ROOT = Path(__file__).parents[1]
CARDS = ROOT / "docs" / "reference" / "models"
PICTURES = ROOT / "docs" / "pictures"
SHOWN = ("AP@0.50", "AP@0.75", "mean_AP", "F1@0.50", "IoU", "SEG", "V_Rand", "merges_per_100", "splits_per_100")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Named = tuple[str, NDArray[Any], NDArray[Any]]


def held_out(data: Path, folder: str) -> list[Named]:
    """Return (name, image, truth) of the images of a data set that validate."""
    return [one for one in pairs(data / folder) if one[0] in validation_images(folder)]


def axes_of(image: NDArray[Any]) -> str:
    """Return the axes of a plane."""
    return "YXS" if image.ndim == 3 else "YX"


def instance_rows(model: Model, sets: dict[str, list[Named]]) -> list[str]:
    """Return a table of the figures of instances, and write pictures of the first set."""
    lines = ["| images | n | " + " | ".join(SHOWN) + " |", "|" + "---|" * (len(SHOWN) + 2)]
    thin = model.spec.classes[0] == "membrane"
    for title, images in sets.items():
        found = {name: segment(image, model, axes=axes_of(image)) for name, image, _ in tqdm(images, desc=title)}
        scored = {name: evaluate(found[name], truth, thin=thin) for name, _, truth in images}
        mean = mean_scores(list(scored.values()))
        lines.append(f"| {title} | {len(images)} | " + " | ".join(f"{mean[name]:.3f}" for name in SHOWN) + " |")
        if title == next(iter(sets)):
            show(
                model.spec.name, images, found, {name: one.average_precision[0.5] for name, one in scored.items()}
            )
    return lines


def class_rows(model: Model, sets: dict[str, list[Named]]) -> list[str]:
    """Return a table of IoU per class, and write pictures of the first set."""
    names = model.spec.classes
    lines = ["| images | n | mean IoU | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 3)]
    for title, images in sets.items():
        found = {name: segment(image, model) for name, image, _ in tqdm(images, desc=title)}
        scored = {name: class_ious(found[name], truth) for name, _, truth in images}
        rows = [[one.get(k, np.nan) for k in range(len(names))] for one in scored.values()]
        mean = np.nanmean(rows, axis=0)
        figures = " | ".join(f"{value:.3f}" for value in (mean.mean(), *mean))
        lines.append(f"| {title} | {len(images)} | {figures} |")
        show(
            model.spec.name, images, found, {name: float(np.mean(list(v.values()))) for name, v in scored.items()}
        )
    return lines


def show(model: str, images: list[Named], found: dict[str, NDArray[Any]], score: dict[str, float]) -> None:
    """Write overlays of a typical image and of the worst."""
    crowded = [name for name, _, truth in images if len(np.unique(truth)) >= min(15, truth.max())]
    order = sorted(crowded, key=lambda name: score[name])
    by_name = {name: image for name, image, _ in images}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for title, name in (("typical", order[len(order) // 2]), ("worst", order[0])):
        image = by_name[name]
        gray = rgb2gray(image[..., :3]) if image.ndim == 3 else image
        part = (slice(0, 512), slice(0, 512))
        write_overlay(PICTURES / f"{model}_{title}.png", gray[part], found[name][part])
        print(f"{model}, {title}: {name}, {score[name]:.2f}")


def write_card(name: str, data: Path) -> None:
    """Measure one model and put the table into its card."""
    model = load_model(name)
    validating = {folder: held_out(data, folder) for folder in RECIPES[name].phases[-1].data}
    sets = {folder: images for folder, images in validating.items() if images}  # some hold out experiments alone
    lines = class_rows(model, sets) if model.spec.is_semantic else instance_rows(model, sets)
    card = CARDS / f"{name}.md"
    text = card.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    card.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")
    print("\n".join(lines), flush=True)


def main() -> None:
    """Score, and write tables and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=list(RECIPES), metavar="NAME")
    given = parser.parse_args()
    for name in given.names:
        write_card(name, given.data)


if __name__ == "__main__":
    main()
