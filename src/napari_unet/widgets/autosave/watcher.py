"""Autosave: what is painted in a viewer is on disk within seconds, and comes back after a crash."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Labels
from napari.qt.threading import create_worker
from napari.utils.notifications import show_warning
from qtpy.QtCore import QEvent, QObject, QTimer, Signal

from napari_unet.files.session import Session
from napari_unet.widgets.autosave.writer import PaintWriter, Touched, Turns
from napari_unet.widgets.viewer.layers import unwrapped
from napari_unet.widgets.viewer.notes import ANNOTATION, is_copy, notes_of, role_of
from napari_unet.widgets.viewer.paint import image_of, value_names

if TYPE_CHECKING:
    import napari

EVERY = 5.0
"""Seconds between two looks for new paint."""
MAX_FOREIGN_BYTES = 2**27
"""Bytes up to which layers that we did not make are saved: anew with each stroke, more would take long."""
PLACING = ("scale", "translate", "rotate", "shear", "affine")


class Autosave(QObject):  # type: ignore[misc]
    """Watches the painted layers of one viewer and writes those that changed, in the background."""

    restored = Signal(dict)
    """The settings of a session that was brought back."""
    _of: ClassVar[WeakKeyDictionary[Any, Autosave]] = WeakKeyDictionary()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.session = Session.new()
        self.settings: dict[str, Any] = {}
        """What the panel that paints says of itself, kept beside the paint."""
        self._viewer = ref(viewer)  # it lives as long as its window, not longer for us
        self._written_settings: dict[str, Any] = {}
        self._changed: set[str] = set()
        self._turns = Turns()
        self._writer = PaintWriter(self.session)
        self._writing = False
        self._under_way: set[str] = set()
        """The layers that are being written."""
        self._told = False
        self._not_kept: set[str] = set()
        self._replaced: list[Session] = []
        for layer in viewer.layers:
            self._watch(layer)
        viewer.layers.events.inserted.connect(lambda event: self._watch(event.value))
        for layer in viewer.layers:
            if is_drawn_here(layer):
                self._changed.add(str(layer.unique_id))
        self._look_when_closed(viewer)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(int(EVERY * 1000))

    @classmethod
    def of(cls, viewer: napari.viewer.Viewer) -> Autosave:
        """Return the autosave of a viewer, begun where there was none."""
        viewer = unwrapped(viewer)
        if viewer not in cls._of:
            cls._of[viewer] = cls(viewer)
        return cls._of[viewer]

    def look(self, *, now: bool = False) -> None:
        """Write what was painted since the last look, in the background or before this returns."""
        viewer = self._viewer()
        if viewer is None or not len(viewer.layers):
            return  # a viewer that is closed loses its layers first; what was painted on them stays saved
        layers = {str(layer.unique_id): layer for layer in viewer.layers if can_be_kept(layer)}
        if now:
            self._changed |= self._under_way  # whose turn may not have come yet
        self._changed &= layers.keys()
        gone = self._writer.known - layers.keys()
        chosen = bool(self._writer.known) and self.settings != self._written_settings
        if (self._writing and not now) or not (self._changed or gone or chosen):
            return
        self._writing, self._under_way, self._changed = True, self._changed, set()
        touched = [_touched(key, layers[key]) for key in self._under_way]
        about = {key: _about(viewer, layer) for key, layer in layers.items()}
        self._written_settings = dict(self.settings)
        work = self._turns.next(partial(self._writer.write, touched, about, self._written_settings))
        if now:
            self._written(work())
            return
        worker = create_worker(work)
        worker.returned.connect(self._written)
        worker.start()

    def _look_when_closed(self, viewer: napari.viewer.Viewer) -> None:
        """Save what was painted last when the window closes; afterwards its layers are gone."""
        window = getattr(viewer, "window", None)
        if window is not None:
            window._qt_window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """See the window close."""
        if event.type() == QEvent.Type.Close:
            self.look(now=True)
            if not watched.isVisible():  # else it hides once it closes: napari may ask before, and the user say no
                self.session.close()
        elif event.type() == QEvent.Type.Hide and not event.spontaneous():
            self.session.close()
        elif event.type() == QEvent.Type.Show and not event.spontaneous():
            self.session.reopen()
        return False

    def take_over(self, layer: Labels) -> None:
        """Save a layer at the next look, whether it was painted on or not."""
        self._changed.add(str(layer.unique_id))

    def replace(self, session: Session) -> None:
        """Remove a former session once everything that is painted here was saved."""
        self._replaced.append(session)
        self.look()

    def _written(self, fault: str) -> None:
        self._writing = False
        if fault:
            self._changed |= self._under_way  # for the next look
            self._written_settings = {}
        else:
            self._told = False
        self._under_way = set()
        if not self._changed:
            for session in self._replaced:
                session.remove()
            self._replaced = []
        if fault and not self._told:
            self._told = True
            show_warning(f"Your paint cannot be autosaved: {fault}. Save it yourself meanwhile.")

    def _say_not_kept(self, name: str) -> None:
        if name not in self._not_kept:
            self._not_kept.add(name)
            show_warning(f"Paint on {name} is not autosaved, as it is large and made elsewhere: save it yourself.")

    def _watch(self, layer: napari.layers.Layer) -> None:
        if not can_be_kept(layer):
            if isinstance(layer, Labels):
                layer.events.paint.connect(lambda _: self._say_not_kept(layer.name))
            return
        key = str(layer.unique_id)

        def mark(*_: object) -> None:
            self._changed.add(key)

        for event in (layer.events.data, layer.events.paint, layer.events.labels_update):
            event.connect(mark)
        if role_of(layer) == ANNOTATION:
            mark()


def is_drawn_here(layer: napari.layers.Layer) -> bool:
    """Whether labels were drawn in this window before it was watched."""
    return can_be_kept(layer) and not role_of(layer) and layer.source.path is None and bool(np.any(layer.data))


def can_be_kept(layer: napari.layers.Layer) -> bool:
    """Whether what is painted on a layer is saved: on ours, and on others that are written in a moment."""
    if not isinstance(layer, Labels) or not isinstance(layer.data, np.ndarray):
        return False
    return bool(role_of(layer)) or layer.data.nbytes <= MAX_FOREIGN_BYTES


def _touched(key: str, layer: Labels) -> Touched:
    return Touched(key=key, role=role_of(layer), values=layer.data, predictions=notes_of(layer).predictions)


def _about(viewer: napari.viewer.Viewer, layer: Labels) -> dict[str, Any]:
    image = image_of(viewer, layer)
    return {
        "name": layer.name,
        "copy": is_copy(layer),
        "entry": notes_of(layer).lasting(),
        "place": {name: _as_list(layer, name) for name in PLACING},
        "units": _units(layer),
        "axis_labels": list(layer.axis_labels),
        "meanings": list(value_names(layer).items()),
        "image": image.name if image else "",
        "path": str(image.source.path or "") if image else "",
        "image_place": _place(image) if image else {},
    }


def _place(image: Image) -> dict[str, Any]:
    return {"scale": _as_list(image, "scale"), "translate": _as_list(image, "translate"), "units": _units(image)}


def _units(layer: Image | Labels) -> list[str]:
    return [str(unit) for unit in layer.units]


def _as_list(layer: Image | Labels, name: str) -> list[Any]:
    value = layer.affine.affine_matrix if name == "affine" else getattr(layer, name)
    as_list: list[Any] = np.asarray(value).tolist()
    return as_list
