"""What an autosave does outside the window's thread: see what is painted, and write that.

The arrays are those of the layers, which may be painted on meanwhile: a copy of a large one would hold up the
brush. Paint that comes while a file is written is noted by the window's thread as always, and is in the next file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unwritable
from napari_unet.files.session import SavedLayer, Session
from napari_unet.widgets.viewer.notes import ANNOTATION, RESULT
from napari_unet.widgets.viewer.paint import nearest

LOGGER = logging.getLogger(__name__)


class Turns:
    """Lets pieces of work be done in the order in which they were asked for, whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = self._done = 0

    def next(self, work: Callable[[], str]) -> Callable[[], str]:
        """Return work that waits for what is being done, and is left out where later work was done already."""
        self._asked += 1
        number = self._asked

        def in_turn() -> str:
            with self._lock:
                if number < self._done:
                    return ""
                self._done = number
                return work()

        return in_turn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Touched:
    """A layer that may have been painted on since it was written."""

    key: str
    role: str
    values: NDArray[Any]
    predictions: Sequence[NDArray[Any]]
    """What models said, of a result."""

    def saved(self) -> SavedLayer | None:
        """Return what is to be written; None where nothing is painted."""
        arrays = {"values": self.values}
        if self.role == ANNOTATION and not self.values.any():
            return None
        if self.role == RESULT:
            prediction = nearest(self.predictions, self.values)
            if prediction is None or np.array_equal(prediction, self.values):
                return None
            arrays["prediction"] = prediction
        return SavedLayer(key=self.key, arrays=arrays, about={})


class PaintWriter:
    """Writes one session; `known` are the keys of the layers that are on disk."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.known: frozenset[str] = frozenset()

    def write(self, touched: list[Touched], about: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
        """Write what changed, and what holds of all layers that are there; return what went wrong, or nothing."""
        try:
            changed = [saved for one in touched if (saved := one.saved()) is not None]
            untouched = self.known - {one.key for one in touched}
            known = (untouched | {saved.key for saved in changed}) & about.keys()
            self._session.write(changed, {key: about[key] for key in known}, settings)
        except UnetError as error:
            return str(error)
        except OSError as error:
            return str(unwritable(self._session.folder, error))
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # else it would look busy for ever
            LOGGER.exception("autosave failed")
            return f"{type(error).__name__}: {error}"
        self.known = known
        return ""
