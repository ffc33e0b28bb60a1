"""Which processor, how much memory, and how running out of it looks."""

import pytest
import torch

from napari_unet.errors import UnetError
from napari_unet.nets import device as devices
from napari_unet.nets.device import (
    available_devices,
    choose_device,
    device_name,
    free_memory,
    half_precision,
)

CPU = torch.device("cpu")


def test_the_cpu_is_always_there_and_comes_last():
    assert available_devices()[-1] == "cpu"
    assert choose_device("cpu") == CPU


def test_auto_is_the_best_there_is(monkeypatch):
    assert choose_device().type == available_devices()[0]
    monkeypatch.setattr(devices, "available_devices", lambda: ["mps", "cpu"])
    assert choose_device("auto").type == "mps"
    assert choose_device("cpu") == CPU


def test_unknown_and_missing_devices_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(devices, "available_devices", lambda: ["cpu"])
    with pytest.raises(UnetError, match="no device 'abacus': choose one of auto, cpu"):
        choose_device("abacus")
    with pytest.raises(UnetError, match="device 'cuda:1' is not available here: choose cpu"):
        choose_device("cuda:1")


def test_devices_have_names_for_people():
    threads = torch.get_num_threads()
    assert device_name(CPU) == ("CPU, 1 thread" if threads == 1 else f"CPU, {threads} threads")
    assert device_name(torch.device("mps")) == "Apple GPU"


def test_free_memory_is_bytes():
    assert 2**20 < free_memory(CPU) < 2**50


def test_half_precision_is_a_16_bit_type_or_none():
    assert half_precision(CPU) in (None, torch.bfloat16)
    assert half_precision(torch.device("mps")) == torch.float16
    assert half_precision(torch.device("xpu")) == torch.bfloat16
