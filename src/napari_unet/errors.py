"""The one exception for what a user can mend: its text is shown as it is, without a traceback."""

from __future__ import annotations

from pickle import UnpicklingError  # the error alone: nothing is unpickled here


class UnetError(ValueError):
    """One plain sentence that names the value that is wrong and the remedy."""


def first_line(error: BaseException) -> str:
    """Return what another library's error says, without the lines that only a programmer reads.

    What pickle complains of is said in our words: PyTorch's advice is to read the file without caution.
    """
    if isinstance(error, UnpicklingError):
        return "it holds something else than tensors, or is damaged"
    return (str(error).splitlines() or [type(error).__name__])[0]
