"""The size arithmetic against the paper's figures and against real networks."""

import pytest
import torch

from napari_unet.errors import UnetError
from napari_unet.nets.geometry import Geometry
from tests.nets.small import KINDS, small_net

UNET = Geometry(down=(2,) * 5, up=(2,) * 4)
VGG16 = Geometry(down=(2, 2, 3, 3, 3), up=(2,) * 4, upsampling_margin=1)


@pytest.mark.parametrize(("levels", "lost"), [(2, 40), (3, 88), (4, 184)])
def test_input_less_output_is_4_times_3_times_2_to_the_levels_less_2(levels, lost):
    geometry = Geometry(down=(2,) * (levels + 1), up=(2,) * levels)
    assert lost == 4 * (3 * 2**levels - 2)
    for bottom in range(2 * levels, 40):
        size, output = geometry.sizes(bottom)
        assert size - output == lost


def test_the_papers_tile_is_572_to_388():
    assert UNET.valid_input_size(388) == 572
    assert UNET.valid_output_size(388) == 388
    assert (UNET.stride, UNET.levels) == (16, 4)


@pytest.mark.parametrize("wanted", [1, 2, 100, 373, 388, 389, 512])
@pytest.mark.parametrize("geometry", [UNET, VGG16])
def test_sizes_are_rounded_up_to_the_next_valid_one(geometry, wanted):
    size, output = geometry.valid_input_size(wanted), geometry.valid_output_size(wanted)
    assert wanted <= output < wanted + 16
    origin, _ = geometry.input_range(0, 16)
    first, last = geometry.output_range(origin, origin + size)
    assert last - first == output


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_every_network_gives_the_size_that_its_geometry_says(kind, levels):
    with torch.device("meta"):
        net = KINDS[kind](1, 2, base_channels=4, levels=levels).unpadded()
        for bottom in (8, 9, 14):
            walk = net.geometry[0]
            size, output = walk.sizes(bottom + 4)
            assert net(torch.empty(1, 1, size, size + walk.stride)).shape[2] == output


@pytest.mark.parametrize("geometry", [UNET, VGG16, Geometry(down=(2, 2), up=(2,))])
def test_what_is_read_for_a_range_covers_it(geometry):
    for start in range(-20, 20, 3):
        for length in (1, 5, 16, 33):
            first, last = geometry.output_range(*geometry.input_range(start, start + length))
            assert first <= start < start + length <= last
            assert start - first < geometry.stride
            assert last - start - length < geometry.stride


@pytest.mark.parametrize("geometry", [UNET, VGG16])
def test_windows_shift_with_the_stride(geometry):
    start, stop = geometry.input_range(0, 48)
    assert geometry.input_range(160, 208) == (start + 160, stop + 160)


def test_windows_of_the_unet_start_at_2_mod_16():
    assert {UNET.input_range(start, start + 16)[0] % 16 for start in range(0, 320, 16)} == {2}


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_pixel_sees_beyond_the_halo(kind):
    net = small_net(kind, levels=2).double().unpadded()
    for parameter in net.parameters():
        parameter.data.abs_()  # no ReLU is ever dead
    walk = net.geometry[0]
    start, stop = walk.input_range(0, walk.stride)
    assert walk.halo == max(-start, stop - walk.stride)
    image = torch.zeros(1, 1, stop - start, stop - start, dtype=torch.double, requires_grad=True)
    first, _ = walk.output_range(start, stop)
    for phase in range(walk.stride):
        (seen,) = torch.autograd.grad(net(image + 1)[0, 1, phase - first, phase - first], image)
        columns = seen[0, 0].abs().sum(0).nonzero()
        assert columns.max() - columns.min() + 1 <= walk.receptive_field


@pytest.mark.parametrize(("start", "stop"), [(0, 571), (1, 574), (0, 100)])
def test_windows_that_do_not_fit_are_refused_in_a_sentence(start, stop):
    with pytest.raises(UnetError, match=r"does not fit the pooling grid|too small"):
        UNET.output_range(start, stop)


def test_an_empty_range_is_refused():
    with pytest.raises(UnetError, match=r"must not be empty, got 5\.\.5"):
        UNET.input_range(5, 5)
