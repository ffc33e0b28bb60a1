"""The pixels that predicted and true objects share, as one sparse table, and every score that follows from it.

This file alone knows the definitions of the scores of instances: each is a method of `Contingency`. Labels
are integer arrays of any axes, 0 is background, ids are arbitrary. Two empty images agree fully (1.0), an
empty one and one with objects not at all (0.0), unless a docstring says otherwise. Sources:

Caicedo 2019, Nature Methods 16, 1247: average precision as TP / (TP + FP + FN), which StarDist takes too.
Maška 2014, Bioinformatics 30, 1609: SEG.
Arganda-Carreras 2015, Frontiers in Neuroanatomy 9, 142: V_Rand and V_info.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unet.errors import UnetError
from napari_unet.whole_numbers import as_whole_numbers

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Integers = NDArray[np.int64]
AT_ONCE = 2**20
"""Pixels that are counted at once."""
TABLE = 2**22
"""Ids up to which they are looked up in a table."""


class Pairs(NamedTuple):
    """Pairs of a predicted and a true object that share pixels; objects from 0, areas in pixels."""

    predicted: Integers
    truth: Integers
    overlap: Integers
    predicted_area: Integers
    truth_area: Integers

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union (Jaccard index) of every pair."""
        iou: NDArray[np.float64] = self.overlap / (self.predicted_area + self.truth_area - self.overlap)
        return iou


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contingency:
    """Pixels that every predicted (row) and true (column) object share, and the scores that follow.

    Row and column 0 are background; `predicted_ids` and `truth_ids` name the rows and the columns.
    """

    counts: csr_array[np.int64, tuple[int, int]]
    predicted_ids: NDArray[Any]
    truth_ids: NDArray[Any]

    @property
    def n_predicted(self) -> int:
        """Number of predicted objects."""
        return len(self.predicted_ids) - 1

    @property
    def n_truth(self) -> int:
        """Number of true objects."""
        return len(self.truth_ids) - 1

    @property
    def pairs(self) -> Pairs:
        """All pairs of a predicted and a true object that share pixels."""
        table = self.counts.tocoo()
        inside = (table.row > 0) & (table.col > 0)
        predicted, truth = table.row[inside].astype(np.int64), table.col[inside].astype(np.int64)
        areas: tuple[Integers, Integers] = self.counts.sum(axis=1)[predicted], self.counts.sum(axis=0)[truth]
        return Pairs(predicted - 1, truth - 1, table.data[inside], *areas)

    def matches(self, threshold: float) -> int:
        """Most pairs with IoU >= `threshold` in which no object occurs twice: the true positives.

        At 0.5 and below an object may reach it with several partners: a maximum bipartite matching chooses.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_bipartite_matching

        if not 0 < threshold <= 1:
            raise UnetError(f"threshold must be above 0 and at most 1, got {threshold}: choose 0.5, say")
        pairs = self.pairs
        near = pairs.iou >= threshold
        edges = (np.ones(int(near.sum()), dtype=np.int8), (pairs.predicted[near], pairs.truth[near]))
        graph = csr_array(edges, shape=(self.n_predicted, self.n_truth))
        return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))

    def average_precision(self, threshold: float) -> float:
        """TP / (TP + FP + FN) after one-to-one matching at IoU >= `threshold` (Caicedo 2019)."""
        matched = self.matches(threshold)
        return self._share(matched, self.n_predicted + self.n_truth - matched)

    def f1(self, threshold: float) -> float:
        """2 TP / (2 TP + FP + FN) at IoU >= `threshold`."""
        return self._share(2 * self.matches(threshold), self.n_predicted + self.n_truth)

    def precision(self, threshold: float) -> float:
        """TP / (TP + FP): share of the predicted objects that are right at IoU >= `threshold`."""
        return self._share(self.matches(threshold), self.n_predicted)

    def recall(self, threshold: float) -> float:
        """TP / (TP + FN): share of the true objects that are found at IoU >= `threshold`."""
        return self._share(self.matches(threshold), self.n_truth)

    def foreground_iou(self) -> float:
        """Pixels that are object in both, over pixels that are object in either."""
        return self._share(int(self.pairs.overlap.sum()), int(self.counts.sum() - self.counts[0, 0]))

    def seg(self) -> float:
        """Mean over true objects of the IoU with the prediction that covers more than half of it, else 0.

        SEG of the Cell Tracking Challenge (Maška 2014): false positives cost nothing, unless there is no
        true object at all.
        """
        pairs = self.pairs
        return self._share(pairs.iou[2 * pairs.overlap > pairs.truth_area].sum(), self.n_truth)

    def v_rand(self) -> float:
        """Foreground-restricted Rand F-score, alpha = 0.5 (Arganda-Carreras 2015).

        sum_ij p_ij^2 / (0.5 sum_i s_i^2 + 0.5 sum_j t_j^2), where p_ij is the share of pixels in predicted
        segment i and true object j, and s_i, t_j are its sums. This is 1 - `adapted_rand_error` of
        scikit-image with its `ignore_labels=(0,)`: pixels whose truth is 0 are left out; predicted 0 inside
        a true object is **one segment** like any other (the SNEMI3D script took its pixels as singletons);
        and pairs are of two different pixels, so n (n - 1) stands for n^2. An empty prediction is thus one
        segment and may score high: read V_Rand beside the foreground IoU. With no pair to judge it is 1.0.
        """
        joint, predicted, truth = self._restricted()
        both, either = _ordered_pairs(joint), (_ordered_pairs(predicted) + _ordered_pairs(truth)) / 2
        return self._share(both, either, otherwise=float(self.n_truth > 0))

    def v_info(self) -> float:
        """Information-theoretic F-score, alpha = 0.5, over the pixels and segments that `v_rand` takes.

        I(S; T) / (0.5 H(S) + 0.5 H(T)): mutual information over mean entropy (Arganda-Carreras 2015). Where
        both are one single segment there is nothing to tell apart and the score is 1.0.
        """
        joint, predicted, truth = (_entropy(part) for part in self._restricted())
        entropy = (predicted + truth) / 2
        return self._share(max(predicted + truth - joint, 0.0), entropy, otherwise=float(self.n_truth > 0))

    def merges_per_100(self) -> float:
        """Count k - 1 merges for a prediction with more than half of each of k >= 2 true objects; per 100."""
        pairs = self.pairs
        return 100 * _repeats(pairs.predicted[2 * pairs.overlap > pairs.truth_area]) / max(self.n_truth, 1)

    def splits_per_100(self) -> float:
        """Count k - 1 splits for a true object that k >= 2 predictions share; per 100 true objects.

        A prediction shares a true object when it covers more than a tenth of it, and more than half of the
        prediction lies in it.
        """
        pairs = self.pairs
        share = (10 * pairs.overlap > pairs.truth_area) & (2 * pairs.overlap > pairs.predicted_area)
        return 100 * _repeats(pairs.truth[share]) / max(self.n_truth, 1)

    def _restricted(self) -> tuple[Integers, Integers, Integers]:
        """Sizes in pixels of the joint, predicted and true segments where the truth is not background."""
        inside = self.counts[:, 1:]
        return inside.data, inside.sum(axis=1), inside.sum(axis=0)

    def _share(self, part: float, whole: float, *, otherwise: float = 0.0) -> float:
        """Return part / whole; without a whole 1.0 where both images are empty, else `otherwise`."""
        if whole:
            return float(part) / float(whole)
        return otherwise if self.n_predicted or self.n_truth else 1.0


def contingency(predicted: ArrayLike, truth: ArrayLike) -> Contingency:
    """Count the shared pixels of all objects; UnetError if shapes differ or labels are no integers >= 0."""
    from scipy.sparse import coo_array, csr_array

    predicted, truth = as_whole_numbers(np.asarray(predicted)), as_whole_numbers(np.asarray(truth))
    if predicted.shape != truth.shape:
        raise UnetError(
            f"predicted and true labels must have the same shape, got {predicted.shape} and {truth.shape}: "
            "give labels of the same image, neither cropped nor scaled"
        )
    predicted_ids, truth_ids = _ids(predicted, "predicted"), _ids(truth, "true")
    row_of, column_of = _numbering(predicted_ids), _numbering(truth_ids)
    shape = (len(predicted_ids), len(truth_ids))
    counts: Any = csr_array(shape, dtype=np.int64)
    for found, wanted in zip(_parts(predicted), _parts(truth), strict=True):
        pixels = (np.ones(found.size, dtype=np.int64), (row_of(found), column_of(wanted)))
        counts += coo_array(pixels, shape=shape).tocsr()
    return Contingency(counts=counts, predicted_ids=predicted_ids, truth_ids=truth_ids)


def _ids(labels: NDArray[Any], name: str) -> NDArray[Any]:
    """Return all ids in rising order, 0 first even if no pixel has it."""
    if labels.dtype.kind not in "iu":
        raise UnetError(
            f"{name} labels must be integers, got {labels.dtype}: give instance labels, "
            "for example those that skimage.measure.label makes of a mask"
        )
    if labels.size and labels.min() < 0:
        raise UnetError(f"{name} labels must not be negative, got {labels.min()}: use 0 for background")
    highest = int(labels.max(initial=0))
    if highest > labels.size:  # a table of all possible ids spares the sort in the usual case
        return np.unique(np.concatenate([np.zeros(1, labels.dtype), *map(np.unique, _parts(labels))]))
    present = np.zeros(highest + 1, dtype=bool)
    present[0] = True
    for part in _parts(labels):
        present[part] = True
    return np.flatnonzero(present).astype(labels.dtype)


def _numbering(ids: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what gives the places of ids among all `ids`: a table, or a search where it would be large."""
    if int(ids[-1]) > max(TABLE, 4 * len(ids)):
        return lambda part: np.searchsorted(ids, part)
    table = np.zeros(int(ids[-1]) + 1, np.int32)
    table[ids] = np.arange(len(ids))
    return table.__getitem__


def _parts(labels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the pixels of labels (any axes) part by part: what is done with them takes much more memory."""
    flat = labels.reshape(-1)
    for start in range(0, flat.size, AT_ONCE):
        yield flat[start : start + AT_ONCE]


def _ordered_pairs(sizes: Integers) -> float:
    """Count the ordered pairs of two different pixels of the same segment, from the segments' sizes."""
    n = sizes.astype(np.float64)
    return float(n @ n - n.sum())


def _entropy(sizes: Integers) -> float:
    """Shannon entropy in bits of the segment that a random pixel lies in, from the segments' sizes."""
    shares = sizes[sizes > 0] / sizes.sum()
    return float(-(shares @ np.log2(shares)))


def _repeats(objects: Integers) -> int:
    """Sum of k - 1 over the objects that occur k times."""
    return len(objects) - len(np.unique(objects))
