"""Pictures of a training: its curve, and what the model makes of images that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.color import label2rgb

from napari_unet.errors import printable
from napari_unet.files.atomic import atomic_path

DOTS_PER_INCH = 110
Row = tuple[str, NDArray[Any], NDArray[Any], NDArray[Any]]


def write_curve(path: str | Path, history: Sequence[Mapping[str, float]], score: str) -> None:
    """Write the loss and the validation score over the iterations as PNG; `score` names the latter."""
    with atomic_path(path) as temporary:
        _save(temporary, _curve(history, score))


def _curve(history: Sequence[Mapping[str, float]], score: str) -> Figure:
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    iterations = [entry["iteration"] for entry in history]
    axes.plot(iterations, [entry["loss"] for entry in history], color="tab:orange", label="loss")
    axes.set(xlabel="iteration", ylabel="loss")
    other = axes.twinx()
    other.plot(iterations, [entry["score"] for entry in history], color="tab:blue", label=score)
    other.set_ylabel(score)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def write_montage(path: str | Path, rows: Sequence[Row]) -> None:
    """Write a PNG with a row an image: (name, image, true, predicted labels); of volumes the middle plane."""
    with atomic_path(path) as temporary:
        _save(temporary, _montage(rows))


def _montage(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(9, 3.1 * len(rows)), layout="constrained")
    for places, (name, *arrays) in zip(figure.subplots(len(rows), 3, squeeze=False), rows, strict=True):
        image, truth, predicted = (array if array.ndim == 2 else array[len(array) // 2] for array in arrays)
        shown = (name, image), ("truth", _coloured(truth)), ("prediction", _coloured(predicted))
        for axes, (title, picture) in zip(places, shown, strict=True):
            axes.imshow(picture, cmap="gray", interpolation="nearest")
            axes.set_title(printable(title), fontsize=9, parse_math=False)  # a file may be named $a$
            axes.set_axis_off()
    return figure


def write_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure as PNG, whole or not at all, without a display."""
    with atomic_path(path) as temporary:
        _save(temporary, figure)


def _save(path: Path, figure: Figure) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)


def _coloured(labels: NDArray[Any]) -> NDArray[np.float64]:
    coloured: NDArray[np.float64] = label2rgb(labels, bg_label=0, bg_color=(0, 0, 0))
    return coloured
