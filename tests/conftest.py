"""What every test may use: a drawing of touching cells, a model that needs no training, isolated user settings."""

import atexit
import ctypes
import os
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# No test depends on how fast the machine is, and none on what an earlier run found.
EVERYWHERE = {"deadline": None, "database": None, "print_blob": True}
# 25 examples find what breaks a line; pytest --hypothesis-profile thorough looks for what is rarer
hypothesis.settings.register_profile("busy machine", max_examples=25, **EVERYWHERE)
hypothesis.settings.register_profile("thorough", max_examples=500, **EVERYWHERE)
hypothesis.settings.load_profile("busy machine")

# Before anything imports napari: no test reads or writes the settings, models or caches of the person who runs it.
_HOME = Path(tempfile.mkdtemp(prefix="napari-unet-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["NAPARI_CONFIG"] = str(_HOME / "napari" / "settings.yaml")
os.environ.pop("NAPARI_UNET_MODELS", None)
for _kind in ("CONFIG", "CACHE", "DATA", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = str(_HOME / _kind.lower())


def give_memory_back():
    """Let the allocator return to the system what was freed; it keeps hundreds of MB otherwise (glibc)."""
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


@pytest.fixture(autouse=True, scope="module")
def memory_given_back():
    """Keep the memory of a worker that of the file of tests that it is at."""
    yield
    give_memory_back()


def drawn(text):
    """Return labels (Y, X) int32 from a drawing: a digit is an id, '.' is 0."""
    return np.array([[0 if sign == "." else int(sign) for sign in line] for line in text.split()], np.int32)


TOUCHING_CELLS = """
    ............
    .1111222....
    .11112222...
    .11112222...
    .11113322...
    ..1133333...
    ...333333...
    ....3333..44
    ..........44
    .55.........
    .555........
    ............
"""
"""1, 2 and 3 touch each other; 4 and 5 stand alone."""


@pytest.fixture
def touching_cells():
    """Five cells (12, 12) int32: 1, 2 and 3 touch each other, 4 and 5 stand alone."""
    return drawn(TOUCHING_CELLS)


@pytest.fixture
def bright_model():
    """A model whose foreground is all that is brighter than the middle between darkest and brightest."""
    return make_bright_model()


def make_bright_model(in_channels=1, axes="YX"):
    """Return a padded U-Net (1 level) with weights set by hand: its logit is 40 (x - 0.5), x in 0..1."""
    import torch

    from napari_unet.arrays.normalization import Normalization, Percentile
    from napari_unet.models.model import Model
    from napari_unet.models.spec import ModelSpec
    from napari_unet.nets.architectures import build_net
    from napari_unet.settings.instances import InstanceSettings

    dims = len(axes)
    arguments = {"in_channels": in_channels, "base_channels": 2, "levels": 1, "dims": dims}
    net = build_net("padded", arguments).eval()
    centre = (1,) * dims
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.ndim > 1:
                parameter.zero_()
            if parameter.ndim > 1 and parameter.shape[-1] == 3:
                share = in_channels if name == "down.0.0.weight" else 1
                parameter[(0, slice(0, share), *centre)] = 1 / share
        net.head.weight[1, 0] = 40
        net.head.bias[1] = -20
    spec = ModelSpec(
        name="bright",
        architecture="padded",
        arguments=arguments,
        axes=axes,
        normalization=Normalization(steps=(Percentile(low=0, high=100),)),
        instances=InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=1),
    )
    return Model(net=net, spec=spec)


def make_two_input_model():
    """Return `make_bright_model` of cells and, optional, borders: its logit is 40 (cells - borders - 0.5)."""
    from dataclasses import replace

    import torch

    from napari_unet.arrays.channels import Input
    from napari_unet.models.model import Model

    bright = make_bright_model(in_channels=2)
    with torch.no_grad():
        bright.net.down[0][0].weight[0, :, 1, 1] = torch.tensor([1.0, -1.0])
    normalization = replace(bright.spec.normalization, joint=False)
    inputs = (Input("cells"), Input("borders", optional=True))
    return Model(net=bright.net, spec=replace(bright.spec, name="two", inputs=inputs, normalization=normalization))


def make_image_model(out_channels=1, base_channels=2):
    """Return an untrained padded U-Net (2 levels) with a tanh head."""
    import torch

    from napari_unet.models.model import Model
    from napari_unet.models.prediction_to_image import LINEAR
    from napari_unet.models.spec import ModelSpec
    from napari_unet.nets.architectures import build_net

    arguments = {"out_channels": out_channels, "base_channels": base_channels, "levels": 2, "head": "tanh"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build_net("padded", arguments).eval()
    spec = ModelSpec(
        name="clean",
        architecture="padded",
        arguments=arguments,
        classes=("image",) if out_channels == 1 else tuple(f"image {n}" for n in range(out_channels)),
        levels=(),
        maps_to="denoised",
        normalization=LINEAR,
    )
    return Model(net=net, spec=spec)


@pytest.fixture
def data_folder():
    """The small real files that come with the tests."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with two workers in threads of this process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        yield cluster.scheduler_address
