"""One file holds a model: saved, loaded, the same logits; and nothing else is taken for one."""

import json
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from napari_unet.arrays.normalization import Denoise, InvertBrightBackground, Normalization, TypicalObject
from napari_unet.errors import UnetError
from napari_unet.models.model import HEADER, Model, load_model_file, read_spec, restore_weights, stored_weights
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.settings.instances import InstanceSettings
from tests.nets.small import KINDS, noise, small_net


def make_model(kind="padded", **arguments):
    arguments = {"base_channels": 4, "levels": 2, "in_channels": 1, "out_channels": 2, **arguments}
    spec = ModelSpec(
        name="cells",
        architecture=kind,
        arguments=arguments,
        pixel_size=(0.5, 0.25),
        normalization=Normalization(
            steps=(InvertBrightBackground(), TypicalObject(low=2), Denoise()), joint=False
        ),
        instances=InstanceSettings(core_threshold=0.8, edge_threshold=0.4, min_size=9),
        description="Für Zellen, µm",
        training={"images": 3, "validation_score": None},
        parent="abc",
    )
    return Model(net=small_net(kind, **arguments), spec=spec)


def one_sentence(refused):
    assert "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.fixture
def saved(tmp_path):
    return make_model().save(tmp_path / "cells.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_gives_the_same_logits_after_loading(kind, tmp_path):
    model = make_model(kind)
    loaded = load_model_file(model.save(tmp_path / "m.safetensors").path)
    x = noise(1, 1, 60, 60)
    restore_weights(model.net, stored_weights(model.net))  # what 16 bit keeps of them
    assert torch.equal(loaded.net(x), model.net(x))
    assert not loaded.net.training


def test_rounding_to_16_bit_hardly_changes_the_logits(saved):
    x = noise(1, 1, 32, 32)
    torch.testing.assert_close(saved.net(x), make_model().net(x), atol=0.02, rtol=0.02)


def test_a_loaded_model_saves_to_the_same_file_again(saved, tmp_path):
    again = saved.save(tmp_path / "again.safetensors")
    assert len(saved.sha256) == 64
    assert again.sha256 == saved.sha256


def test_the_spec_comes_back_from_the_file(saved):
    assert replace(saved.spec, version="") == make_model().spec
    assert saved.spec.version
    assert read_spec(saved.path) == saved.spec


def test_the_spec_survives_json():
    spec = make_model().spec
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert ModelSpec.from_json(replace(spec, pixel_size=None).to_json()).pixel_size is None


def test_a_model_needs_two_classes():
    with pytest.raises(UnetError, match="at least two classes"):
        ModelSpec(name="x", architecture="classic", arguments={}, classes=("all",))


def test_a_model_that_contradicts_itself_replaces_no_file(saved):
    before = saved.path.read_bytes()
    odd = replace(saved.spec, classes=("background", "cell", "border"))
    with pytest.raises(UnetError, match="2 outputs cannot tell 3 classes"):
        replace(saved, spec=odd).save(saved.path)
    assert saved.path.read_bytes() == before


def test_saving_replaces_the_former_file_and_leaves_no_other(saved, tmp_path):
    replace(saved, spec=replace(saved.spec, name="new")).save(saved.path)
    assert read_spec(saved.path).name == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["cells.safetensors"]


def test_another_suffix_and_a_missing_folder_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(UnetError, match=r"must end with .safetensors, got 'm.pt'"):
        make_model().save(tmp_path / "m.pt")
    with pytest.raises(UnetError):
        make_model().save(tmp_path / "nowhere" / "m.safetensors")


@pytest.mark.parametrize("read", [load_model_file, read_spec])
@pytest.mark.parametrize("kept", [0, 5, 100, -1000])
def test_a_truncated_file_is_one_sentence(saved, read, kept):
    saved.path.write_bytes(saved.path.read_bytes()[:kept])
    with pytest.raises(
        UnetError, match=r"cells.safetensors is not a model file or is damaged \(.*\): copy"
    ) as refused:
        read(saved.path)
    one_sentence(refused)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UnetError, match="there is no model file"):
        load_model_file(tmp_path / "none.safetensors")
    with pytest.raises(UnetError, match="there is no model file"):
        load_model_file(tmp_path)


