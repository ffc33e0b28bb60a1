"""Classes are called by the colours or values that marked them."""

import pytest

from napari_unet.errors import UnetError
from napari_unet.models.class_marks import check_marks, class_names, colour_of
from napari_unet.models.fresh import fresh_model
from napari_unet.models.spec import ModelSpec


@pytest.mark.parametrize(
    ("marks", "names"),
    [
        (("#000000", "#ff0000", "#12ab34"), ("background", "red", "#12ab34")),
        (("0", "128", "255"), ("background", "value 128", "value 255")),
        (("0", "1", "2"), ("background", "class 1", "class 2")),
        ((), ("background", "class 1", "class 2")),
    ],
)
def test_names_follow_the_marks(marks, names):
    assert class_names(3, marks) == names


def test_a_model_file_keeps_the_marks(tmp_path):
    marks = ("#000000", "#ff0000", "#0000ff")
    model = fresh_model(classes=class_names(3, marks), class_marks=marks)
    assert model.save(tmp_path / "classes.safetensors").spec.class_marks == marks
    assert ModelSpec.from_json(model.spec.to_json()) == model.spec


@pytest.mark.parametrize("marks", [("#000000",), ("#000000", "red"), ("0", "\x1b[31m"), (0, 1)])
def test_marks_that_are_none_are_refused(marks):
    with pytest.raises(UnetError, match="each of 2 classes needs a colour like #ff0000 or a grey value"):
        check_marks(marks, 2)


def test_colours_are_red_green_and_blue():
    assert colour_of("#ff0000") == (1, 0, 0)
    assert colour_of("17") is None
