"""`napari-unet evaluate`: predicted against true labels, files or folders."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from napari_unet.cli.common import Subparsers, with_bar
from napari_unet.evaluation import evaluate_files_steps, mean_scores, scores_csv


def add(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("evaluate", help="compare predicted with true labels")
    parser.add_argument("predicted", type=Path, help="a label file or a folder of them")
    parser.add_argument("truth", type=Path, help="its truth, paired by name")
    parser.add_argument("--json", action="store_true", help="print figures of every image and their mean as JSON")
    parser.add_argument("--csv", action="store_true", help="print figures of every image as CSV")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the figures."""
    scores = with_bar(evaluate_files_steps(given.predicted, given.truth), "Comparing")
    mean = mean_scores(list(scores.values()))
    if given.json:
        images = {name: score.as_dict() for name, score in scores.items()}
        print(json.dumps({"mean": mean, "images": images}, indent=2))
    elif given.csv:
        print(scores_csv(scores), end="")
    else:
        print(f"{len(scores)} image{'s' if len(scores) != 1 else ''}, mean:")
        for name, value in mean.items():
            print(f"  {name:16} {value:.4f}" if not name.startswith("n_") else f"  {name:16} {value:.0f}")
    return 0
