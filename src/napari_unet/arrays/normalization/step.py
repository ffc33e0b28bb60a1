"""What every step of a normalisation can do, and its form in JSON: {"step": NAME, options}."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

from napari_unet.arrays.normalization.sample import Sample, Values
from napari_unet.errors import UnetError


class FittedStep(Protocol):
    """A change of intensities, with all numbers that it needs."""

    name: ClassVar[str]

    @property
    def margin(self) -> int:
        """Return how many pixels around a window its values depend on."""
        ...

    def apply(self, values: Values) -> Values:
        """Return the changed values, (..., Y, X) with `margin` pixels around; may overwrite its argument."""
        ...


class Step(Protocol):
    """A step as a model declares it."""

    name: ClassVar[str]

    def fit(self, sample: Sample, /) -> FittedStep | None:
        """Return the step for one image; None where the image needs none."""
        ...


def step_to_dict(step: Any) -> dict[str, Any]:
    """Return a step, declared or fitted, as JSON values."""
    return {"step": step.name, **asdict(step)}


def step_from_dict(values: Mapping[str, Any], known: Iterable[type]) -> Any:
    """Return the step that `step_to_dict` wrote, one of the classes that are known."""
    by_name = {kind.name: kind for kind in known}  # type: ignore[attr-defined]
    options = dict(values)
    name = options.pop("step", None)
    if name not in by_name:
        raise UnetError(f"a step of the normalisation is one of {', '.join(by_name)}, got {name!r}")
    try:
        return by_name[name](**options)
    except TypeError as error:
        raise UnetError(f"the normalisation step {name} has other options ({error})") from None


def require_number(what: str, value: Any) -> None:
    """Refuse what is no finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise UnetError(f"{what} must be a finite number, got {value!r}")
