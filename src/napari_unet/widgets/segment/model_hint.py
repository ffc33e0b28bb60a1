"""What the chosen model is made for, and which models know the image."""

from __future__ import annotations

import napari.layers
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_unet.models.library import SHIPPED
from napari_unet.models.spec import ModelSpec
from napari_unet.models.suggestion import Suggestion
from napari_unet.settings.zooms import zoom_text
from napari_unet.widgets.model_choice import ModelChoice
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.segment.suggesting import ModelSuggestions
from napari_unet.widgets.viewer.layers import LayerImage

FIGURES = {"AP50": "AP@0.5 {:.2f}", "mean_IoU": "mean IoU {:.2f}", "V_Rand": "V_Rand {:.2f}"}


class ModelHint(QWidget):  # type: ignore[misc]
    """The model's card in a line, and which models know the image; the user's own are never talked down."""

    def __init__(self, model: ModelChoice) -> None:
        super().__init__()
        self._model = model
        self._suggested = ""
        self.suggestions = ModelSuggestions(self)
        self.card = MessageLabel()
        self.known = MessageLabel()
        self.button = QPushButton()
        self._lay_out()
        self.suggestions.answered.connect(self._say)
        self.button.clicked.connect(lambda _: model.choose_name(self._suggested))

    def refresh(
        self,
        layer: napari.layers.Image | None = None,
        image: LayerImage | None = None,
        channel: int | None = None,
        *,
        ask: bool = True,
    ) -> None:
        """Follow the model and the image, which is None where it cannot be read.

        Without `ask` the models are not asked about an image of which nothing is known yet.
        """
        spec = self._model.spec
        self.card.setText(card_text(spec) if spec else "")
        self.card.setVisible(bool(self.card.text()))
        own = self._model.path is not None and self._model.path.parent != SHIPPED
        if layer is None or image is None or own:
            self.suggestions.drop()
            self._say(None)
        else:
            self._say(self.suggestions.of(layer, image, channel, ask=ask))

    def _say(self, found: Suggestion | None) -> None:
        """Show what is known of the image."""
        self.known.setText(suggestion_text(found) if found else "")
        self.known.setVisible(bool(found))
        best = found.best if found else ""
        self._suggested = best if best in self._model.names() and best != self._model.currentText() else ""
        self.button.setText(f"Use {self._suggested}")
        self.button.setVisible(bool(self._suggested))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.card, self.known, self.button):
            layout.addWidget(part)
        self.known.hide()
        self.button.hide()


def suggestion_text(found: Suggestion) -> str:
    """Return in a sentence which two models know an image best, and how sure they are."""
    sure = [f"{name} ({share:.0%})" for name, share in zip(found.models, found.familiarity, strict=True)]
    shown = ", then ".join(sure[:2])
    if not found.known:
        return (
            f"None of the models of one kind knows this image: use {found.best}, and teach it. Nearest: {shown}."
        )
    return f"Knows this image best: {shown}."


def card_text(spec: ModelSpec) -> str:
    """Return what a model is for and how good it was, in a line or two."""
    figures = spec.training.get("validation")
    known = figures if isinstance(figures, dict) else {}
    best = next((text.format(known[name]) for name, text in FIGURES.items() if name in known), "")
    count = spec.training.get("validation_images")
    measured = f" {best} on {count} images that it did not learn from." if best and count else ""
    taught = spec.training.get("fine_tuning")
    if taught:
        measured = f" Taught with {taught['annotated_pixels']} painted pixels."
    if spec.zoom != 1:
        measured += f" It sees every image at {zoom_text(spec.zoom)}."
    return f"{spec.description}{measured}"
