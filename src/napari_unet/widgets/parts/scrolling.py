"""Panels that scroll: a screen, or the room beside other panels, may be lower than all that they hold."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget


class ScrollingPanel(QWidget):  # type: ignore[misc]
    """A widget whose contents scroll up and down; as wide as they are, so that nothing is cut off at the side."""

    def __init__(self) -> None:
        super().__init__()
        self._inside = QWidget()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)

    def contents(self) -> QVBoxLayout:
        """Return the layout to put widgets into."""
        return QVBoxLayout(self._inside)

    def keep_height(self, height: int) -> None:
        """Keep this height in pixels beside other panels, and always the width of what is inside."""
        self.setMinimumHeight(height)
        self._inside.installEventFilter(self)
        self._keep_width()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """See the contents change: a style that comes with the window, a part that is unfolded."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._keep_width()
        return False

    def _keep_width(self) -> None:
        edge = self._scroll.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self._inside.minimumSizeHint().width() + edge)
