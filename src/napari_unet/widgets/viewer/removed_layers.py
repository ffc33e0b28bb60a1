"""Removed layers: their memory is freed although the garbage collector had set them aside."""

from __future__ import annotations

import gc
from typing import Any

from napari_unet.widgets.viewer.notes import PREVIEW, role_of


def unfreeze_after_removal(removed: Any) -> None:
    """Let full collections find what was set aside, now that a layer of it may be garbage.

    The next one then takes long; for the preview, which is small and comes and goes, that would be too much.
    """
    if role_of(removed.value) != PREVIEW:
        gc.unfreeze()
