"""What the shipped models say of the chosen image: asked in a worker, remembered with the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import napari.layers
import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.models.suggestion import Suggestion, suggestion_steps
from napari_unet.progress import Steps
from napari_unet.widgets.parts.quiet_job import QuietJob
from napari_unet.widgets.viewer.layers import LayerImage

DELAY = 500
"""Milliseconds for which an image must stay chosen before it is looked at: several may be opened at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What a suggestion belongs to: a layer with its array at the time, axes, and the channel that was chosen."""

    layer: ReferenceType[napari.layers.Image]
    array: ReferenceType[Any]
    axes: str
    channel: int | None

    def is_same(self, other: Question | None) -> bool:
        """Whether the answer to one is the answer to the other."""
        return (
            other is not None
            and self.layer() is other.layer()
            and self.array() is other.array()
            and (self.axes, self.channel) == (other.axes, other.channel)
        )


class ModelSuggestions(QObject):  # type: ignore[misc]
    """Asks about one image at a time; the question before it is dropped."""

    answered = Signal(object)
    """The suggestion for the image that was asked about last; None where nothing can be said."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._known: WeakKeyDictionary[napari.layers.Image, tuple[Question, Suggestion | None]] = (
            WeakKeyDictionary()
        )
        self._asked: Question | None = None
        self._job = QuietJob(self)
        self._job.done.connect(self._ended)
        self._start: Callable[[], Steps[Any]] | None = None
        self._timer = QTimer(self, singleShot=True, interval=DELAY)
        self._timer.timeout.connect(self._begin)

    def of(
        self, layer: napari.layers.Image, image: LayerImage, channel: int | None, *, ask: bool = True
    ) -> Suggestion | None:
        """Return what is known of an image; else ask, if wanted, and emit `answered` with it later."""
        if not isinstance(image.array, np.ndarray):  # reading others could take long
            self.drop()
            return None
        question = Question(layer=ref(layer), array=ref(image.array), axes=image.axes, channel=channel)
        before, answer = self._known.get(layer, (None, None))
        if question.is_same(before):
            self.drop()
            return answer
        if ask and not question.is_same(self._asked):
            self.drop()
            self._asked, self._start = question, partial(_steps, image, question)
            self._timer.start()
        return None

    def drop(self) -> None:
        """Stop asking."""
        self._timer.stop()
        self._asked = self._start = None
        self._job.drop()

    def _begin(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            self._job.run(start)

    def _ended(self, result: tuple[Question, Suggestion | None]) -> None:
        question, answer = result
        layer = question.layer()
        if question is self._asked and layer is not None:
            self._asked = None
            self._known[layer] = (question, answer)
            self.answered.emit(answer)


def _steps(image: LayerImage, question: Question) -> Steps[tuple[Question, Suggestion | None]]:
    """Return an answer with its question: it may come when another one was asked."""
    from napari_unet.nets.torch_preload import preload_torch

    preload_torch()
    answer = yield from suggestion_steps(image.array, image.axes, channel=question.channel)
    return question, answer
