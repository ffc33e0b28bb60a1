"""The offer to bring back the annotations of a window that is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QMessageBox, QPushButton, QWidget

from napari_unet.errors import UnetError
from napari_unet.files.session import Session, former_sessions
from napari_unet.widgets.parts.layouts import lay_out, row
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.window_thread import of_the_window


class SessionNews(QObject):  # type: ignore[misc]
    """Tells the bars of all panels that a former session was decided on in one of them."""

    decided = Signal(object)


SESSION_NEWS = of_the_window(SessionNews())


class RestoreBar(QWidget):  # type: ignore[misc]
    """Hidden where there is nothing to restore; one former session after the other, the latest first."""

    def __init__(self, bring_back: Callable[[Session], object]) -> None:
        super().__init__()
        self._bring_back = bring_back
        self._sessions = former_sessions()
        self.text = MessageLabel()
        self.restore = QPushButton("Restore")
        self.discard = QPushButton("Discard")
        self.discard.setToolTip("Delete these annotations for good.")
        lay_out(self, self.text, row(self.restore, self.discard))
        self.restore.clicked.connect(self._restore)
        self.discard.clicked.connect(self._discard)
        SESSION_NEWS.decided.connect(self._forget)
        self._offer()

    def _offer(self) -> None:
        if not self._sessions:
            self.hide()
        else:
            time = self._sessions[0].time
            today = time.date() == time.now().astimezone().date()
            self.text.setText(f"Restore the annotations of {time.strftime('%H:%M' if today else '%d %B, %H:%M')}?")

    def _restore(self) -> None:
        session = self._sessions[0]
        SESSION_NEWS.decided.emit(session.folder)
        try:
            self._bring_back(session)
        except UnetError as error:
            show_error(capitalized(str(error)))

    def _discard(self) -> None:
        session = self._sessions[0]
        question = "Delete these annotations for good? They cannot be brought back."
        if QMessageBox.question(self, "Discard annotations", question) != QMessageBox.StandardButton.Yes:
            return
        SESSION_NEWS.decided.emit(session.folder)
        session.remove()

    def _forget(self, folder: Path) -> None:
        self._sessions = [session for session in self._sessions if session.folder != folder]
        self._offer()
