"""How wide kernels are, and what is pooled, per level and axis: planned from the spacing of the pixels.

Along an axis whose pixels lie much farther apart than the others', a 3-wide kernel would see farther than along
these, and pooling would lose it. So nothing is done along it until pooling the others has made the spacing about
equal (nnU-Net: Isensee et al., Nat Methods 18:203, 2021, supplementary note 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_unet.errors import UnetError
from napari_unet.nets.geometry import Geometries, Geometry

MAX_SPACING_RATIO = 2.0
"""Spacings are about equal below this ratio, as in nnU-Net: one pooling more would not bring them closer."""
PerLevel = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Kernels and poolings of a network, per level, full resolution first, and axis."""

    kernels: PerLevel
    """Width of the convolutions, 1 or 3; of the bottom, too."""
    pooling: PerLevel
    """How many pixels become one."""

    @classmethod
    def of(cls, levels: int, dims: int, kernels: Any = None, pooling: Any = None) -> Levels:
        """Return checked kernels and poolings; a number stands for all axes, None for 3 and 2 at all levels."""
        return cls(
            kernels=_per_level("kernels", kernels, levels + 1, dims, (1, 3)),
            pooling=_per_level("pooling", pooling, levels, dims, (1, 2)),
        )

    def geometry(self, down: Sequence[int], up: Sequence[int], upsampling_margin: int = 0) -> Geometries:
        """Return the geometry per axis for so many convolutions per level."""
        return Geometries(
            Geometry(
                down=tuple(n * (kernel[axis] // 2) for n, kernel in zip(down, self.kernels, strict=True)),
                up=tuple(n * (kernel[axis] // 2) for n, kernel in zip(up, self.kernels, strict=False)),
                upsampling_margin=upsampling_margin,
                pooling=tuple(factors[axis] for factors in self.pooling),
            )
            for axis in range(len(self.kernels[0]))
        )


def plan_levels(spacing: Sequence[float], levels: int) -> dict[str, PerLevel]:
    """Return the arguments `kernels` and `pooling` of a network for pixels of this spacing.

    They are left out where all are 3 and 2, as without a plan. An axis is left alone while its spacing is
    `MAX_SPACING_RATIO` times the smallest one or more.
    """
    present = list(spacing)
    kernels: list[tuple[int, ...]] = []
    pooling: list[tuple[int, ...]] = []
    wide = [False] * len(present)
    for _ in range(levels + 1):
        fine = [step / min(present) < MAX_SPACING_RATIO for step in present]
        wide = [before or now for before, now in zip(wide, fine, strict=True)]
        kernels.append(tuple(3 if is_wide else 1 for is_wide in wide))
        pooling.append(tuple(2 if is_fine else 1 for is_fine in fine))
        present = [step * factor for step, factor in zip(present, pooling[-1], strict=True)]
    if all(width == 3 for kernel in kernels for width in kernel):
        return {}
    return {"kernels": tuple(kernels), "pooling": tuple(pooling[:levels])}


def _per_level(name: str, given: Any, levels: int, dims: int, allowed: tuple[int, int]) -> PerLevel:
    """Return a value per level and axis; UnetError where it is none of the two allowed ones."""
    if given is None:
        return ((allowed[1],) * dims,) * levels
    try:
        found = tuple((level,) * dims if isinstance(level, int) else tuple(level) for level in given)
    except TypeError:
        found = ()
    fits = len(found) == levels and all(len(level) == dims for level in found)
    if not fits or not all(type(value) is int and value in allowed for level in found for value in level):
        raise UnetError(
            f"{name} must be {levels} levels of {dims} numbers, each {allowed[0]} or {allowed[1]}, got {given!r}"
        )
    return found
