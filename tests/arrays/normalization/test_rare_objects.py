"""One object in a large field sets the range as it does in a crop around it."""

import numpy as np
import pytest
from scipy import ndimage

from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import InvertBrightBackground, Normalization, TypicalObject
from napari_unet.arrays.normalization.typical_object import typical_brightness
from napari_unet.progress import finish

OBJECTS = Normalization(steps=(InvertBrightBackground(), TypicalObject()))


def field(side, places, radius=7, seed=0):
    """Return discs on a noisy background, uint16: 400 with a noise of 40, discs of 2400 above it."""
    rng = np.random.default_rng(seed)
    image = rng.normal(400, 40, (side, side)).astype(np.float32)
    rows, columns = np.indices((2 * radius + 9,) * 2) - radius - 4
    disc = ndimage.gaussian_filter(np.where(rows**2 + columns**2 < radius**2, 2400.0, 0), 1)
    for row, column in places:
        image[row : row + len(disc), column : column + len(disc)] += disc
    return image.clip(0, 65535).astype(np.uint16)


def fitted(image, axes="YX"):
    return finish(measure_intensity(list(planes(image, axes, spatial="YX", channels=1)), OBJECTS))


@pytest.mark.parametrize("side", [256, 1024, 2500])
@pytest.mark.parametrize("seed", range(3))
def test_one_object_sets_the_range_however_large_the_field(side, seed):
    image = field(side, [(side // 3, side // 2)], seed=seed)
    (span,) = fitted(image).ranges
    assert not fitted(image).is_inverted
    assert span.high - span.low == pytest.approx(2 * 2450, rel=0.3)


def test_a_dark_object_inverts_the_image():
    image = 5000 - field(1024, [(300, 300)])
    assert fitted(image).is_inverted
    (span,) = fitted(image).ranges
    assert span.high - span.low == pytest.approx(2 * 2450, rel=0.2)


def test_an_object_between_the_rows_that_are_sampled_is_found():
    stack = np.stack([field(512, [], seed=number) for number in range(64)])
    stack[40] = field(512, [(101, 101)], radius=3, seed=40)  # every 4th row of 64 planes is sampled
    (span,) = fitted(stack, "ZYX").ranges
    assert span.high - span.low > 2000


SLOPE = np.linspace(0, 300, 1024)
LIGHTS = {
    "along rows": (lambda image: image + SLOPE, 1),
    "along columns": (lambda image: image + SLOPE[:, None], 1),
    "on a steep slope": (lambda image: image + 5 * SLOPE, 1),
    "of few grey levels": (lambda image: (image / 120).round(), 120),
    "of very few grey levels": (lambda image: (image / 300).round(), 300),
    "background subtracted": (lambda image: (image - 400).clip(0), 1),
    "more than the background subtracted": (lambda image: (image - 450).clip(0), 1),
    "far more than the background subtracted": (lambda image: (image - 500).clip(0), 1),
    "single photons": (lambda image: np.random.default_rng(0).poisson((image - 380).clip(0) / 200), 200),
    "stripes": (lambda image: image + np.random.default_rng(0).normal(0, 40, (1024, 1)), 1),
}


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("light", LIGHTS)
def test_few_objects_set_the_range_in_any_light(light, count):
    places = np.random.default_rng(count).integers(0, 1000, (count, 2))
    change, divisor = LIGHTS[light]
    found = fitted(change(field(1024, places).astype(float)).clip(0, 65535).astype(np.uint16))
    (span,) = found.ranges
    assert not found.is_inverted
    assert (span.high - span.low) * divisor == pytest.approx(2 * 2450, rel=0.35)


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_hot_pixels_are_no_objects(seed):
    empty = field(512, [], seed=seed)
    hot = empty.copy()
    hot[100:500:40, 200] = 60000
    for image in (empty, hot):
        found = fitted(image)
        if not found.is_inverted:
            (span,) = found.ranges
            low, calm = np.percentile(image, 1), image.reshape(512, -1, 4).mean(-1)
            assert span.high == pytest.approx(low + 2 * typical_brightness(calm - low), rel=1e-6)
