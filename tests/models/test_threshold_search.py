"""Thresholds chosen on held-out images: better where others are, unchanged where nothing tells."""

from dataclasses import replace

import numpy as np

from napari_unet.models.threshold_search import possible, with_thresholds
from napari_unet.models.training_image import TrainingImage
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings


def dim_discs(height):
    """Discs of which `bright_model` is less sure than its seed threshold wants, and their labels."""
    rows, columns = np.mgrid[:64, :64]
    labels = np.zeros((64, 64), np.int32)
    for number, (row, column) in enumerate([(16, 16), (16, 48), (48, 16), (48, 48)], start=1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 < 81] = number
    image = np.where(labels > 0, height, 0).astype(np.float32)
    return TrainingImage(name="discs", image=image[None], labels=labels)


def test_objects_that_the_default_misses_are_found_with_chosen_thresholds(bright_model):
    thresholds = InstanceSettings(core_threshold=0.8, edge_threshold=0.6)
    strict = replace(bright_model, spec=replace(bright_model.spec, instances=thresholds))
    image = dim_discs(0.5 + 0.2 / 40)  # a probability of 0.55
    chosen = finish(with_thresholds(strict, [image])).spec.instances
    assert chosen.edge_threshold <= chosen.core_threshold <= 0.55
    assert (chosen.min_size, chosen.min_mean_probability) == (strict.spec.instances.min_size, 0.5)


def test_the_present_thresholds_stay_where_none_are_better(bright_model):
    assert finish(with_thresholds(bright_model, [dim_discs(1.0)])).spec == bright_model.spec
    assert finish(with_thresholds(bright_model, [])) is bright_model
    assert next(possible(bright_model.spec.instances)) == bright_model.spec.instances


def test_a_model_of_classes_has_none_to_choose(bright_model):
    classes = replace(bright_model, spec=replace(bright_model.spec, levels=()))
    assert finish(with_thresholds(classes, [dim_discs(1.0)])) is classes
