"""One optimiser step after another: network, running average, learning rate, and a checkpoint without pickle."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from napari_unet.errors import UnetError, first_line
from napari_unet.files.atomic import atomic_path
from napari_unet.files.openable import require_regular_file
from napari_unet.nets.device import half_precision
from napari_unet.nets.optimizers import SGD, AdamW, Optimizer, State
from napari_unet.nets.unet import UNet
from napari_unet.settings.optimization import OptimizationSettings

AVERAGE_DECAY = 0.999
"""Of the running average of the weights, once it has run for long: it is that of the last thousand steps or so."""
DAMAGED = (SafetensorError, OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError)
"""What reading a checkpoint raises that was cut off, or is of something else."""


class NoNumberError(UnetError):
    """The loss is infinite or no number any more."""


class Optimization:
    """Training state: `net` is optimised, `averaged` is its running average, `iteration` counts the steps."""

    def __init__(
        self, net: UNet, settings: OptimizationSettings, *, iterations: int, device: torch.device
    ) -> None:
        layout = torch.channels_last if net.dims == 2 else torch.channels_last_3d
        self.net: UNet = net.to(device).to(memory_format=layout)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.net).eval()
        self.settings = settings
        self.iterations = iterations
        self.iteration = 0
        self.device = device
        half = half_precision(device) if settings.half else None
        self._half = half if half is torch.bfloat16 else None  # small gradients vanish in float16
        self._optimizer = self._make_optimizer()

    def step(self, images: Tensor, loss_of: Callable[[Tensor], Tensor]) -> float:
        """Take one step on images (N, C, *in); `loss_of` turns their logits into a scalar. Return the loss."""
        self.net.train()
        if self.settings.frozen_norm:
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                    module.eval()
        with torch.autocast(self.device.type, dtype=self._half, enabled=self._half is not None):
            logits = self.net(images)
        loss = loss_of(logits)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise NoNumberError(
                f"the loss became {value} at iteration {self.iteration}: choose a lower learning rate"
            )
        self.net.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self._optimizer.step(self.learning_rate())
        self.iteration += 1
        self._average()
        return value

    @torch.no_grad()
    def predict(self, images: Tensor, net: UNet | None = None) -> Tensor:
        """Return the probabilities (N, K, *out) that the averaged weights, or a net, give images (N, C, *in)."""
        with torch.autocast(self.device.type, dtype=self._half, enabled=self._half is not None):
            logits = (net or self.averaged)(images)
        return torch.softmax(logits.float(), dim=1)

    def learning_rate(self) -> float:
        """Return the rate of the present iteration: linear warm-up, then half a cosine or constant."""
        rise = min(1.0, (self.iteration + 1) / max(1, self.settings.warmup))
        fall = 1.0
        if self.settings.falling:
            fall = 0.5 + 0.5 * math.cos(math.pi * min(1.0, self.iteration / self.iterations))
        return self.settings.learning_rate * rise * fall

    def _average(self) -> None:
        decay = min(AVERAGE_DECAY, (1 + self.iteration) / (10 + self.iteration)) if self.settings.average else 0.0
        mix_weights(self.averaged, self.net, 1 - decay)

    def _make_optimizer(self) -> Optimizer:
        chosen, parameters = self.settings, self.net.parameters()
        if chosen.optimizer == "sgd":
            return SGD(parameters, momentum=chosen.momentum, weight_decay=chosen.weight_decay)
        return AdamW(parameters, weight_decay=chosen.weight_decay)

    def save(self, path: Path, notes: dict[str, Any]) -> None:
        """Write everything needed to go on as if nothing had happened, with `notes` (JSON) beside it."""
        with atomic_path(path) as temporary:
            header = {"notes": json.dumps(notes), "iteration": str(self.iteration)}
            tensors = self._tensors()
            # save_file would tell of a full disk by an error of its own
            temporary.write_bytes(
                save({name: value.cpu().contiguous() for name, value in tensors.items()}, header)
            )

    def _tensors(self) -> dict[str, Tensor]:
        """Return all that changes from step to step, by name."""
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"averaged.{name}": value for name, value in self.averaged.state_dict().items()}
        for number, slots in self._optimizer.state.items():
            tensors |= {f"optimizer.{number}.{slot}": value for slot, value in slots.items()}
        return tensors

    def restore(self, path: Path) -> dict[str, Any]:
        """Go on from a checkpoint and return its notes; UnetError where it does not fit this training."""
        require_regular_file(path)
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                # copies: what is mapped into memory cannot be replaced on Windows
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
            self.net.load_state_dict(_part(tensors, "net."))
            self.averaged.load_state_dict(_part(tensors, "averaged."))
            self._restore_optimizer(_part(tensors, "optimizer."))
            self.iteration = int(header["iteration"])
            notes: dict[str, Any] = json.loads(header["notes"])
        except DAMAGED as error:
            raise UnetError(
                f"cannot go on from {path.name} ({first_line(error)}): delete it to start anew"
            ) from None
        return notes

    def _restore_optimizer(self, tensors: dict[str, Tensor]) -> None:
        slots: State = {}
        for name, value in tensors.items():
            number, slot = name.split(".")
            shape = self._optimizer.parameters[int(number)].shape
            if slot != "step" and value.shape != shape:
                raise ValueError(f"{name} has shape {tuple(value.shape)}, the network needs {tuple(shape)}")
            # the count of steps stays on the CPU, where it is read without waiting for the device
            slots.setdefault(int(number), {})[slot] = value if slot == "step" else value.to(self.device)
        self._optimizer.state = slots


@torch.no_grad()
def mix_weights(net: UNet, other: UNet, share: float) -> None:
    """Move all weights of a network this far, 0..1, towards those of another one of its kind."""
    wanted = other.state_dict()
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            value.lerp_(wanted[name].to(value), share)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
