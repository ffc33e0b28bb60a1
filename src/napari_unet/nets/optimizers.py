"""AdamW and SGD by PyTorch's functional calls, with their state in plain tensors.

The optimiser classes of `torch.optim` import `torch._dynamo` when one is made, and with it triton where that is
installed. Triton brings an LLVM of its own, which ends the process (SIGSEGV) where a window is drawn by Mesa's
software or AMD driver, whose LLVM is loaded already. The functional calls compute the same and import neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

State = dict[int, dict[str, Tensor]]
"""By the number of a parameter: its tensors, under the names that the classes of `torch.optim` give them."""


class Optimizer(Protocol):
    """What changes parameters in place by their gradients; `state` is all that it remembers from step to step."""

    parameters: list[Tensor]
    state: State

    def step(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        ...


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019); betas 0.9 and 0.999, epsilon 1e-8."""

    def __init__(self, parameters: Iterable[Tensor], *, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.state: State = {}
        self._weight_decay = weight_decay

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        numbers = [number for number, value in enumerate(self.parameters) if value.grad is not None]
        for number in numbers:
            if number not in self.state:
                value = self.parameters[number]
                zeros = {slot: torch.zeros_like(value) for slot in ("exp_avg", "exp_avg_sq")}
                self.state[number] = {"step": torch.tensor(0.0), **zeros}
        adamw(
            [self.parameters[number] for number in numbers],
            [_gradient(self.parameters[number]) for number in numbers],
            [self.state[number]["exp_avg"] for number in numbers],
            [self.state[number]["exp_avg_sq"] for number in numbers],
            [],
            [self.state[number]["step"] for number in numbers],
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=self._weight_decay,
            eps=1e-8,
            maximize=False,
        )


class SGD:
    """Stochastic gradient descent with momentum, as Ronneberger et al. 2015 train."""

    def __init__(self, parameters: Iterable[Tensor], *, momentum: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.state: State = {}
        self._momentum, self._weight_decay = momentum, weight_decay

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        numbers = [number for number, value in enumerate(self.parameters) if value.grad is not None]
        buffers = [self.state.get(number, {}).get("momentum_buffer") for number in numbers]
        sgd(
            [self.parameters[number] for number in numbers],
            [_gradient(self.parameters[number]) for number in numbers],
            buffers,
            weight_decay=self._weight_decay,
            momentum=self._momentum,
            lr=learning_rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for number, buffer in zip(numbers, buffers, strict=True):
            if buffer is not None:
                self.state[number] = {"momentum_buffer": buffer}


def _gradient(value: Tensor) -> Tensor:
    assert value.grad is not None
    return value.grad
