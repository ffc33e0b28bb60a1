"""Sentences in a panel: they wrap, also within a path or a name without blanks, so that none widens the panel."""

from __future__ import annotations

import re

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

LONG = 25
"""Letters of a word from which it may be broken: numbers and usual names stay whole."""
PIECE = 8
"""Letters of a broken word that stay together where no sign parts them."""
MAY_BREAK = "\u200b"
"""A blank of no width."""


def capitalized(text: str) -> str:
    """Return a text with a capital, where it begins with a plain word: errors are worded to follow a colon too."""
    word = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if word.isalpha() and word.islower() else text


class MessageLabel(QLabel):  # type: ignore[misc]
    """A label of plain words."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a text."""
        super().setText(re.sub(rf"\S{{{LONG},}}", lambda word: _breakable(word[0]), text))

    def text(self) -> str:
        """Return the text as it was given."""
        return str(super().text()).replace(MAY_BREAK, "")


def _breakable(word: str) -> str:
    return re.sub(rf"[/\\_.-]|[^/\\_.-]{{{PIECE}}}", rf"\g<0>{MAY_BREAK}", word)
