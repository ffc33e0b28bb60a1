"""What is used again of a mask's provenance is what it is called."""

import pytest

from napari_unet.files.provenance_values import are_settings


@pytest.mark.parametrize("zoom", [None, 1, 0.5, [1.0, 0.25, 0.25], [0.5]])
def test_a_zoom_is_one_number_or_one_for_each_axis(zoom):
    assert are_settings({"zoom": zoom})


@pytest.mark.parametrize("zoom", ["1", 0, -1.0, float("nan"), [], [1.0] * 4, [1.0, "a"], [1.0, 0], {"Z": 1.0}])
def test_any_other_zoom_is_none(zoom):
    assert not are_settings({"zoom": zoom})
