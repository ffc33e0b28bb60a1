"""Evaluate: predicted and true labels, as arrays or as files, to scores.

This file alone knows how predicted files find their true partners. What the scores mean stands in
`napari_unet.arrays.metrics`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unet.arrays.binary_masks import refuse_masks
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.membranes import between_membranes, move_spatial_last, thinned
from napari_unet.arrays.metrics import THRESHOLDS, Scores, class_ious
from napari_unet.errors import UnetError, printable
from napari_unet.files.class_images import read_class_pairs
from napari_unet.files.images import read_labels
from napari_unet.files.kinds import IMAGE_SUFFIXES, is_image
from napari_unet.files.openable import exists, is_file, is_folder, list_folder
from napari_unet.files.table import as_cell
from napari_unet.files.zarr import is_zarr
from napari_unet.progress import Progress, Steps

IMAGE_ENDINGS = (".ome.tiff", ".ome.tif", ".ome.btf", *IMAGE_SUFFIXES)
"""What an image or label file may end on, which is no part of what names have in common."""

LABEL_SUFFIXES = tuple(
    mark + word
    for mark in "_-"
    for word in ("cp_masks", "labels", "label", "masks", "mask", "instances", "segmentation", "seg")
)
"""What a name may carry beyond the name of its image."""

COUNTS = ("n_predicted", "n_truth")
"""The figures that are summed over images; all others are averaged."""


def evaluate(predicted: ArrayLike, truth: ArrayLike, *, thin: bool = False) -> Scores:
    """Return the scores of predicted against true instance labels.

    Parameters
    ----------
    predicted, truth
        Integer arrays of one shape and any axes, 0 is background.
    thin
        Take V_Rand and V_Info after the borders between predicted objects were thinned to nothing, as the ISBI
        2012 challenge does for membranes (Arganda-Carreras et al. 2015). Then the last two axes are Y and X, and
        each plane is thinned on its own.

    Returns
    -------
    Scores
        Average precision by IoU threshold, F1, IoU, SEG, V_Rand and others.

    Raises
    ------
    UnetError
        If the shapes differ, or labels are negative or no whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet import evaluate
    >>> truth = np.array([[1, 1, 0, 2, 2]])
    >>> scores = evaluate(np.array([[1, 1, 0, 0, 2]]), truth)
    >>> scores.average_precision[0.5], scores.average_precision[0.75]
    (1.0, 0.3333333333333333)
    """
    table = contingency(predicted, truth)
    parted = contingency(thinned(np.asarray(predicted)), truth) if thin else table
    average_precision = {threshold: table.average_precision(threshold) for threshold in THRESHOLDS}
    return Scores(
        average_precision=average_precision,
        mean_average_precision=sum(average_precision.values()) / len(average_precision),
        f1=table.f1(0.5),
        precision=table.precision(0.5),
        recall=table.recall(0.5),
        iou=table.foreground_iou(),
        seg=table.seg(),
        v_rand=parted.v_rand(),
        v_info=parted.v_info(),
        merges_per_100=table.merges_per_100(),
        splits_per_100=table.splits_per_100(),
        n_predicted=table.n_predicted,
        n_truth=table.n_truth,
    )


def evaluate_classes_steps(predicted: str | Path, truth: str | Path) -> Steps[dict[str, dict[str, float]]]:
    """Score pictures of classes, a file or a folder each: IoU per class and their mean, under the truth's name.

    Gray values, or colours, stand for classes, the same in all files; see `read_class_pairs`.
    """
    pairs = pair_files(Path(predicted), Path(truth))
    found, wanted = read_class_pairs(*zip(*pairs, strict=True))
    scores = {}
    for done, ((_, truth_file), one, other) in enumerate(zip(pairs, found, wanted, strict=True)):
        yield Progress(done=done, total=len(pairs), doing=f"evaluating {truth_file.name}")
        figures = class_ious(one, other)
        scores[truth_file.name] = {
            "mean_IoU": sum(figures.values()) / len(figures),
            **{f"IoU_class_{number}": iou for number, iou in figures.items()},
        }
    return scores


def mean_scores(scores: Sequence[Scores]) -> dict[str, float]:
    """Average every figure of `Scores.as_dict` over images, each of the same weight; counts are summed."""
    if not scores:
        raise UnetError("a mean needs the scores of one image at least, got none: evaluate an image first")
    rows = [score.as_dict() for score in scores]
    sums = {name: sum(row[name] for row in rows) for name in rows[0]}
    return {name: total if name in COUNTS else total / len(rows) for name, total in sums.items()}


def evaluate_files_steps(
    predicted: str | Path, truth: str | Path, *, thin: bool = False, membranes: bool = False
) -> Steps[dict[str, Scores]]:
    """Score a file, or every file of a folder, against its true partner; one step a file.

    With `membranes` the true files show membranes (not 0), and the objects are what they part in each plane.

    Returns
    -------
    dict[str, Scores]
        The scores of every pair under the file name of its true labels.

    Raises
    ------
    UnetError
        If a partner is missing, a file cannot be read, the truth is a mask, or the labels of a pair cannot be
        compared.
    """
    pairs = pair_files(Path(predicted), Path(truth))
    if not membranes:
        refuse_masks(((file.name, _objects(file)) for _, file in pairs), "give --classes")
    scores: dict[str, Scores] = {}
    for done, (predicted_file, truth_file) in enumerate(pairs):
        yield Progress(done=done, total=len(pairs), doing=f"evaluating {predicted_file.name}")
        scores[truth_file.name] = _evaluate_files(predicted_file, truth_file, thin=thin, membranes=membranes)
    yield Progress(done=len(pairs), total=len(pairs), doing="evaluated", figures=mean_scores([*scores.values()]))
    return scores


def scores_csv(scores: dict[str, Scores]) -> str:
    """Return a table as CSV text: a header, then a row an image with its name and its figures."""
    rows = {image: score.as_dict() for image, score in scores.items()}
    return figures_csv(
        {image: {name: round(figure, 6) for name, figure in row.items()} for image, row in rows.items()}
    )


def figures_csv(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return figures by image as CSV text; all rows have the columns of the first."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *next(iter(rows.values()), {})])
    writer.writerows([as_cell(printable(image)), *row.values()] for image, row in rows.items())
    return text.getvalue()


def pair_files(predicted: Path, truth: Path, *, sought: str = "prediction") -> list[tuple[Path, Path]]:
    """Pair predicted with true label files: two files, or two folders whose files have the same stems.

    A name is compared without its ending ("a.ome.tif" is "a"), and where that finds no partner without a suffix
    such as "_labels" or "_mask" too: "a_labels.ome.tif" is a partner of "a.tif". Every file must have a partner,
    so that no image is left out in silence; `sought` is what a true file without one is told to lack.
    """
    for path in (predicted, truth):
        if not exists(path):
            raise UnetError(f"no such file or folder: {path}; check the path")
    if _holds_files(predicted) != _holds_files(truth):
        folder, file = (predicted, truth) if _holds_files(predicted) else (truth, predicted)
        raise UnetError(f"{folder} is a folder but {file} is a file: give two files or two folders")
    if not _holds_files(predicted):
        return [(predicted, truth)]
    return _pair_folders(predicted, truth, sought)


def _holds_files(path: Path) -> bool:
    """Whether a path is a folder of files; a folder of OME-Zarr is one image."""
    return is_folder(path) and not is_zarr(path)


def _pair_folders(predicted: Path, truth: Path, sought: str) -> list[tuple[Path, Path]]:
    """Pair the files of two folders; every file has exactly one partner."""
    truth_files = _files_by_name(truth)
    partners: dict[Path, Path] = {}
    alone = []
    for file in _label_files(predicted):
        partner = next((truth_files[name] for name in _names(file) if name in truth_files), None)
        if partner is None:
            alone.append(file)
        elif partner in partners:
            raise UnetError(
                f"{partners[partner].name} and {file.name} are both predictions for {partner.name}: "
                "keep one of them in the folder"
            )
        else:
            partners[partner] = file
    _refuse_alone(alone, f"true labels in {truth}")
    _refuse_alone([file for file in _label_files(truth) if file not in partners], f"{sought} in {predicted}")
    return [(file, partner) for partner, file in sorted(partners.items())]


def _files_by_name(folder: Path) -> dict[str, Path]:
    """Return the label files of a folder under every name that a partner may have; whole names go first."""
    files: dict[str, Path] = {}
    for file in _label_files(folder):
        name = next(_names(file))
        if name in files:
            raise UnetError(f"{files[name].name} and {file.name} have the same name: keep one in the folder")
        files[name] = file
    for file in _label_files(folder):
        for name in _names(file):
            files.setdefault(name, file)
    return files


def _label_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold labels, in alphabetical order."""
    inside = [path for path in list_folder(folder) if not path.name.startswith(".")]
    files = [path for path in inside if is_zarr(path) or (is_file(path) and is_image(path))]
    if not files:
        raise UnetError(f"no label files in {folder}: they are images, as {', '.join(IMAGE_ENDINGS)}")
    return files


