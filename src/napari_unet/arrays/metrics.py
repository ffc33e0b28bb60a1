"""How well predicted labels agree with true ones, one figure at a time: of instances, and of pixel classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unet.arrays.contingency import contingency
from napari_unet.errors import UnetError

THRESHOLDS: tuple[float, ...] = tuple(step / 20 for step in range(10, 20))
"""IoU 0.50, 0.55 .. 0.95; as quotients, so that an IoU of exactly 11/20 reaches the threshold 0.55."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All figures of one image; `Contingency` defines them; F1, precision and recall at IoU 0.5."""

    average_precision: dict[float, float]
    mean_average_precision: float
    f1: float
    precision: float
    recall: float
    iou: float
    seg: float
    v_rand: float
    v_info: float
    merges_per_100: float
    splits_per_100: float
    n_predicted: int
    n_truth: int

    def as_dict(self) -> dict[str, float]:
        """Return the figures under flat, stable names, for JSON and tables."""
        return {f"AP@{threshold:.2f}": value for threshold, value in self.average_precision.items()} | {
            "mean_AP": self.mean_average_precision,
            "F1@0.50": self.f1,
            "precision@0.50": self.precision,
            "recall@0.50": self.recall,
            "IoU": self.iou,
            "SEG": self.seg,
            "V_Rand": self.v_rand,
            "V_Info": self.v_info,
            "merges_per_100": self.merges_per_100,
            "splits_per_100": self.splits_per_100,
            "n_predicted": self.n_predicted,
            "n_truth": self.n_truth,
        }


def iou_pairs(predicted: ArrayLike, truth: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Return predicted id, true id and IoU of every pair that shares pixels, as three arrays."""
    table = contingency(predicted, truth)
    pairs = table.pairs
    return table.predicted_ids[1:][pairs.predicted], table.truth_ids[1:][pairs.truth], pairs.iou


def average_precision(predicted: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> float:
    """TP / (TP + FP + FN) after one-to-one matching at IoU >= `threshold`."""
    return contingency(predicted, truth).average_precision(threshold)


def f1(predicted: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> float:
    """2 TP / (2 TP + FP + FN) after one-to-one matching at IoU >= `threshold`."""
    return contingency(predicted, truth).f1(threshold)


def precision(predicted: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> float:
    """TP / (TP + FP) after one-to-one matching at IoU >= `threshold`."""
    return contingency(predicted, truth).precision(threshold)


def recall(predicted: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> float:
    """TP / (TP + FN) after one-to-one matching at IoU >= `threshold`."""
    return contingency(predicted, truth).recall(threshold)


def foreground_iou(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Intersection over union of the two foregrounds, whatever the ids."""
    return contingency(predicted, truth).foreground_iou()


def class_ious(predicted: ArrayLike, truth: ArrayLike) -> dict[int, float]:
    """Return intersection over union of every class of `truth`, class indices per pixel, background too.

    The Jaccard index as Everingham et al. (IJCV 88:303, 2010) take it for pixel classes.
    """
    found, wanted = np.asarray(predicted), np.asarray(truth)
    if found.shape != wanted.shape:
        raise UnetError(f"the prediction is {found.shape} and the truth {wanted.shape}: they must match")
    return {
        int(one): float(
            np.count_nonzero((found == one) & (wanted == one)) / np.count_nonzero((found == one) | (wanted == one))
        )
        for one in np.unique(wanted)
    }


def mean_class_iou(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean of `class_ious`, 1 for an empty image."""
    figures = class_ious(predicted, truth)
    return float(np.mean(list(figures.values()))) if figures else 1.0


def seg(predicted: ArrayLike, truth: ArrayLike) -> float:
    """SEG of the Cell Tracking Challenge; defined by `Contingency.seg`."""
    return contingency(predicted, truth).seg()


def v_rand(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Foreground-restricted Rand F-score; defined by `Contingency.v_rand`."""
    return contingency(predicted, truth).v_rand()


def psnr(image: NDArray[Any], truth: NDArray[Any], peak: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 log10(peak^2 / mean squared error)."""
    error = float(np.mean((np.asarray(image, np.float64) - truth) ** 2))
    return float(10 * np.log10(peak**2 / max(error, np.finfo(np.float64).tiny)))
