"""A status line with a text per subject, for example per image: it shows that of the chosen subject alone."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

from napari_unet.widgets.parts.message_label import MessageLabel


class SubjectStatus:
    """Fills a label with the last text about the chosen subject."""

    def __init__(self, label: MessageLabel) -> None:
        self._label = label
        self._chosen: ref[Any] | None = None
        self._worked_on: ref[Any] | None = None
        """The subject of work that is under way."""
        self._texts: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._failed = False
        self.is_busy = False
        """Whether work is under way, whose progress the label shows whatever is chosen."""

    def choose(self, subject: Any) -> None:
        """Show the last text about a subject; None chooses none."""
        if subject is self._subject and (subject is not None or self._chosen is None):
            return  # a chosen one that is gone is None, too, and its text is not yet
        self._chosen = None if subject is None else ref(subject)
        self._show()

    def begin(self) -> None:
        """Note that work on the chosen subject is under way; texts are about that subject until it ends."""
        self.is_busy, self._worked_on = True, self._chosen

    def end(self) -> None:
        """Note that the work has ended, and show the text of the chosen subject."""
        other = self._worked_on is not None and self._worked_on() is not self._subject
        self.is_busy, self._worked_on = False, None
        if other:
            self._show()

    def show(self, text: str, *, here: bool = False, failed: bool = False) -> None:
        """Show a text about the subject of the work, else the chosen one; `here`: about the chosen one anyway."""
        about = self._worked_on if self.is_busy and not here else self._chosen
        subject = about() if about is not None else None
        if subject is not None:
            self._texts[subject] = text
        self._failed = failed
        if here:
            self._worked_on = self._chosen
        self._label.setText(text)

    def keep(self, subject: Any, text: str) -> None:
        """Keep a text about another subject, to be shown when it is chosen."""
        self._texts[subject] = text

    def forget(self, subject: Any = None) -> None:
        """Remove what was said about a subject, None for the chosen one: it is no longer so."""
        about = self._subject if subject is None else subject
        if about is not None:
            self._texts.pop(about, None)
        if about is self._subject:
            self._show()

    def forget_failure(self) -> None:
        """Remove the text of a failure, whose cause may be gone now."""
        if self._failed and not self.is_busy:
            self.show("")

    @property
    def _subject(self) -> Any:
        return self._chosen() if self._chosen is not None else None

    def _show(self) -> None:
        self._failed = False
        if not self.is_busy:
            subject = self._subject
            self._label.setText(self._texts.get(subject, "") if subject is not None else "")
