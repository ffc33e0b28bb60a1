"""Images of many kinds are known by their content, whatever their names end in."""

import builtins
import sys
from datetime import timedelta
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import dask.array as da
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.kinds import IMAGE_SUFFIXES, is_image
from napari_unet.widgets.viewer.reader import reader_of
from tests.files.foreign import write_dicom, write_lif

PLANE = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
STACK = np.arange(2 * 3 * 8 * 10, dtype=np.uint16).reshape(2, 3, 8, 10)
needs_pydicom = pytest.mark.skipif(find_spec("pydicom") is None, reason="the extra formats is not installed")


def save(path, kind, pixels=PLANE):
    """Write pixels in a kind of picture without a loss, under any name."""
    options = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(pixels).save(path, kind.upper(), **options)
    return path


@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "ppm", "webp"])
def test_a_picture_is_known_by_its_content_under_any_name(tmp_path, kind):
    for name in ("picture", "picture.tif", "picture.czi", "picture.npy", "picture.txt"):
        path = save(tmp_path / name, kind)
        assert is_image(path)
        array = read_image(path).array
        np.testing.assert_array_equal(array[..., 0] if array.ndim == 3 else array, PLANE)


@pytest.mark.parametrize("name", ["a.png", "a.nd2", "a", "a.txt", "a.lif", "a.jp2"])
def test_a_tiff_is_known_by_its_content_under_any_name(tmp_path, name):
    tifffile.imwrite(tmp_path / name, PLANE, description="not an image's name")
    np.testing.assert_array_equal(read_image(tmp_path / name).array, PLANE)


@pytest.mark.parametrize("pixels", [PLANE.astype(np.uint16) * 80, np.dstack([PLANE] * 3).astype(np.uint16) * 50])
def test_jpeg_2000_keeps_sixteen_bits(tmp_path, pixels):
    path = tmp_path / "a.dat"
    path.write_bytes(imagecodecs.jpeg2k_encode(pixels, level=0))
    image = read_image(path)
    np.testing.assert_array_equal(image.array, pixels)
    assert image.axes == "YXS"[: pixels.ndim]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UnetError, match=r"a\.dat is damaged"):
        read_image(path)


def test_the_frames_of_an_animation_are_time(tmp_path):
    frames = [PLANE, PLANE[::-1], PLANE[:, ::-1]]
    for name in ("a.gif", "a.webp"):
        first, *others = map(Image.fromarray, frames)
        first.save(tmp_path / name, save_all=True, append_images=others, lossless=True)
        image = read_image(tmp_path / name)
        assert image.axes == "TYX"
        np.testing.assert_array_equal(image.array, np.stack(frames))


def test_labels_in_a_gif_keep_their_numbers(tmp_path):
    labels = np.repeat(np.arange(4, dtype=np.uint8), 8).reshape(4, 8)
    np.testing.assert_array_equal(read_labels(save(tmp_path / "a.gif", "gif", labels)).array, labels)


