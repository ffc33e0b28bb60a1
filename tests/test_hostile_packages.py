"""Packages and models that were made to do harm cost a sentence: no memory, no time, no foreign file."""

from __future__ import annotations

import contextlib
import io
import zipfile
from dataclasses import replace

import pytest
import torch

from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio, import_bioimageio
from napari_unet.files.package import INDICES, MAX_INDEX
from napari_unet.models.library import SHIPPED, replay_of
from napari_unet.models.model import load_model_file
from napari_unet.models.spec import read_spec
from tests.conftest import make_bright_model

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]}}\n"
    for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
WEIGHTS = "weights: {pytorch_state_dict: {source: w.pt, architecture: {callable: *l}}}\n"
CONFIG = "config: {napari_unet: {napari_unet: *l}}\n"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package of a small model."""
    model = make_bright_model()
    model = replace(model, spec=replace(model.spec, description="small"))
    return export_bioimageio(model, tmp_path_factory.mktemp("package") / "bright.zip")


def changed(package, target, **content):
    """Write a package with other content for its index (`rdf`) or its weights (`weights`)."""
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            key = "weights" if name.endswith(".pt") else "rdf" if name in INDICES else name
            data = content.get(key, source.read(name))
            if callable(data):
                with out.open(name, "w") as member:
                    data(member)
            else:
                out.writestr(name, data)
    return target


def saved(state, **options):
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


def state_of(package):
    with zipfile.ZipFile(package) as source:
        name = next(name for name in source.namelist() if name.endswith(".pt"))
        return torch.load(io.BytesIO(source.read(name)), weights_only=True)


def refused(path, sentence):
    with pytest.raises(UnetError, match=sentence) as error:
        import_bioimageio(path)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("text", [BOMB + WEIGHTS, BOMB + WEIGHTS + CONFIG, MERGES + WEIGHTS, BOMB + "weights: *l"])
def test_yaml_that_grows_without_end_is_not_followed(package, tmp_path, text):
    refused(changed(package, tmp_path / "bomb.zip", rdf=text), "another program|is not a BioImage")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "a: " * 50_000,
        "? " * 50_000,
        "\0",
        "\xff\xfe",
        "a: *b",
        "2001-99-99",
        "x" * (MAX_INDEX + 1),
        "",
    ],
)
def test_descriptions_that_are_none_are_a_sentence(package, tmp_path, text):
    refused(changed(package, tmp_path / "odd.zip", rdf=text.encode("latin-1")), "is not a BioImage")


def zeros(member):
    for _ in range(300):
        member.write(bytes(2**20))


def test_weights_that_unpack_to_more_than_the_network_has_are_not_unpacked(package, tmp_path):
    refused(changed(package, tmp_path / "zeros.zip", weights=zeros), "at most")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file, file.open("archive/data/0", "w") as member:
        zeros(member)
    refused(changed(package, tmp_path / "inner.zip", weights=inner.getvalue()), "unpack to")


def test_tensors_that_claim_more_numbers_than_there_are_are_refused(package, tmp_path):
    state = state_of(package)
    name = max(state, key=lambda name: state[name].numel())
    for shape in (state[name].shape, (2**31, 2)):
        odd = {**state, name: torch.zeros(1).expand(shape)}
        refused(changed(package, tmp_path / "strides.zip", weights=saved(odd)), "claim more numbers|has shape")
    shared = torch.zeros(2**12)
    many = {f"{number}": shared for number in range(2000)}
    refused(changed(package, tmp_path / "shared.zip", weights=saved(many)), "claim more numbers")


def odd_states():
    """Yield weights that are none."""
    yield b"no zip"
    yield saved({"a": torch.zeros(2)}, _use_new_zipfile_serialization=False)
    for state in (
        [1, 2],
        3,
        "text",
        {"a": 1},
        {1: torch.zeros(2)},
        {"a": torch.zeros(2).to_sparse()},
        {"a": torch.zeros(2, device="meta")},
        {"a": torch.quantize_per_tensor(torch.zeros(2), 1, 0, torch.qint8)},
        torch.zeros(2),
    ):
        yield saved(state)


def test_weights_that_are_no_tensors_by_name_are_refused(package, tmp_path):
    for data in odd_states():
        refused(
            changed(package, tmp_path / "odd.zip", weights=data), r"is not a BioImage|do not fit its description"
        )


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_package_that_is_damaged_is_a_sentence(package, tmp_path, cut):
    whole = package.read_bytes()
    odd = tmp_path / "odd.zip"
    odd.write_bytes(whole[: int(cut * len(whole))])
    refused(odd, "odd.zip")
    flipped = bytearray(whole)
    flipped[int(cut * len(whole)) : int(cut * len(whole)) + 40] = bytes(40)
    odd.write_bytes(flipped)
    with contextlib.suppress(UnetError):
        import_bioimageio(odd)  # what is never read may be damaged


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "../nuclei_replay", "x" * 5000, "a\0", ["nuclei_replay"], {"a": 1}, 3],
)
def test_replay_names_a_shipped_file_or_nothing(name):
    spec = read_spec(SHIPPED / "nuclei.safetensors")
    assert replay_of(spec) is not None
    assert replay_of(replace(spec, training={"replay": name})) is None


def test_replay_of_other_channels_is_of_no_use():
    spec = read_spec(SHIPPED / "nuclei.safetensors")
    arguments = {**spec.arguments, "in_channels": 2}
    assert replay_of(replace(spec, arguments=arguments)) is None
    assert replay_of(replace(spec, arguments={**spec.arguments, "dims": 3}, axes="ZYX")) is None


def test_a_variance_below_zero_is_refused_on_loading(tmp_path):
    model = make_bright_model()
    path = model.save(tmp_path / "odd.safetensors").path
    norms = [module for module in model.net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    norms[0].running_var[0] = -1
    with pytest.raises(UnetError, match="is a variance and below 0"):
        model.save(path)
    assert load_model_file(path)
