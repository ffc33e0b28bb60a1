"""Windows that tests use one after the other: a new one takes a second, to clear one a sixth of it."""

from contextlib import ExitStack
from itertools import product
from unittest.mock import patch

import napari
from napari._qt.qt_main_window import _QtMainWindow
from napari.utils.events import EmitterGroup
from qtpy.QtCore import QCoreApplication, QEvent, QObject
from qtpy.QtWidgets import QWidget
from superqt.utils import WorkerBase

from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.viewer.arrivals import _WATCHED
from napari_unet.widgets.viewer.project import OFFERS

SIZE = (1200, 900)
"""Pixels of a window, wide and high."""


PATIENCE = 300000
"""Milliseconds until work that was cancelled must have ended, on a machine as busy as may be."""
WITHOUT = {
    "napari._qt.threads.status_checker.StatusChecker.start": lambda *_: None,
    "napari._qt.qt_viewer.QtViewer._get_console": lambda *_: _unthemed(),  # it starts an IPython kernel
}
"""What windows of tests do without, as napari's own fixture has it."""
MOUSE = [f"mouse_{kind}_callbacks" for kind in ("move", "drag", "wheel", "double_click")]
"""What a viewer calls as the mouse is used."""


class WindowPool:
    """Lends viewers: one that was given back comes again as if it were new."""

    def __init__(self):
        self._free = {kind: [] for kind in product((True, False), repeat=2)}
        self._lent = []
        self._patches = ExitStack()
        for place, instead in WITHOUT.items():
            self._patches.enter_context(patch(place, instead))

    def take(self, qtbot, *, show, draw):
        """Return a viewer without layers, in a window that is shown or not, and whose pixels are drawn or not."""
        free = self._free[show, draw]
        window = free.pop() if free else Window(qtbot, show=show, draw=draw)
        self._lent.append(window)
        window.begin()
        return window.viewer

    def give_back(self, *, usable):
        """Clear the windows that a test took; those of a test that failed, or closed them, are used no more."""
        lent, self._lent = self._lent, []
        for window in lent:
            if usable and not window.was_shown_or_hidden:
                window.clear()
                self._free[window.shown, window.drawn].append(window)
            else:
                window.close()

    def close(self):
        """Close all windows."""
        for windows in self._free.values():
            for window in windows:
                window.close()
            windows.clear()
        self._patches.close()


class Window(QObject):
    """One napari viewer in its window, and what was connected to it when it was new."""

    def __init__(self, qtbot, *, show, draw):
        super().__init__()
        self.shown, self.drawn = show, draw
        self.was_shown_or_hidden = False
        self.viewer = napari.Viewer(show=False, show_welcome_screen=False)
        if draw:
            self._delete_where_it_was_made()
        else:
            self._keep_dark()
        if show:
            self.viewer.window.show()
            qtbot.wait_exposed(self.viewer.window._qt_window, timeout=300000)
        self.viewer.window._qt_window.installEventFilter(self)
        self._connected = {emitter: list(emitter.callbacks) for emitter in self._emitters()}
        self._keys, self._axes = dict(self.viewer.keymap), self.viewer.dims.axis_labels
        self._mouse = {name: list(getattr(self.viewer, name)) for name in MOUSE}

    def eventFilter(self, watched, event):
        """See a test close the window, which deletes it, or show or hide it."""
        self.was_shown_or_hidden |= event.type() in (QEvent.Type.Close, QEvent.Type.Hide, QEvent.Type.Show)
        return False

    def begin(self):
        """Be the window that napari takes for the present one."""
        window = self.viewer.window._qt_window
        _QtMainWindow._instances.remove(window)
        _QtMainWindow._instances.append(window)
        self.viewer.window.resize(*SIZE)
        self._draw(self.drawn)

    def clear(self):
        """Take out all that a test put into the window."""
        self._draw(False)
        self.viewer.window.remove_dock_widget("all")
        WorkerBase.await_workers(PATIENCE)
        QCoreApplication.processEvents()  # what workers said last
        self.viewer.layers.clear()
        self._forget()
        self._reset()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def _draw(self, draw):
        """Let Qt draw the window from now on, or not."""
        self.viewer.window._qt_window.setUpdatesEnabled(draw)

    @property
    def _canvas(self):
        return self.viewer.window._qt_viewer.canvas._scene_canvas

    def _keep_dark(self):
        """Let no command reach OpenGL: napari sends what waits as layers change, to whichever window drew last."""
        context = self._canvas.context
        self._canvas.events.draw.block()
        context.flush_commands = lambda event=None: context.glir.clear()

    def _delete_where_it_was_made(self):
        """Have the canvas be current where napari 0.9.2 lets OpenGL delete what a removed layer was drawn with.

        Qt leaves the window's own context current. Mesa 22.3 dies where a program is deleted in that and the
        next frame is drawn by the program that was used last alone.
        """
        native, context, finish = self._canvas.native, self._canvas.context, self._canvas.context.finish

        def finish_there():
            native.makeCurrent()
            finish()

        context.finish = finish_there

    def close(self):
        """Close it without keeping its size for the next one."""
        if hasattr(self.viewer.window, "_qt_window"):
            with patch.object(self.viewer.window._qt_window, "_save_current_window_settings"):
                self.viewer.close()

    def _forget(self):
        """Disconnect what panels and the autosave connected to the viewer, which lives longer than they."""
        viewer = self.viewer
        _WATCHED.discard(viewer)
        OFFERS.pop(viewer, None)
        saver = Autosave._of.pop(viewer, None)
        if saver is not None:
            saver._timer.stop()
            viewer.window._qt_window.removeEventFilter(saver)
        viewer.keymap.clear()
        viewer.keymap.update(self._keys)
        for name, callbacks in self._mouse.items():
            getattr(viewer, name)[:] = callbacks
        for emitter, callbacks in self._connected.items():
            for callback in emitter.callbacks:
                if callback not in callbacks:
                    emitter.disconnect(callback)

    def _reset(self):
        viewer = self.viewer
        viewer.dims.ndisplay, viewer.dims.axis_labels = 2, self._axes
        for part in (viewer.dims, viewer.scene.camera, viewer.canvas.grid, viewer.cursor):
            part.reset()
        viewer.title, viewer.status, viewer.help = "napari", "Ready", ""

    def _emitters(self):
        viewer = self.viewer
        groups = (viewer.events, viewer.layers.events, viewer.layers.selection.events, viewer.dims.events)
        for group in (*groups, viewer.scene.camera.events, viewer.cursor.events, viewer.canvas.grid.events):
            yield group
            yield from (e for e in group.emitters.values() if e is not None and not isinstance(e, EmitterGroup))


def _unthemed():
    widget = QWidget()
    widget._update_theme = lambda *_: None
    return widget
