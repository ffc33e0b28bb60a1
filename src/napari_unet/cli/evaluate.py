"""`napari-unet evaluate`: predicted against true labels, files or folders."""

from __future__ import annotations

import argparse
import json

from napari_unet.cli.common import named_path, with_bar
from napari_unet.cli.output import say, say_lines
from napari_unet.evaluation import (
    COUNTS,
    evaluate_classes_steps,
    evaluate_files_steps,
    figures_csv,
    mean_scores,
    scores_csv,
)
from napari_unet.words import counted


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("predicted", type=named_path, help="a label file or a folder of them")
    parser.add_argument("truth", type=named_path, help="its truth, paired by name")
    parser.add_argument("--json", action="store_true", help="print figures of every image and their mean as JSON")
    parser.add_argument("--csv", action="store_true", help="print figures of every image as CSV")
    parser.add_argument(
        "--thin", action="store_true", help="V_Rand and V_Info after thinning the borders, as for membranes"
    )
    parser.add_argument("--classes", action="store_true", help="values or colours are classes: IoU of each")
    parser.add_argument(
        "--membranes", action="store_true", help="the truth shows membranes, not 0: objects are what they part"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the figures."""
    if given.classes:
        return run_classes(given)
    steps = evaluate_files_steps(given.predicted, given.truth, thin=given.thin, membranes=given.membranes)
    scores = with_bar(steps, "Comparing")
    mean = mean_scores(list(scores.values()))
    if given.json:
        images = {name: score.as_dict() for name, score in scores.items()}
        say_lines(json.dumps({"mean": mean, "images": images}, indent=2))
    elif given.csv:
        say_lines(scores_csv(scores))
    else:
        print_mean(len(scores), mean)
    return 0


def run_classes(given: argparse.Namespace) -> int:
    """Print IoU per class."""
    images = with_bar(evaluate_classes_steps(given.predicted, given.truth), "Comparing")
    names = sorted(set().union(*images.values()), key=lambda name: (name != "mean_IoU", name))
    mean = {
        name: sum(known) / len(known)
        for name in names
        if (known := [figures[name] for figures in images.values() if name in figures])
    }
    if given.json:
        say_lines(json.dumps({"mean": mean, "images": images}, indent=2))
    elif given.csv:
        rows = {image: {name: row.get(name, "") for name in names} for image, row in images.items()}
        say_lines(figures_csv(rows))
    else:
        print_mean(len(images), mean)
    return 0


def print_mean(count: int, mean: dict[str, float]) -> None:
    """Print figures one a line."""
    say(f"{counted(count, 'image')}, mean:")
    for name, value in mean.items():
        say(f"  {name:16} {value:.4f}" if name not in COUNTS else f"  {name:16} {value:.0f} in all")
