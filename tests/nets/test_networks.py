"""The three networks: their published shapes and sizes, odd inputs, options, and their unpadded copies."""

import math

import pytest
import torch
from torch import nn

from napari_unet.errors import UnetError
from napari_unet.nets import unet
from napari_unet.nets.architectures import build_net
from napari_unet.nets.classic import ClassicUNet
from napari_unet.nets.padded import PaddedUNet
from napari_unet.nets.vgg16 import (
    PUBLIC_LAYERS,
    PUBLIC_LAYERS_NORM,
    Vgg16UNet,
    adapt_channels,
    read_public_weights,
)
from tests.nets.small import KINDS, noise, small_net

TRACE = """570 568 284 282 280 140 138 136 68 66 64 32 30 28
           56 54 52 104 102 100 200 198 196 392 390 388"""


def on_paper(kind, *arguments, **options):
    """A network of full size that takes no memory and no time."""
    with torch.device("meta"):
        return kind(*arguments, **options)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_classic_network_has_the_papers_sizes_at_every_step():
    net, sizes = on_paper(ClassicUNet, 3, 2), []
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d) and module is not net.head:
            module.register_forward_hook(lambda _module, _args, out: sizes.append(out.shape[-1]))
    assert net(torch.empty(1, 3, 572, 572, device="meta")).shape == (1, 2, 388, 388)
    assert sizes == [int(size) for size in TRACE.split()]


def test_the_classic_skips_lose_4_16_40_88_pixels_a_side(monkeypatch):
    crops, match = [], unet.match_sizes

    def watched(skip, x):
        crops.append((skip.shape[-1] - x.shape[-1]) / 2)
        return match(skip, x)

    monkeypatch.setattr(unet, "match_sizes", watched)
    on_paper(ClassicUNet)(torch.empty(1, 1, 572, 572, device="meta"))
    assert crops == [4, 16, 40, 88]


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        ((ClassicUNet, 3, 2), 31_031_810),
        ((ClassicUNet, 1, 2), 31_030_658),
        ((Vgg16UNet, 3, 21), 24_892_437),
        ((PaddedUNet, 1, 1), 31_042_369),
    ],
)
def test_networks_have_the_published_number_of_parameters(net, parameters):
    assert count(on_paper(*net)) == parameters


def test_the_image_to_image_network_has_the_published_number_of_parameters():
    assert count(on_paper(PaddedUNet, 3, 3, head="tanh")) == 31_043_651


def test_the_vgg16_encoder_has_the_published_number_of_parameters():
    assert count(on_paper(Vgg16UNet).down) == 14_714_688


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", ["concat", "add"])
def test_every_network_runs_in_three_dimensions(kind, skip):
    net = small_net(kind, dims=3, levels=2, skip=skip)
    size = net.geometry[0].valid_input_size(4)
    assert net(noise(1, 1, size, size + 4, size)).shape[:2] == (1, 2)


@pytest.mark.parametrize("kind", ["padded", "vgg16"])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (31, 16), (40, 33)])
def test_padded_networks_keep_any_size_from_16_pixels_on(kind, size):
    assert small_net(kind)(noise(1, 1, *size)).shape == (1, 2, *size)


@pytest.mark.parametrize("size", [(9, 7, 10), (4, 5, 6)])
def test_padded_networks_keep_any_volume(size):
    assert small_net("padded", dims=3, levels=2)(noise(1, 1, *size)).shape[2:] == size


@pytest.mark.parametrize("kind", ["padded", "vgg16"])
def test_smaller_images_are_refused_in_a_sentence(kind):
    with pytest.raises(UnetError, match=r"at least 16 px wide for this network, got \(15, 20\)"):
        small_net(kind)(noise(1, 1, 15, 20))


@pytest.mark.parametrize("kind", KINDS)
def test_additive_skips_sum_and_need_fewer_weights(kind):
    added, joined = small_net(kind, skip="add", levels=2), small_net(kind, levels=2)
    for block, other in zip(added.decode, joined.decode, strict=True):
        assert block[0].in_channels < other[0].in_channels
    skip, x = noise(1, 4, 8, 8), noise(1, 4, 8, 8, seed=1)
    torch.testing.assert_close(added._join(skip, x), skip + x)