def _names(file: Path) -> Iterator[str]:
    """Yield the name of a file without its ending, then without one label suffix after the other."""
    name = _without(file.name, (*IMAGE_ENDINGS, ".ome.zarr", ".zarr"))
    yield name
    while (shorter := _without(name, LABEL_SUFFIXES)) != name:
        name = shorter
        yield name


def _without(name: str, endings: Sequence[str]) -> str:
    """Return a name without the first of `endings` that it carries, unless nothing would be left of it."""
    ending = next((ending for ending in endings if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)] or name


def _refuse_alone(files: list[Path], partner: str) -> None:
    """Raise UnetError that names the first of the files without a partner, and how many there are."""
    if files:
        raise UnetError(
            f"{files[0].name} has no {partner} ({len(files)} such files): "
            "add the missing files, or take those without a partner away"
        )


def _objects(path: Path) -> NDArray[Any]:
    """Return the labels in a file, its planes (Y, X) last; UnetError where it says that they are no objects."""
    file = read_labels(path)
    values = str((file.metadata.get("provenance") or {}).get("values", ""))
    if "classes" in values:
        raise UnetError(f"{path.name} holds classes, not objects: give --classes")
    if "probability" in values:
        raise UnetError(f"{path.name} holds probabilities, not objects: give the mask that was written beside it")
    return move_spatial_last(file.array, file.axes)


def _parted(path: Path) -> NDArray[Any]:
    """Return the objects that the membranes in a file part."""
    file = read_labels(path)
    return between_membranes(move_spatial_last(file.array, file.axes))


def _evaluate_files(predicted: Path, truth: Path, *, thin: bool, membranes: bool) -> Scores:
    """Read and score one pair of label files."""
    found, wanted = _objects(predicted), _parted(truth) if membranes else _objects(truth)
    try:
        return evaluate(found, wanted, thin=thin)
    except UnetError as error:
        raise UnetError(f"{predicted.name} and {truth.name}: {error}") from error
