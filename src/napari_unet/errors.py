"""The one exception for what a user can mend: its text is shown as it is, without a traceback."""

from __future__ import annotations

import unicodedata
from pickle import UnpicklingError  # the error alone: nothing is unpickled here

MAX_SENTENCE = 1200
"""Letters of a sentence: three full paths. What a damaged file holds may be longer than any screen."""
UNFORESEEN = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
"""Errors of libraries that are not foreseen one by one; none is shown as a traceback."""
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of what moves the cursor, sets colours, turns the direction of writing or breaks a line."""


class UnetError(ValueError):
    """One plain sentence that names the value that is wrong and the remedy.

    Whatever a file put into it, it is one line of printable text.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(shortened(printable(sentence)))


def printable(text: object) -> str:
    r"""Return a text on one line without control characters; those of a file appear as `\x1b`, `\n`, `\u202e`."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_visible(sign) if unicodedata.category(sign) in _HIDDEN else sign for sign in plain)


def shortened(text: str, limit: int = MAX_SENTENCE) -> str:
    """Return a text of at most `limit` letters; the middle of a longer one is left out, the remedy stays."""
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} … {text[3 - limit // 2 :]}"


def first_line(error: BaseException) -> str:
    """Return what another library's error says, without the lines that only a programmer reads.

    What pickle complains of is said in our words: PyTorch's advice is to read the file without caution.
    """
    if isinstance(error, UnpicklingError):
        return "it holds something else than tensors, or is damaged"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _visible(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