def test_the_order_of_concatenation_is_that_of_the_papers():
    skip, x = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    assert small_net("classic")._join(skip, x)[0, :, 0, 0].tolist() == [1, 0]
    assert small_net("padded")._join(skip, x)[0, :, 0, 0].tolist() == [0, 1]
    assert small_net("vgg16")._join(skip, x)[0, :, 0, 0].tolist() == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_once_at_the_end_of_the_contracting_path(kind):
    net, seen = small_net(kind, dropout=0.5, levels=2), []
    bottom = {}
    net.down[-1].register_forward_hook(lambda _module, _args, out: bottom.update(out=out))
    net.dropout.register_forward_hook(lambda _module, args, out: seen.append((args[0], out)))
    assert sum(isinstance(module, nn.Dropout) for module in net.modules()) == 1
    x = noise(1, 1, 60, 60)
    torch.testing.assert_close(net(x), net(x), atol=0, rtol=0)
    net.dropout.train()
    net(x)
    assert seen[-1][0] is bottom["out"]
    assert (seen[-1][1] == 0).float().mean() > (seen[-1][0] == 0).float().mean() + 0.1


def test_the_tanh_head_stays_within_minus_1_and_1():
    out = small_net("padded", out_channels=1, head="tanh")(100 * noise(1, 1, 32, 32))
    assert out.abs().max() <= 1
    assert out.min() < 0 < out.max()


def test_weights_are_he_normal():
    torch.manual_seed(0)
    for module in ClassicUNet(1, 2, base_channels=16, levels=2).modules():
        if isinstance(module, nn.Conv2d) and module.in_channels > 1:
            incoming = module.in_channels * math.prod(module.kernel_size)
        elif isinstance(module, nn.ConvTranspose2d):
            incoming = module.in_channels
        else:
            continue
        assert not module.bias.any()
        if module.weight.numel() > 1000:
            assert abs(module.weight.std() / math.sqrt(2 / incoming) - 1) < 0.06


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"dims": 4}, "2 or 3 dimensions, got 4"),
        ({"skip": "maybe"}, "skip must be"),
        ({"dropout": 1}, "dropout must lie in"),
        ({"in_channels": 0}, "in_channels must be at least 1, got 0"),
        ({"levels": 0}, "levels must be at least 1"),
    ],
)
def test_impossible_networks_are_refused_in_a_sentence(kind, arguments, sentence):
    with pytest.raises(UnetError, match=sentence):
        build_net(kind, arguments)


def test_unknown_names_and_arguments_are_refused():
    with pytest.raises(UnetError, match="no architecture 'resnet': choose one of classic, padded, vgg16"):
        build_net("resnet", {})
    with pytest.raises(UnetError, match="classic network has no argument depth"):
        build_net("classic", {"depth": 3})
    with pytest.raises(UnetError, match="at most 4 levels, got 5"):
        build_net("vgg16", {"levels": 5})
    with pytest.raises(UnetError, match="head must be"):
        build_net("padded", {"head": "sigmoid"})


# Unpadded copies


@pytest.mark.parametrize(("kind", "options"), [("padded", {}), ("vgg16", {}), ("vgg16", {"norm": True})])
@pytest.mark.parametrize("levels", [2, 4])
def test_the_unpadded_copy_equals_the_padded_network_in_the_interior(kind, options, levels):
    net = small_net(kind, levels=levels, **options)
    walk = net.geometry[0]
    stride = walk.stride
    start = math.ceil(walk.halo / stride) * stride
    side = 2 * start + 2 * stride
    image = noise(1, 1, side, side)
    low, high = walk.input_range(start, start + 2 * stride)
    first, last = walk.output_range(low, high)
    assert 0 <= low < high <= side
    with torch.no_grad():
        valid = net.unpadded()(image[..., low:high, low:high])
        padded = net(image)[..., first:last, first:last]
    assert valid.shape == padded.shape
    assert (valid - padded).abs().max() <= 1e-5 * max(1, padded.abs().max())


@pytest.mark.parametrize("kind", KINDS)
def test_making_the_unpadded_copy_leaves_the_network_as_it_was(kind):
    net = small_net(kind).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.unpadded()
    assert net.training
    assert net.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_the_unpadded_copy_depends_on_the_rest_of_the_tile(kind):
    assert not any(isinstance(module, nn.BatchNorm2d) for module in small_net(kind).unpadded().modules())


# ImageNet weights


