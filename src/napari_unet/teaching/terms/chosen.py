"""Which terms a learning has."""

from __future__ import annotations

from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.terms.anchor import Anchor
from napari_unet.teaching.terms.mean_teacher import MeanTeacher
from napari_unet.teaching.terms.replay import Replay
from napari_unet.teaching.terms.step import Term
from napari_unet.teaching.terms.strokes import Strokes


def terms_of(settings: FineTuningSettings) -> list[Term]:
    """Return the terms of the loss: strokes, and what holds the network elsewhere, without those of weight 0."""
    terms: list[Term] = [Strokes(), Replay()]
    if settings.anchor:
        terms.append(Anchor(settings.anchor))
    if settings.consistency:
        terms.append(MeanTeacher(settings.consistency))
    return terms
