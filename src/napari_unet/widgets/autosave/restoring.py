"""Put the painted layers of a window that is gone back over their images."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.notifications import show_warning

from napari_unet.errors import printable, shortened
from napari_unet.files.openable import is_there
from napari_unet.files.session import SavedLayer, Session
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.viewer.annotation_layers import name_colours
from napari_unet.widgets.viewer.channels import open_images
from napari_unet.widgets.viewer.file_header import known_size
from napari_unet.widgets.viewer.inputs import keep_choices
from napari_unet.widgets.viewer.layers import read_layer
from napari_unet.widgets.viewer.notes import (
    ANNOTATION,
    ImageReference,
    LayerNotes,
    as_metadata,
    is_copy,
    notes_of,
    role_of,
    sign,
)
from napari_unet.widgets.viewer.paint import (
    covers,
    image_reference,
    images_of,
    labels_shape,
    name_values,
    path_of,
)
from napari_unet.widgets.viewer.placing import placement

if TYPE_CHECKING:
    import napari

LOGGER = logging.getLogger(__name__)
MAX_REASON = 200
"""Letters of what a reader says of a file: some quote all of it."""


OF_NONE = "-"
"""The layer that a restored copy was made of: none that is here."""


def restore(viewer: napari.viewer.Viewer, session: Session) -> None:
    """Put the painted layers of a former session into the viewer, opening their images; tell panels its settings.

    The session is removed once the present one has saved all of it.
    """
    kept = session.read()
    autosave = Autosave.of(viewer)
    missing: list[str] = []
    lost = list(kept.lost)
    for saved in kept.layers:
        image = _image_for(viewer, saved)
        try:
            autosave.take_over(_put_back(viewer, saved, image))
        except Exception:  # whatever napari does not take: the other layers come back all the same
            LOGGER.warning("a saved layer cannot be put back", exc_info=True)
            lost.append(str(saved.about["name"]))
            continue
        if image is None:
            missing.append(f"{saved.about['name']} of {saved.about['image']}")
    autosave.settings = kept.settings  # before anything is written: with the paint go the choices
    autosave.restored.emit(kept.settings)
    if missing:
        names = printable(" and ".join(missing))
        show_warning(f"Back without its image: {names}. Open the image under the same name.")
    if lost:  # what cannot be read today stays where it is
        names = printable(" and ".join(lost))
        show_warning(f"Of {names} nothing can be restored: the files in {session.folder} are damaged.")
    else:
        autosave.replace(session)


def _put_back(viewer: napari.viewer.Viewer, saved: SavedLayer, image: Image | None) -> Labels:
    """Add and return a layer as it was, over its image as that lies now."""
    notes = LayerNotes.from_entry(saved.about["entry"])
    place = {name: np.asarray(value) for name, value in saved.about["place"].items()}
    if image is not None:
        notes = replace(notes, image=image_reference(image), pixel_size=known_size(image) or notes.pixel_size)
        place = _place_over(image, notes) or place
    else:  # until it is opened again
        closed = ImageReference(name=saved.about["image"], path=saved.about["path"])
        notes = replace(notes, image=closed)
    if image is not None and notes.inputs and not notes_of(image).inputs:
        keep_choices(image, notes.inputs)
    if "prediction" in saved.arrays:
        notes = replace(notes, predictions=(saved.arrays["prediction"],))
    if saved.about["copy"]:
        notes = replace(notes, layer=OF_NONE)
    layer = viewer.add_labels(
        saved.arrays["values"],
        name=saved.about["name"],
        metadata=as_metadata(notes),
        **{"units": tuple(saved.about["units"]), "axis_labels": tuple(saved.about["axis_labels"]), **place},
    )
    if meanings := saved.about["meanings"]:
        name_values(layer, dict(meanings))
    if role_of(layer) == ANNOTATION:
        name_colours(layer)
    if role_of(layer) and not is_copy(layer):
        sign(layer)
    return layer


def _image_for(viewer: napari.viewer.Viewer, saved: SavedLayer) -> Image | None:
    """Return the image that was painted on: one that is open and fits, or its file opened again."""
    name, path = saved.about["image"], saved.about["path"]
    fitting = [image for image in images_of(viewer) if _fits(image, saved)]
    same_file = [image for image in fitting if path and path_of(image) == path]
    same_name = [image for image in fitting if image.name == name]
    both = [image for image in same_file if image in same_name]
    if len(same_file) > 1:  # channels of one file
        same_file = []
    for image in (*both, *same_file, *same_name):
        return image
    return _opened(viewer, saved) if path and is_there(Path(path)) else None


def _fits(image: Image, saved: SavedLayer) -> bool:
    """Whether what was painted covers an image, or the part of it where its origin lies."""
    return covers(
        labels_shape(image), saved.arrays["values"].shape, LayerNotes.from_entry(saved.about["entry"]).origin
    )


def _opened(viewer: napari.viewer.Viewer, saved: SavedLayer) -> Image | None:
    """Open the file of an image again, where it lay and as large as it was shown."""
    try:
        images = open_images(viewer, saved.about["path"])
    except Exception as error:  # whatever a reader raises: the paint is restored all the same
        name, why = printable(saved.about["image"]), shortened(printable(error), MAX_REASON)
        show_warning(f"{name} cannot be opened again ({why}): open it, then paint on.")
        return None
    fitting = [image for image in images if _fits(image, saved)]
    image = next((image for image in fitting if image.name == saved.about["image"]), next(iter(fitting), None))
    place = saved.about["image_place"]
    if image is not None and len(place.get("scale", ())) == image.ndim:
        for name, value in place.items():
            setattr(image, name, value)
    return image


def _place_over(image: Image, notes: LayerNotes) -> dict[str, Any]:
    """Return where labels lie over an image as it is now; empty where its axes are unclear."""
    try:
        return placement(image, read_layer(image).axes, notes.axes, notes.origin) if notes.axes else {}
    except ValueError:
        return {}