def test_a_folder_holds_images_of_every_kind_and_names_what_is_none(bright_model, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    pixels = np.zeros((40, 50), np.uint8)
    pixels[5:15, 5:15] = pixels[20:35, 30:45] = 200
    for kind in ("png", "gif", "webp", "ppm"):
        save(images / f"of_{kind}", kind, pixels)
    (images / "of_jp2").write_bytes(imagecodecs.jpeg2k_encode(pixels, level=0))
    (images / "notes.txt").write_text("BM, P5 and RIFF are beginnings of pictures")
    model = str(bright_model.save(tmp_path / "bright.safetensors").path)
    assert main(["segment", str(images), "--model", model, "--output", str(tmp_path / "masks")]) == 0
    said = capsys.readouterr()
    assert "left out, no images that can be read here: notes.txt" in said.err
    masks = sorted((tmp_path / "masks").iterdir())
    assert [mask.name for mask in masks] == [
        f"of_{kind}_labels.tif" for kind in ("gif", "jp2", "png", "ppm", "webp")
    ]
    for mask in masks:
        np.testing.assert_array_equal(read_labels(mask).array > 0, pixels > 0)


KINDS = {
    "a.nd2": (b"\xda\xce\xbe\x0a" + bytes(40), "Nikon ND2"),
    "b.bin": (b"\x70\0\0\0\x10\0\0\0*" + bytes(40), "Leica LIF"),
    "c": (b"ZISRAWFILE" + bytes(40), "Zeiss CZI"),
    "d.img": (bytes(128) + b"DICM" + bytes(40), "DICOM"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_reader_is_one_sentence_with_the_way_to_get_it(tmp_path, monkeypatch, name):
    content, kind = KINDS[name]
    (tmp_path / name).write_bytes(content)
    there = builtins.__import__

    def without_formats(module, *arguments, **options):
        if module.split(".")[0] in ("bioio", "pydicom"):
            raise ImportError(module)
        return there(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_formats)
    assert is_image(tmp_path / name)
    with pytest.raises(UnetError) as said:
        read_image(tmp_path / name)
    expected = (
        f'{name} is a {kind} file, whose reader is not installed: pip install "napari-unet-interactive[formats]"'
    )
    assert str(said.value).startswith(expected)
    assert ("bioio-czi" in str(said.value) and "GPL" in str(said.value)) == (name == "c")


class FakeImage:
    """What bioio gives of a file: five axes, lazy."""

    def __init__(self, path, reader):
        assert reader == "the reader of ND2"
        self.dask_data = da.from_array(STACK[None], chunks=(1, 1, 3, 8, 10))
        self.dims = SimpleNamespace(order="TCZYX")
        self.scenes = ("a", "b")
        self.channel_names = ["DAPI", "actin"]
        self.physical_pixel_sizes = SimpleNamespace(Z=2.0, Y=0.5, X=0.25)
        self.time_interval = timedelta(seconds=90)


@pytest.fixture
def bioio(monkeypatch):
    """A stand-in for bioio and its reader of ND2."""
    modules = {"bioio": ModuleType("bioio"), "bioio_nd2": ModuleType("bioio_nd2")}
    modules["bioio"].BioImage, modules["bioio_nd2"].Reader = FakeImage, "the reader of ND2"
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_what_bioio_reads_keeps_axes_channels_and_sizes(bioio, tmp_path):
    path = tmp_path / "a.nd2"
    path.write_bytes(KINDS["a.nd2"][0])
    image = read_image(path)
    assert image.axes == "CZYX"
    np.testing.assert_array_equal(np.asarray(image.array), STACK)
    assert image.array.chunks == (1, 3, 8, 10)
    assert image.source.channel_names == ("DAPI", "actin")
    assert image.pixel_size == (2.0, 0.5, 0.25)
    assert image.calibration.get("T") == 90
    assert image.remarks == ("the file holds 2 images: the first was read",)
    assert read_image(path, axes="TZYX").axes == "TZYX"


def test_napari_opens_it_as_calibrated_layers_one_a_channel(bioio, tmp_path):
    path = tmp_path / "a.nd2"
    path.write_bytes(KINDS["a.nd2"][0])
    [(array, options, kind)] = reader_of(str(path))(str(path))
    assert (array.shape, options["channel_axis"], kind) == (STACK.shape, 0, "image")
    assert options["name"] == ["a DAPI", "a actin"]
    assert (options["scale"], options["units"]) == ((2.0, 0.5, 0.25), ("um",) * 3)
    assert reader_of([str(path)]) is None
    assert reader_of(str(save(tmp_path / "b.nd2", "png"))) is None
    assert reader_of(str(tmp_path / "missing.nd2")) is None


def test_a_lif_is_read_where_it_is_looked_at(tmp_path):
    pytest.importorskip("bioio_lif")
    path = write_lif(tmp_path / "a.bin", [STACK, STACK + 1])
    image = read_image(path)
    assert (image.axes, image.pixel_size) == ("CZYX", pytest.approx((2.0, 0.5, 0.25)))
    assert image.source.channel_names == ("Green", "Red")
    assert image.metadata["series"] == 2
    np.testing.assert_array_equal(image.array[1], STACK[1])
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(UnetError, match=r"cannot read a\.bin as Leica LIF"):
        np.asarray(read_image(path).array)


@needs_pydicom
def test_a_dicom_has_frames_and_pixel_size(tmp_path):
    path = write_dicom(tmp_path / "a", STACK[0], PixelSpacing=[0.5, 0.25], SpacingBetweenSlices=2)
    image = read_image(path)
    assert (image.axes, image.pixel_size) == ("ZYX", (2000, 500, 250))
    np.testing.assert_array_equal(image.array, STACK[0])
    film = write_dicom(tmp_path / "b.dcm", STACK[0], FrameTime=40, PhotometricInterpretation="MONOCHROME1")
    image = read_image(film)
    assert (image.axes, image.calibration.get("T")) == ("TYX", 0.04)
    np.testing.assert_array_equal(image.array, STACK[0].max() - STACK[0])


@needs_pydicom
def test_a_dicom_that_is_none_or_claims_too_much_is_a_sentence(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", PLANE, Rows=60000, Columns=60000)
    with pytest.raises(UnetError, match=r"a\.dcm is damaged"):
        read_image(path)
    write_dicom(path, PLANE, TotalPixelMatrixColumns=90000)
    with pytest.raises(UnetError, match="slide in tiles"):
        read_image(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnetError, match=r"a\.dcm"):
        read_image(path)


def test_every_known_ending_alone_is_answered_with_a_sentence(tmp_path):
    for suffix in IMAGE_SUFFIXES:
        (tmp_path / f"a{suffix}").write_bytes(b"none of these" * 20)
        with pytest.raises(UnetError, match=f"a{suffix}"):
            read_image(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    "header",
    ["{'descr': '<u2'\0(B\0", "{'siape': (3, 4) }  ape': (3,", "(", "", "\0" * 9, "{1: " * 50, "'" * 3, "0x"],
)
def test_whatever_a_header_of_numpy_holds_is_a_sentence(tmp_path, header):
    text = header.encode().ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + bytes(24))
    with pytest.raises(UnetError, match=r"a.npy is no image \("):
        read_image(tmp_path / "a.npy")