def public_state(width, positions, norm_offset=None):
    """A state dict with torchvision's keys, random, `width` instead of 64 channels."""
    torch.manual_seed(1)
    state, before = {}, 3
    multiples = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)
    for position, multiple in zip(positions, multiples, strict=True):
        state[f"features.{position}.weight"] = torch.randn(width * multiple, before, 3, 3) / math.sqrt(9 * before)
        state[f"features.{position}.bias"] = torch.randn(width * multiple)
        before = width * multiple
        if norm_offset is not None:
            for name in ("weight", "bias", "running_mean", "running_var"):
                state[f"features.{position + norm_offset}.{name}"] = torch.rand(before) + 0.5
            state[f"features.{position + norm_offset}.num_batches_tracked"] = torch.tensor(7)
    return state | {"classifier.0.weight": torch.zeros(2, 2), "classifier.0.bias": torch.zeros(2)}


def convolutions(net):
    return [module for module in net.down.modules() if isinstance(module, nn.Conv2d)]


def test_imagenet_weights_of_public_files_fill_the_encoder():
    state, net = public_state(4, PUBLIC_LAYERS), small_net("vgg16", in_channels=3)
    decoder = [value.clone() for value in net.decode.parameters()]
    net.load_public_weights(state)
    for layer, position in zip(convolutions(net), PUBLIC_LAYERS, strict=True):
        assert torch.equal(layer.weight, state[f"features.{position}.weight"])
        assert torch.equal(layer.bias, state[f"features.{position}.bias"])
    assert all(torch.equal(a, b) for a, b in zip(decoder, net.decode.parameters(), strict=True))


def test_imagenet_weights_of_full_size_fit():
    on_paper(Vgg16UNet).load_public_weights(
        {name: value.to("meta") for name, value in on_paper(public_state, 64, PUBLIC_LAYERS).items()}
    )


def test_one_channel_takes_the_mean_over_the_colours():
    state, net = public_state(4, PUBLIC_LAYERS), small_net("vgg16", in_channels=1)
    net.load_public_weights(state)
    torch.testing.assert_close(convolutions(net)[0].weight, state["features.0.weight"].mean(1, keepdim=True))


def test_five_channels_take_the_colours_in_turn():
    state, net = public_state(4, PUBLIC_LAYERS), small_net("vgg16", in_channels=5)
    net.load_public_weights(state)
    colours = state["features.0.weight"]
    torch.testing.assert_close(convolutions(net)[0].weight, colours[:, [0, 1, 2, 0, 1]] * 3 / 5)
    assert adapt_channels(colours, 3) is colours


def test_weights_of_the_batch_norm_variant_fill_norm_layers_too():
    state, net = public_state(4, PUBLIC_LAYERS_NORM, norm_offset=1), small_net("vgg16", in_channels=3, norm=True)
    net.load_public_weights(state)
    norms = [module for module in net.down.modules() if isinstance(module, nn.BatchNorm2d)]
    for layer, norm, position in zip(convolutions(net), norms, PUBLIC_LAYERS_NORM, strict=True):
        assert torch.equal(layer.weight, state[f"features.{position}.weight"])
        for name in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(getattr(norm, name), state[f"features.{position + 1}.{name}"])


def test_other_files_and_other_widths_are_refused_in_a_sentence():
    with pytest.raises(UnetError, match=r"no VGG16: it lacks 'features.0.weight'"):
        small_net("vgg16", in_channels=3).load_public_weights({"conv1.weight": torch.zeros(1)})
    with pytest.raises(UnetError, match=r"this network needs \(8, 3, 3, 3\): use base_channels=64"):
        small_net("vgg16", in_channels=3, base_channels=8).load_public_weights(public_state(4, PUBLIC_LAYERS))
    with pytest.raises(UnetError, match="cannot start a 3D network"):
        small_net("vgg16", in_channels=3, dims=3).load_public_weights(public_state(4, PUBLIC_LAYERS))


@pytest.mark.parametrize("content", [b"no weights", b"PK\x03\x04 cut off", b"\x80\x02cos\nsystem\n."])
def test_a_file_that_holds_no_public_weights_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "vgg16.pt"
    path.write_bytes(content)
    with pytest.raises(UnetError, match="holds no weights that can be read safely") as refused:
        read_public_weights(path)
    assert "option" not in str(refused.value)
    assert "weights_only" not in str(refused.value)