@pytest.mark.parametrize("read", [load_model_file, read_spec])
def test_a_pickle_is_never_executed(tmp_path, read):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("exploded").touch, ())

    path = tmp_path / "bomb.safetensors"
    torch.save({"weights": Bomb()}, path)
    with pytest.raises(UnetError, match="not a model file or is damaged") as refused:
        read(path)
    one_sentence(refused)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("read", [load_model_file, read_spec])
def test_weights_of_others_are_one_sentence(tmp_path, read):
    path = tmp_path / "theirs.safetensors"
    save_file({"conv.weight": torch.zeros(3)}, path)
    with pytest.raises(UnetError, match="was not written by napari_unet: it lacks their description"):
        read(path)


def described(path, **changes):
    """Write a model file whose description was tampered with."""
    model = make_model()
    values = json.loads(model.spec.to_json()) | changes
    save_file(stored_weights(model.net), path, {HEADER: json.dumps(values)})
    return path


ARGUMENTS = {"base_channels": 4, "levels": 2}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "resnet"}, "no architecture 'resnet'"),
        ({"architecture": []}, "no architecture"),
        ({"arguments": {**ARGUMENTS, "base_channels": 3.5}}, "cannot be built|understood"),
        ({"architecture": "classic"}, "not of the network that the file describes"),
        ({"arguments": {**ARGUMENTS, "base_channels": 8}}, "has shape .*, the network needs"),
        ({"arguments": {**ARGUMENTS, "depth": 3}}, "has no argument depth"),
        ({"arguments": {**ARGUMENTS, "levels": "two"}}, "levels|understood"),
        ({"arguments": [1]}, "arguments|understood"),
        ({"format": 99}, "written by a newer version"),
        ({"colour": "blue"}, "cannot be understood"),
        ({"instances": {"seed": 2}}, "core_threshold .* must be a number above 0 and below 1, got 2"),
        ({"classes": None}, "cannot be understood"),
        ({"axes": "ZYX"}, "axes"),
        ({"axes": "XY"}, "must be YX or ZYX, got 'XY'"),
        ({"axes": ["Y", "X"]}, "must be YX or ZYX"),
        ({"classes": ["a", "b", "c"], "levels": []}, "2 outputs cannot tell 3 classes"),
        ({"classes": [1, 2]}, "classes must have names"),
        ({"levels": [0, 1, 0.5]}, "each of the classes .* needs a level"),
        ({"levels": ["0", "1"]}, "levels must be numbers from 0 to 1"),
        ({"levels": [0, float("nan")]}, "levels must be numbers from 0 to 1"),
        ({"arguments": {**ARGUMENTS, "in_channels": float("inf")}}, "in_channels must be a whole number"),
        ({"pixel_size": [0.5, float("inf")]}, "above 0 um and finite"),
        ({"pixel_size": [0.5, "0.5"]}, "cannot be understood"),
        ({"normalization": {"compression": float("nan")}}, "compression must be a number"),
        (
            {"instances": {"minimum_size": float("nan")}},
            "min_size .* must be a whole number .* px, got nan",
        ),
        ({"instances": {"min_size": "8"}}, "min_size .* must be a whole number .* px, got '8'"),
        ({"instances": {"depth": 1}}, "InstanceSettings has no depth"),
        ({"zoom": float("nan")}, "zoom must be one of"),
        ({"training": [1]}, "must be named"),
        ({"architecture": "vgg16", "arguments": {}}, "not of the network"),
    ],
)
def test_a_description_that_does_not_fit_is_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(UnetError, match=sentence) as refused:
        load_model_file(described(tmp_path / "odd.safetensors", **changes))
    one_sentence(refused)


