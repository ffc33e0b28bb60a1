"""Autosave: what is painted in a viewer is on disk within seconds, and comes back after a crash."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Labels
from napari.qt.threading import create_worker
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer

from napari_unet.files.session import SavedLayer, Session
from napari_unet.widgets.annotation_layers import name_colours
from napari_unet.widgets.layers import KEY
from napari_unet.widgets.painted import (
    ANNOTATION,
    RESULT,
    image_id,
    image_of,
    images_of,
    labels_shape,
    prediction_of,
    role_of,
)

if TYPE_CHECKING:
    import napari

LOGGER = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds between two looks for new paint."""
PLACING = ("scale", "translate", "rotate", "shear", "affine")
REMEMBERED = ("role", "kind", "axes", "origin", "provenance")


class Autosave(QObject):  # type: ignore[misc]
    """Watches the painted layers of one viewer and writes those that changed, in the background."""

    _of: ClassVar[WeakKeyDictionary[Any, Autosave]] = WeakKeyDictionary()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.session = Session.new()
        self.settings: dict[str, Any] = {}
        """What the panel that paints says of itself, kept beside the paint."""
        self._viewer = ref(viewer)  # it lives as long as its window, not longer for us
        self._changed: set[str] = set()
        self._known: set[str] = set()
        self._writing = False
        self._told = False
        self._replaced: list[Session] = []
        for layer in viewer.layers:
            self._watch(layer)
        viewer.layers.events.inserted.connect(lambda event: self._watch(event.value))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(int(EVERY * 1000))

    @classmethod
    def of(cls, viewer: napari.viewer.Viewer) -> Autosave:
        """Return the autosave of a viewer, begun where there was none."""
        viewer = getattr(viewer, "__wrapped__", viewer)  # each panel gets a proxy of its own
        if viewer not in cls._of:
            cls._of[viewer] = cls(viewer)
        return cls._of[viewer]

    def look(self) -> None:
        """Write what was painted since the last look."""
        viewer = self._viewer()
        if viewer is None:
            return
        layers = {str(layer.unique_id): layer for layer in viewer.layers if self._is_ours(layer)}
        touched = {key: layers[key] for key in self._changed & layers.keys()}
        gone = self._known - layers.keys()
        if self._writing or not (touched or gone):
            return
        self._changed -= touched.keys()
        changed = [saved for key, layer in touched.items() if (saved := _saved(key, layer)) is not None]
        self._known = (self._known | {saved.key for saved in changed}) & layers.keys()
        kept = {key: _about(viewer, layers[key]) for key in self._known}
        self._writing = True
        worker = create_worker(_write, self.session, changed, kept, dict(self.settings))
        worker.returned.connect(self._written)
        worker.start()

    def take_over(self, layer: Labels) -> None:
        """Save a layer at the next look, whether it was painted on or not."""
        self._changed.add(str(layer.unique_id))

    def replace(self, session: Session) -> None:
        """Remove a former session once everything that is painted here was saved."""
        self._replaced.append(session)
        self.look()

    def _written(self, fault: str) -> None:
        self._writing = False
        if not fault and not self._changed:
            for session in self._replaced:
                session.remove()
            self._replaced = []
        if fault and not self._told:
            self._told = True
            show_warning(f"Your paint cannot be autosaved ({fault}): save it yourself, or free some space.")

    def _watch(self, layer: napari.layers.Layer) -> None:
        if not self._is_ours(layer):
            return
        key = str(layer.unique_id)

        def mark(*_: object) -> None:
            self._changed.add(key)

        for event in (layer.events.data, layer.events.paint, layer.events.labels_update):
            event.connect(mark)
        if role_of(layer) == ANNOTATION:
            mark()

    def _is_ours(self, layer: napari.layers.Layer) -> bool:
        return isinstance(layer, Labels) and role_of(layer) in (ANNOTATION, RESULT)


def restore(viewer: napari.viewer.Viewer, session: Session) -> dict[str, Any]:
    """Put the painted layers of a former session into the viewer, opening their images; return its settings.

    The session is removed once the present one has saved all of it.
    """
    layers, settings = session.read()
    autosave = Autosave.of(viewer)
    for saved in layers:
        image = _image_for(viewer, saved)
        entry = dict(saved.about["entry"])
        if image is not None:
            entry["of"] = image_id(image)
        values = saved.arrays["values"]
        if "prediction" in saved.arrays:
            entry["predictions"] = [saved.arrays["prediction"]]
        layer = viewer.add_labels(
            values,
            name=saved.about["name"],
            metadata={KEY: entry},
            units=tuple(saved.about["units"]),
            axis_labels=tuple(saved.about["axis_labels"]),
            **{name: np.asarray(value) for name, value in saved.about["place"].items()},
        )
        if role_of(layer) == ANNOTATION:
            name_colours(layer)
        autosave.take_over(layer)
    autosave.replace(session)
    return settings


def _image_for(viewer: napari.viewer.Viewer, saved: SavedLayer) -> Image | None:
    """Return the image that was painted on: one open under its name, or its file opened again."""
    name, path = saved.about["image"], saved.about["path"]
    images = images_of(viewer)
    for image in images:
        if image.name == name:
            return image
    if not (path and Path(path).exists()):
        return next((image for image in images if labels_shape(image) == saved.arrays["values"].shape), None)
    opened: Iterable[Any] = viewer.open(path)
    return next((layer for layer in opened if isinstance(layer, Image)), None)


def _saved(key: str, layer: Labels) -> SavedLayer | None:
    """Return a copy of what is painted; None where nothing is."""
    values = np.array(layer.data)
    arrays = {"values": values}
    if role_of(layer) == ANNOTATION and not values.any():
        return None
    if role_of(layer) == RESULT:
        prediction = prediction_of(layer)
        if prediction is None or np.array_equal(prediction, values):
            return None
        arrays["prediction"] = prediction
    return SavedLayer(key=key, arrays=arrays, about={})


def _write(session: Session, changed: list[SavedLayer], kept: dict[str, Any], settings: dict[str, Any]) -> str:
    """Write in the worker's thread; return what went wrong, nothing where nothing did."""
    try:
        session.write(changed, kept, settings)
    except OSError as error:
        return str(error)
    except Exception as error:
        LOGGER.exception("autosave failed")
        return f"{type(error).__name__}: {error}"
    return ""


def _about(viewer: napari.viewer.Viewer, layer: Labels) -> dict[str, Any]:
    image = image_of(viewer, layer)
    entry = layer.metadata.get(KEY, {})
    return {
        "name": layer.name,
        "entry": {name: entry[name] for name in REMEMBERED if name in entry},
        "place": {name: _as_list(layer, name) for name in PLACING},
        "units": [str(unit) for unit in layer.units],
        "axis_labels": list(layer.axis_labels),
        "image": image.name if image else "",
        "path": str(image.source.path or "") if image else "",
    }


def _as_list(layer: Labels, name: str) -> list[Any]:
    value = layer.affine.affine_matrix if name == "affine" else getattr(layer, name)
    as_list: list[Any] = np.asarray(value).tolist()
    return as_list
