"""The one exception for what a user can mend: its text is shown as it is, without a traceback."""

from __future__ import annotations


class UnetError(Exception):
    """One plain sentence that names the value that is wrong and the remedy."""


def first_line(error: BaseException) -> str:
    """Return what another library's error says, without the lines that only a programmer reads."""
    return (str(error).splitlines() or [type(error).__name__])[0]
