"""What the chosen model is made for, and a hint where another suits the image better."""

from __future__ import annotations

import napari.layers
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_unet.models.library import SHIPPED
from napari_unet.models.spec import ModelSpec
from napari_unet.models.suggestion import Suggestion, suggest
from napari_unet.settings.zooms import zoom_text
from napari_unet.widgets.model_choice import ModelChoice
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.viewer.layers import sample_of

FIGURES = {"AP50": "AP@0.5 {:.2f}", "mean_IoU": "mean IoU {:.2f}", "V_Rand": "V_Rand {:.2f}"}


class ModelHint(QWidget):  # type: ignore[misc]
    """The model's card in a line, and a button for a better one; the user's own models are never talked down."""

    def __init__(self, model: ModelChoice) -> None:
        super().__init__()
        self._model = model
        self.card = MessageLabel()
        self.button = QPushButton()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.card)
        layout.addWidget(self.button)
        self._suggested = ""
        self.button.clicked.connect(lambda _: model.choose_name(self._suggested))
        self.button.hide()

    def refresh(self, layer: napari.layers.Image | None) -> None:
        """Follow the image and the model."""
        spec = self._model.spec
        self.card.setText(card_text(spec) if spec else "")
        found = guess(layer) if layer is not None else None
        known = [name for name in found.models if name in self._model.names()] if found else []
        chosen = self._model.currentText()
        own = self._model.path is not None and self._model.path.parent != SHIPPED
        self._suggested = known[0] if known and not own and chosen not in known else ""
        self.button.setVisible(bool(self._suggested))
        if found and self._suggested:
            self.button.setText(f"This looks like {found.kind}: use {self._suggested}")


def guess(layer: napari.layers.Image) -> Suggestion | None:
    """Return which models suit an image layer."""
    sample = sample_of(layer)
    if sample is None or sample.size == 0 or sample.dtype.kind not in "biuf":
        return None
    return suggest(sample, rgb=layer.rgb)


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
