"""Large TIFFs are decoded where they are looked at, with the same pixels as when they are read at once."""

import pickle

import numpy as np
import pytest
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files import tiff_lazy
from napari_unet.files.images import read_image

STACK = np.random.default_rng(0).integers(0, 60000, (6, 2, 150, 100), dtype=np.uint16)
COLOURS = np.random.default_rng(1).integers(0, 255, (3, 50, 60), dtype=np.uint8)
KINDS = {
    "imagej.tif": (STACK, {"imagej": True, "metadata": {"axes": "ZCYX"}}),
    "tiles.ome.tif": (STACK, {"metadata": {"axes": "ZCYX"}, "tile": (64, 64), "compression": "zlib"}),
    "big_endian.tif": (STACK[0, 0], {"byteorder": ">"}),
    "planar_rgb.tif": (COLOURS, {"photometric": "rgb", "planarconfig": "separate"}),
    "white_is_zero.tif": (STACK[0, 0], {"photometric": "miniswhite"}),
}


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    pixels, options = KINDS[request.param]
    tifffile.imwrite(tmp_path / request.param, pixels, **options)
    return tmp_path / request.param


def test_lazy_pixels_are_those_of_the_whole_file(path, monkeypatch):
    whole = read_image(path)
    monkeypatch.setattr(tiff_lazy, "MAX_EAGER_BYTES", 0)
    lazy = read_image(path)
    assert not isinstance(lazy.array, np.ndarray)
    assert (lazy.axes, lazy.pixel_size) == (whole.axes, whole.pixel_size)
    assert lazy.array.dtype == whole.array.dtype
    np.testing.assert_array_equal(np.asarray(lazy.array), whole.array)


def test_lazy_pixels_can_go_to_another_process(path, monkeypatch):
    monkeypatch.setattr(tiff_lazy, "MAX_EAGER_BYTES", 0)
    array = read_image(path).array
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(array))), np.asarray(array))


def test_a_slice_decodes_its_own_tiles_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_lazy, "MAX_EAGER_BYTES", 0)
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(path, np.zeros((512, 512), np.uint16), tile=(64, 64), compression="zlib")
    decoded, decode = [], tifffile.TiffPage.decode

    def counted(page):
        of_page = decode.__get__(page)
        return lambda *given, **named: decoded.append(given[1]) or of_page(*given, **named)

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(counted))
    np.asarray(read_image(path).array[10:50, 70:100])
    assert len(decoded) == 1


def test_pixels_that_turn_out_damaged_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_lazy, "MAX_EAGER_BYTES", 0)
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(path, STACK[0, 0], tile=(64, 64), compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 32)
    with pytest.raises(UnetError, match=r"tiles\.tif is damaged"):
        np.asarray(read_image(path).array)
