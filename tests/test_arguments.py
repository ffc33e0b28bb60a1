"""What a caller hands over: arrays of any kind are read, and what is none of them is refused in a sentence."""

from functools import partial

import dask.array as da
import numpy as np
import pytest
import scipy.sparse
import zarr

from napari_unet import (
    FineTuningSettings,
    SegmentationSettings,
    UnetError,
    convert,
    fine_tune,
    load_model,
    measure,
    open_image,
    rank,
    segment,
    segment_to_zarr,
    train,
)


def drawn():
    image = np.random.default_rng(0).integers(0, 50, (48, 64)).astype(np.uint8)
    image[10:20, 10:20], image[30:44, 30:44] = 200, 210
    return image


IMAGE = drawn()
SAME_IMAGE = {
    "read-only": lambda: np.broadcast_to(IMAGE, IMAGE.shape),
    "Fortran": lambda: np.asfortranarray(IMAGE),
    "strided": lambda: IMAGE.repeat(2, 0)[::2],
    "turned": lambda: IMAGE[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda: IMAGE.astype(">u2"),
    "big-endian float": lambda: IMAGE.astype(">f8"),
    "half": lambda: IMAGE.astype(np.float16),
    "long": lambda: IMAGE.astype(np.longdouble),
    "signed": lambda: (IMAGE // 2).astype(np.int8),
    "wide": lambda: IMAGE.astype(np.uint64) << np.uint64(56),
    "tiny": lambda: IMAGE * 1e-300,
    "huge": lambda: IMAGE * 1e300,
    "below 0": lambda: IMAGE - 300.0,
    "list": IMAGE.tolist,
    "dask": lambda: da.from_array(IMAGE, chunks=16),
    "zarr": lambda: zarr.array(IMAGE, chunks=(16, 16)),
}


@pytest.mark.parametrize("kind", SAME_IMAGE)
def test_an_image_is_the_same_in_whatever_array_it_comes(kind, bright_model):
    found = segment(SAME_IMAGE[kind](), bright_model)
    assert found.max() == 2
    assert np.array_equal(found > 0, segment(IMAGE, bright_model) > 0)


WRONG = {
    "a sparse image": lambda model, _: segment(scipy.sparse.csr_matrix(IMAGE), model),
    "complex numbers": lambda model, _: segment(IMAGE.astype(complex), model),
    "no image": lambda model, _: segment(None, model),
    "out as a list": lambda model, _: segment(IMAGE, model, out=[1]),
    "out as a name": lambda model, _: segment(IMAGE, model, out="labels.tif"),
    "out that is read-only": lambda model, _: segment(IMAGE, model, out=np.broadcast_to(np.int32(0), IMAGE.shape)),
    "out that is the image": lambda model, _: segment(IMAGE, model, out=IMAGE[:]),
    "out that holds no ids": lambda model, _: segment(IMAGE, model, out=np.zeros(IMAGE.shape, bool)),
    "settings as a dict": lambda model, _: segment(IMAGE, model, settings={"zoom": 1}),
    "other settings": lambda model, _: segment(IMAGE, model, settings=FineTuningSettings()),
    "a channel that is none": lambda model, _: segment(IMAGE, model, channels=1.5),
    "no folder": lambda model, _: segment_to_zarr(IMAGE, model, None),
    "a folder by another name": lambda model, place: segment_to_zarr(IMAGE, model, place / "labels.tif"),
    "no file": lambda *_: open_image(None),
    "bytes": lambda *_: open_image(b"a.tif"),
    "a number for a model": lambda *_: load_model(3),
    "an array for a mask": lambda _, place: convert(IMAGE, place / "a.zip"),
    "no output": lambda _, place: convert(place / "a.tif", None),
    "one array for images": lambda model, _: rank(IMAGE, model),
    "no images": lambda model, _: rank(None, model),
    "one name for images": lambda model, _: rank("a.tif", model),
    "no pairs": lambda model, _: fine_tune(model, None),
    "a pair for pairs": lambda model, _: fine_tune(model, (IMAGE, IMAGE)),
    "no training images": lambda *_: train(None),
    "images alone": lambda *_: train([(IMAGE,)]),
    "a name for pairs": lambda *_: train("folder"),
    "training with other settings": lambda *_: train([(IMAGE, IMAGE)], settings=SegmentationSettings()),
    "a number for pixel sizes": lambda *_: measure(IMAGE, pixel_size=0.2),
    "a text for pixel sizes": lambda *_: measure(IMAGE, pixel_size=("a", "b")),
    "ids beyond 64 bits": lambda *_: measure(IMAGE.astype(np.uint64) << np.uint64(56)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_one_sentence(what, bright_model, tmp_path):
    with pytest.raises(UnetError) as refusal:
        WRONG[what](bright_model, tmp_path)
    assert len(str(refusal.value)) > 20
    assert list(tmp_path.iterdir()) == []


def test_one_channel_needs_no_list(bright_model):
    stack = np.stack([IMAGE * 0, IMAGE])
    read = partial(segment, stack, bright_model, axes="CYX")
    assert np.array_equal(read(channels=1), read(channels=(1,)))


def test_ids_that_an_array_cannot_hold_are_refused_before_they_are_written(bright_model):
    stack = np.stack([IMAGE] * 70)
    narrow = np.zeros(stack.shape, np.int8)
    with pytest.raises(UnetError, match="out is int8, which holds ids up to 127, not 128"):
        segment(stack, bright_model, axes="ZYX", out=narrow)
    assert narrow.min() == 0


def test_values_that_are_not_finite_are_measured_without_a_warning(recwarn):
    image = np.where(IMAGE == 200, np.nan, IMAGE)
    table = measure((IMAGE > 100).astype(int), image)
    assert np.isnan(table["intensity_max"]).all()
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]
