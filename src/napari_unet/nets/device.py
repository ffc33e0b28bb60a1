"""Which processor computes, and how much memory it has left."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from napari_unet import memory
from napari_unet.errors import UnetError
from napari_unet.settings.devices import DEVICES
from napari_unet.words import counted

NAMES = tuple(DEVICES.values())


def available_devices() -> list[str]:
    """Return the kinds of device that work here, best first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        found.append("xpu")
    return [*found, "cpu"]


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device asked for; "auto" is the best there is: CUDA, MPS, XPU, CPU."""
    kind = wanted.split(":", maxsplit=1)[0]
    if kind not in NAMES:
        raise UnetError(f"there is no device {wanted!r}: choose one of {', '.join(NAMES)}")
    available = available_devices()
    if kind == "auto":
        return torch.device(available[0])
    if kind not in available:
        raise UnetError(f"device {wanted!r} is not available here: choose {' or '.join(available)}")
    try:
        return torch.device(wanted)
    except RuntimeError:
        raise UnetError(f"there is no device {wanted!r}: choose one of {', '.join(NAMES)}, or cuda:0") from None


def device_name(device: torch.device) -> str:
    """Return the device in words, as a person knows it."""
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {counted(threads, 'thread')}"
    return {"mps": "Apple GPU", "xpu": "Intel GPU"}.get(device.type, device.type)


def free_memory(device: torch.device) -> int:
    """Return the bytes that are free on the device, or in the computer where both share their memory."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return memory.free_memory()


def half_precision(device: torch.device) -> torch.dtype | None:
    """Return the 16-bit type that the device computes fast, or None where it has none."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    if device.type == "xpu" or (device.type == "cpu" and _cpu_has_bfloat16()):
        return torch.bfloat16
    return None


def _cpu_has_bfloat16() -> bool:
    capabilities = torch.backends.cpu.get_cpu_capability()
    if "AVX512" not in capabilities or platform.system() != "Linux":
        return False
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
