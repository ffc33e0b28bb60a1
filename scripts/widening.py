"""A wider network that begins as the same function: channels are copied and share what they send on.

Net2WiderNet (Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016). The copies of a channel get unequal random shares
of its outgoing weights, so that the whole gives what it gave and yet no two channels keep learning the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_unet.nets.unet import UNet

SHARES = (0.2, 0.8)
"""Between which limits the share of a copied channel's first copy is drawn."""


def widened(narrow: UNet, wide: UNet) -> dict[str, Tensor]:
    """Return the weights with which `wide` is the function of `narrow`, a network at most half as wide again."""
    modules = dict(narrow.named_modules())
    wanted = wide.state_dict()
    weights = {}
    for name, value in narrow.state_dict().items():
        module = name.rsplit(".", 1)[0]
        new = wanted[name].shape
        if value.ndim > 1:
            outgoing = 1 if isinstance(modules[module], torch.nn.ConvTranspose2d) else 0
            # the first convolution after a skip reads two stacks of channels, either of them widened
            stacks = 2 if module.startswith("decode.") and module.endswith(".0") else 1
            copied = _copied(value, outgoing, new[outgoing])
            weights[name] = _shared_out(copied, 1 - outgoing, new[1 - outgoing], stacks)
        else:
            weights[name] = _copied(value, 0, new[0]) if value.ndim else value
    return weights


def _copied(value: Tensor, dim: int, length: int) -> Tensor:
    """Repeat the first channels until there are `length` of them."""
    return torch.cat([value, value.narrow(dim, 0, length - value.shape[dim])], dim)


def _shared_out(value: Tensor, dim: int, length: int, stacks: int) -> Tensor:
    """Let the copies of a channel share what it contributed."""
    parts = []
    for stack in value.chunk(stacks, dim):
        more = length // stacks - stack.shape[dim]
        copied = stack.narrow(dim, 0, more)
        share = torch.empty_like(copied).uniform_(*SHARES)
        kept = stack.narrow(dim, more, stack.shape[dim] - more)
        parts += [copied * share, kept, copied * (1 - share)]
    return torch.cat(parts, dim)
