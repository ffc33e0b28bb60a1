"""Settings: every declared default is valid, and a value that does not fit is one plain sentence."""

import copy
import json
import pickle
import subprocess
import sys
from contextlib import suppress
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.errors import UnetError
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.base import Settings, option, options
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.settings.weights import WeightSettings

GROUPS = [
    AugmentationSettings, FineTuningSettings, InstanceSettings, OptimizationSettings, PredictionSettings,
    SegmentationSettings, TrainingSettings, WeightSettings,
]  # fmt: skip
DECLARED = [(group, name) for group in GROUPS for name in group.model_fields]
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.floats()),
    st.dictionaries(st.text(), st.integers()), st.just(object()), st.just(np.zeros((3, 3))),
)  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_defaults_are_valid_and_survive_json_copies_and_pickles(group):
    defaults = group()
    values = {name: getattr(defaults, name) for name in group.model_fields}
    assert group(**values) == defaults  # what pydantic takes unchecked would pass the check
    assert group(**json.loads(defaults.model_dump_json())) == defaults
    assert pickle.loads(pickle.dumps(defaults)) == copy.deepcopy(defaults) == defaults
    assert hash(pickle.loads(pickle.dumps(defaults))) == hash(defaults)


@given(declared=st.sampled_from(DECLARED), value=ANYTHING)
def test_any_value_is_taken_or_refused_in_one_sentence(declared, value):
    group, name = declared
    with suppress(UnetError):  # nothing else may be raised
        group(**{name: value})
    with pytest.raises(UnetError, match=rf"^{name}.* must be [^\n]*, got [^\n]*: leave it out"):
        group(**{name: b"of no type that a setting has"})


@pytest.mark.parametrize(
    ("group", "values", "sentence"),
    [
        (PredictionSettings, {"tile": "64"}, "tile must be a whole number from 1 to 8192 px, or one for each "
         "axis, got '64': leave it out for the default, automatic"),
        (PredictionSettings, {"rotations": "no"}, "rotations (average) must be True or False, got 'no': "
         "leave it out for the default, False"),
        (PredictionSettings, {"precision": 16}, "precision must be 'exact' or 'fast', got 16: "
         "leave it out for the default, exact"),
        (PredictionSettings, {"device": None}, "device must be text, got None: "
         "leave it out for the default, auto"),
        (SegmentationSettings, {"zoom": 3}, "zoom must be one of 0.125, 0.25, 0.5, 1, 2, or one for each axis, "
         "got 3: leave it out for the default, model's own"),
        (SegmentationSettings, {"zoom": (1.0, 3.0)}, "zoom must be one of 0.125, 0.25, 0.5, 1, 2, or one for each "
         "axis, got (1.0, 3.0): leave it out for the default, model's own"),
        (SegmentationSettings, {"zoom": ()}, "zoom must be one of 0.125, 0.25, 0.5, 1, 2, or one for each "
         "axis, got (): leave it out for the default, model's own"),
        (SegmentationSettings, {"core_threshold": 1.0}, "core_threshold (core probability) must be a number "
         "above 0 and below 1, got 1.0: leave it out for the default, model's own"),
        (SegmentationSettings, {"prediction": 3}, "prediction must be PredictionSettings, got 3: "
         "leave it out for the default, PredictionSettings()"),
        (AugmentationSettings, {"scale": (2, 1)}, "scale must be a rising pair of numbers above 0, got (2, 1): "
         "leave it out for the default, (0.5, 2.0)"),
        (WeightSettings, {"sigma": float("nan")}, "sigma must be a number above 0 px, got nan: "
         "leave it out for the default, 5"),
        (WeightSettings, {"sigmas": 3}, "WeightSettings has no sigmas: choose from foreground, background, w0, "
         "sigma, border_inside, near, near_sigma"),
    ],
)  # fmt: skip
def test_the_sentence_names_field_value_and_remedy(group, values, sentence):
    with pytest.raises(UnetError) as refused:
        group(**values)
    assert str(refused.value) == sentence


def test_long_values_are_shortened():
    with pytest.raises(UnetError) as refused:
        PredictionSettings(tile=np.arange(10_000).reshape(100, 100))
    assert len(str(refused.value)) < 200


def test_numbers_of_numpy_and_whole_numbers_for_real_ones_are_numbers():
    assert SegmentationSettings(channels=(np.int64(2),), zoom=np.float32(0.5), min_size=np.uint8(3)) == (
        SegmentationSettings(channels=(2,), zoom=0.5, min_size=3)
    )
    assert WeightSettings(w0=3).w0 == 3.0
    assert AugmentationSettings(scale=[1, 2]).scale == (1.0, 2.0)
    assert SegmentationSettings(channels=[np.int64(1), 0]).channels == (1, 0)


def test_settings_cannot_change_and_copies_are_checked():
    settings = PredictionSettings(tile=64)
    with pytest.raises(ValueError, match="frozen"):
        settings.tile = 3
    assert settings.replace(rotations=True) == PredictionSettings(tile=64, rotations=True)
    with pytest.raises(UnetError, match="tile must be"):
        settings.replace(tile=0)


@pytest.mark.parametrize("join", ["zt", "TZ", "ZT"])
def test_axes_to_join_through_have_an_order(join):
    assert SegmentationSettings(join=join).join == "ZT"


@pytest.mark.parametrize("join", ["ZZ", "X", "ZTX", 3])
def test_other_axes_cannot_be_joined_through(join):
    with pytest.raises(UnetError, match="must be Z, T or ZT"):
        SegmentationSettings(join=join)


def test_chosen_thresholds_take_the_place_of_stored_ones():
    stored = InstanceSettings(core_threshold=0.6, edge_threshold=0.3, min_size=7)
    assert SegmentationSettings().thresholds(stored) == stored
    chosen = SegmentationSettings(edge_threshold=0.4, min_size=0).thresholds(stored)
    assert chosen == stored.replace(edge_threshold=0.4, min_size=0)


class Example(Settings):
    """One of each."""

    depth: int = option(3, "how deep", minimum=1, unit="px", label="Depth", offered=("segment",))
    kind: Literal["a", "b"] = option("a", "which kind")
    size: float | None = option(None, "how large", above=0, unset="as it is")


def test_the_declaration_is_read_as_an_option():
    depth, kind, size = options(Example).values()
    assert (depth.kind, depth.default, depth.minimum, depth.unit) == (int, 3, 1, "px")
    assert (depth.label, depth.explanation, depth.offered) == ("Depth", "how deep", ("segment",))
    assert kind.requirement == "'a' or 'b'"
    assert (size.kind, size.usual, size.above) == (float, "as it is", 0)


@pytest.mark.parametrize(("group", "name"), DECLARED)
def test_every_option_that_is_offered_is_explained(group, name):
    declared = options(group)[name]
    if declared.offered:
        assert declared.explanation
        assert not declared.explanation.endswith(".")


def test_pydantic_is_not_loaded_with_the_package():
    code = "import napari_unet, napari_unet.cli, sys; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_load_neither_torch_nor_qt():
    code = (
        "import importlib, pkgutil, sys, napari_unet.settings as room\n"
        "for module in pkgutil.iter_modules(room.__path__, 'napari_unet.settings.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert not {'torch', 'qtpy', 'scipy', 'skimage'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
