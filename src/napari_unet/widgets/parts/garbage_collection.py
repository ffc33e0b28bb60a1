"""Python's garbage collector, kept from freezing the window while work runs.

A full collection walks every object of the process; with napari and PyTorch loaded that stops all threads for 0.1
to 0.3 s, and importing PyTorch alone sets off two. Young objects go on being collected meanwhile. After the first
work, once PyTorch is there, all that lives (classes, functions, widgets) is set aside (`gc.freeze`), so that later
full collections walk only what came since. Layers are among it, and hold on to themselves in circles: once one is
removed, everything is walked again, for its pixels may be gigabytes. napari itself makes a full collection when a
layer is removed, so all that lives is set aside before a layer comes that is to go again.
"""

from __future__ import annotations

import gc
from threading import Lock
from typing import ClassVar

NEVER = 10**9


class GcPause:
    """Holds off full collections while any holder asks for it; the collector belongs to the whole process."""

    _lock: ClassVar[Lock] = Lock()
    _holders: ClassVar[int] = 0
    _thresholds: ClassVar[tuple[int, int, int]] = (700, 10, 10)
    _set_aside: ClassVar[bool] = False

    @classmethod
    def set_aside(cls) -> None:
        """Let full collections walk only what comes from now on; takes no time."""
        with cls._lock:
            gc.freeze()

    @classmethod
    def pause(cls) -> None:
        """Hold full collections off."""
        with cls._lock:
            if cls._holders == 0:
                cls._thresholds = gc.get_threshold()
                gc.set_threshold(cls._thresholds[0], cls._thresholds[1], NEVER)
            cls._holders += 1

    @classmethod
    def resume(cls) -> None:
        """Let them happen again, once every holder has resumed them."""
        with cls._lock:
            cls._holders -= 1
            if cls._holders == 0:
                if not cls._set_aside:  # once, see `removed_layers.unfreeze_after_removal`
                    gc.freeze()
                    cls._set_aside = True
                gc.set_threshold(*cls._thresholds)
