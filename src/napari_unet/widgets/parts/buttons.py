"""Buttons that say what they do."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton


def button(text: str, tip: str) -> QPushButton:
    """Return a button with its tooltip."""
    made = QPushButton(text)
    made.setToolTip(tip)
    return made
