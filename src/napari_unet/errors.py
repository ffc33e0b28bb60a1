"""The one exception for what a user can mend: its text is shown as it is, without a traceback."""

from __future__ import annotations


class UnetError(Exception):
    """One plain sentence that names the value that is wrong and the remedy."""