@pytest.mark.parametrize("channels", [300, 2**40])
def test_a_description_takes_no_memory_before_it_fits_the_weights(tmp_path, monkeypatch, channels):
    kept = []

    def built(architecture, arguments):
        net = build_net(architecture, arguments)
        kept.append({value.device.type for value in net.parameters()})
        return net

    monkeypatch.setattr("napari_unet.models.model.build_net", built)
    path = described(tmp_path / "huge.safetensors", arguments={**ARGUMENTS, "base_channels": channels})
    with pytest.raises(UnetError, match=r"has shape|cannot be built") as refused:
        load_model_file(path)
    one_sentence(refused)
    assert {"cpu"} not in kept


def test_a_description_that_is_nested_without_end_is_one_sentence(tmp_path):
    hostile = tmp_path / "hostile.safetensors"
    save_file({"a": torch.zeros(1)}, hostile, {HEADER: "[" * 100_000})
    with pytest.raises(UnetError, match=r"hostile.safetensors: .* nested too deeply") as refused:
        read_spec(hostile)
    one_sentence(refused)


def test_a_network_with_other_outputs_than_classes_is_one_sentence(tmp_path):
    arguments = {"base_channels": 2, "levels": 1}  # 21 outputs where nothing else is said
    spec = ModelSpec(name="x", architecture="vgg16", arguments=arguments)
    path = tmp_path / "odd.safetensors"
    save_file(stored_weights(build_net("vgg16", arguments)), path, {HEADER: spec.to_json()})
    with pytest.raises(UnetError, match="gives 21 outputs, its description names 2 classes"):
        load_model_file(path)


def test_weights_that_are_no_numbers_are_neither_read_nor_written(saved, tmp_path):
    weights = stored_weights(saved.net)
    weights["head.bias"][0] = float("nan")
    path = tmp_path / "nan.safetensors"
    save_file(weights, path, {HEADER: saved.spec.to_json()})
    with pytest.raises(UnetError, match=r"^nan.safetensors: weight head.bias is not finite"):
        load_model_file(path)
    with torch.no_grad():
        saved.net.head.weight.fill_(1e30)  # more than 16 bit hold
    before = saved.path.read_bytes()
    with pytest.raises(UnetError, match=r"weight head.weight is not finite"):
        saved.save(saved.path)
    assert saved.path.read_bytes() == before


def test_a_variance_beyond_16_bit_is_stored_all_the_same(tmp_path):
    model = make_model()
    deep = next(name for name in model.net.state_dict() if name.endswith("running_var"))
    model.net.state_dict()[deep].fill_(1.5e5)  # as trainings on unlike kinds of image reach it
    loaded = load_model_file(model.save(tmp_path / "m.safetensors").path)
    assert float(loaded.net.state_dict()[deep].min()) == 1.5e5
    x = noise(1, 1, 32, 32)
    torch.testing.assert_close(loaded.net(x), model.net(x), atol=0.02, rtol=0.02)


def test_a_package_that_is_given_as_a_model_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
    with pytest.raises(UnetError, match=r"^a.zip is a BioImage.IO package: read it with napari-unet import$"):
        load_model_file(tmp_path / "a.zip")


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", "null"])
def test_text_that_is_no_description_is_one_sentence(text):
    with pytest.raises(UnetError, match="cannot be understood") as refused:
        ModelSpec.from_json(text)
    one_sentence(refused)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_weights_of_every_type_are_checked_as_the_network_takes_them(saved, tmp_path, dtype):
    spec, weights = saved.spec, {name: value.to(dtype) for name, value in stored_weights(saved.net).items()}
    header = {HEADER: spec.to_json()}
    save_file(weights, tmp_path / "other.safetensors", header)
    load_model_file(tmp_path / "other.safetensors")
    if dtype == torch.float64:
        next(iter(weights.values())).flatten()[0] = 1e300
        save_file(weights, tmp_path / "large.safetensors", header)
        with pytest.raises(UnetError, match="is not finite"):
            load_model_file(tmp_path / "large.safetensors")
