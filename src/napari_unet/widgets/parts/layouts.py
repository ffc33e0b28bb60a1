"""Layouts without margins, as the parts of a panel stand below and beside each other."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return widgets beside each other."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def lay_out(parent: QWidget, *parts: QWidget | QLayout) -> None:
    """Put widgets and rows below each other into a widget, without margins."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
