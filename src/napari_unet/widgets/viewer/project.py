"""The images of a project: files with a mask, and what opens them; the Batch panel offers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakMethod

from napari_unet.widgets.viewer.layers import unwrapped

if TYPE_CHECKING:
    import napari

Paths = Callable[[], list[Path]]
Open = Callable[[Path], None]
OFFERS: WeakKeyDictionary[Any, tuple[WeakMethod[Paths], WeakMethod[Open]]] = WeakKeyDictionary()
"""By viewer the methods of the panel that was opened last: gone when the panel is."""


def offer_project(viewer: napari.viewer.Viewer, images: Paths, open_image: Open) -> None:
    """Offer files to the other panels of a viewer; both are methods of the panel that lists them."""
    OFFERS[unwrapped(viewer)] = WeakMethod(images), WeakMethod(open_image)


def project_images(viewer: napari.viewer.Viewer) -> list[Path]:
    """Return the files that are offered, the one that needs a person most first."""
    images, _ = _offered(viewer)
    return images() if images is not None else []


def open_project_image(viewer: napari.viewer.Viewer, path: Path) -> None:
    """Open a file that is offered, with its mask."""
    _, open_image = _offered(viewer)
    if open_image is not None:
        open_image(path)


def _offered(viewer: napari.viewer.Viewer) -> tuple[Paths | None, Open | None]:
    offered = OFFERS.get(unwrapped(viewer))
    return (None, None) if offered is None else (offered[0](), offered[1]())
