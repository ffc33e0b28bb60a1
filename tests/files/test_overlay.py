"""The picture of a segmentation."""

import numpy as np
from PIL import Image

from napari_unet.files.overlay import OUTLINE, write_overlay


def test_outlines_are_drawn_inside_the_objects_and_nowhere_else(tmp_path):
    labels = np.zeros((20, 30), np.int32)
    labels[5:12, 5:15] = 1
    image = np.random.default_rng(0).integers(0, 4095, (20, 30)).astype(np.uint16)
    write_overlay(tmp_path / "a.png", image, labels)
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    outlined = (picture == OUTLINE).all(-1)
    assert outlined[5, 5]
    assert not outlined[8, 10]
    assert not outlined[labels == 0].any()


def test_a_constant_image_has_a_picture_too(tmp_path):
    write_overlay(tmp_path / "a.png", np.full((8, 8), 3), np.zeros((8, 8), np.int32))
    assert Image.open(tmp_path / "a.png").size == (8, 8)
