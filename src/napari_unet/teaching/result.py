"""What fine-tuning gave: a model, how much better it is, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.models.model import Model
from napari_unet.settings.zooms import zoom_text

TRUSTED_PIXELS, TRUSTED_STROKES = 200, 3
GAIN = 0.01
"""Of IoU, that counts as better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneResult:
    """What came of it: the new model, both scores, and how far they can be trusted."""

    model: Model
    before: float
    after: float
    """Mean IoU of the classes on the scored pixels, of the old and of the new model."""
    held_out: bool
    """Whether those pixels were kept from training; False where there were too few strokes to keep any."""
    pixels: int
    strokes: int
    """How much was scored."""
    iterations: int
    seconds: float
    history: tuple[dict[str, float], ...] = ()
    remark: str = ""
    painted: tuple[float, float] | None = None
    """The same before and after of all that was painted, where the held-out strokes are too few to tell."""

    @property
    def improved(self) -> bool:
        """Whether the new model is the better one."""
        if self.painted is not None:
            return self.painted[1] > self.painted[0] + GAIN
        return self.after > self.before

    def sentence(self) -> str:
        """Return the outcome in words."""
        where = "held-out strokes" if self.held_out else "the painted strokes themselves (none could be held out)"
        word = "better" if self.improved else "not better: the old model stays"
        if self.painted is not None:
            before, after = self.painted
            word = f"too close to tell. On all that was painted {before:.2f} before, {after:.2f} after; {word}"
        digits = 2 if round(self.before, 2) != round(self.after, 2) else 3
        text = f"IoU on {where}: {self.before:.{digits}f} before, {self.after:.{digits}f} after; {word}."
        if not self.held_out or self.pixels < TRUSTED_PIXELS or self.strokes < TRUSTED_STROKES:
            counted = {"pixel": self.pixels, "stroke": self.strokes}
            pixels, strokes = (f"{count} {word}{'s' * (count != 1)}" for word, count in counted.items())
            text += f" Too few to trust: {pixels} in {strokes}."
        if self.model.spec.zoom != 1:
            text += f" The new model sees every image at {zoom_text(self.model.spec.zoom)}."
        return f"{text} {self.remark}".strip()
