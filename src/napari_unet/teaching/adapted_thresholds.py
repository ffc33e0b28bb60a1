"""How the map of a taught model is read: thresholds for objects that it is less sure of than of what it knew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.models.spec import ModelSpec
from napari_unet.settings.instances import InstanceSettings
from napari_unet.teaching.training_regions import TrainingRegion

DOUBT = 0.18
"""How far above the edge probability the mean probability of an object may be asked to lie."""
SMALLER = 8
"""How many times smaller than the smallest painted object others may be.

Both were chosen on lessons of phase contrast and of axons, and by what `nuclei` still finds of nuclei afterwards:
with more doubt and larger specks it found a little more of the new kind, and lost small nuclei.
"""


def adapted_thresholds(spec: ModelSpec, lessons: Sequence[TrainingRegion]) -> InstanceSettings:
    """Return the thresholds of a model that is taught what it does not know.

    What a few strokes taught is found with lower probabilities, and specks come with it. So objects need not be as
    certain as before, and what is far smaller than everything that was painted is none.
    """
    former = spec.instances
    painted = [_sizes(lesson) for lesson in lessons]
    sizes = np.concatenate([*painted, np.zeros(0)]) / spec.zoom ** len(spec.axes)  # in pixels of the image
    smallest = int(sizes.min() / SMALLER) if sizes.size else 0
    return former.replace(
        min_mean_probability=min(former.min_mean_probability, former.edge_threshold + DOUBT),
        min_size=max(former.min_size, smallest),
    )


def _sizes(lesson: TrainingRegion) -> NDArray[np.int64]:
    """Return how many pixels were painted of each object."""
    counts = np.bincount(lesson.annotation.labels[lesson.annotation.annotated])[1:]
    return counts[counts > 0]
