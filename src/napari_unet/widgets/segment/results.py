"""Results in the viewer: a Labels layer over its image, that of an earlier run or a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.widgets.segment.work import SegmentationRun
from napari_unet.widgets.viewer.file_header import known_size
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.notes import RESULT, LayerNotes, as_metadata, is_copy, notes_of, role_of
from napari_unet.widgets.viewer.paint import (
    image_id,
    image_of,
    image_reference,
    is_untouched,
    prediction_history,
    prediction_of,
    prepare_painting,
    show_classes,
)
from napari_unet.widgets.viewer.placing import (
    add_labels,
    as_displayed,
    placement,
    selection_kept,
    show_soon,
    update_labels,
)

if TYPE_CHECKING:
    from napari_unet.segmentation import Segmentation


def show_result(
    viewer: napari.viewer.Viewer,
    layer: napari.layers.Image,
    image: LayerImage,
    made: SegmentationRun,
    *,
    of_a_view: bool,
) -> bool:
    """Show labels over their image; return whether one undo brings back those of an earlier run.

    Those of a view get a layer of their own each time, for the view moves; so does an image that a model made.
    Corrections that are kept, and the labels around them, go into the layer that was corrected.
    """
    if made.result.gives_image:
        _show_image(viewer, layer, image, made)
        return False
    result, channel = made.result, made.provenance["settings"]["channel"]
    inputs = "" if channel is None else f", channel {channel}"
    inputs = inputs or _inputs_text(made.provenance["settings"])
    shown = made.provenance["model"] + inputs
    notes = LayerNotes(
        role=RESULT,
        image=image_reference(layer),
        kind=f"{shown}, {made.provenance['model_sha256']}",
        axes=result.axes,
        origin=result.origin if of_a_view else (),
        model_path=str(made.model),
        provenance=made.provenance,
        inputs=made.choices,
        pixel_size=known_size(layer),
    )
    place = placement(layer, image.axes, result.axes, result.origin)
    name = f"{layer.name} ({shown}{', view' if of_a_view else ''})"
    if result.levels:
        _show_from_disk(viewer, result, name, notes, place)
        return False
    labels, before = (result.labels, result.labels) if made.merged is None else _with_corrections(made)
    former = None if of_a_view else _corrected(viewer, made, labels)
    if former is None and not of_a_view:
        former = _former(viewer, image_id(layer), notes.kind, result)
    known = notes_of(former) if former is not None else LayerNotes()
    notes = replace(notes, predictions=prediction_history(as_displayed(before), known))
    updated = False
    if not of_a_view:
        _hide_results(viewer, layer, channel, but=former)
    if former is not None:
        if former.name == f"{layer.name} ({known.kind.rpartition(', ')[0]})":  # nobody gave it another name
            former.name = name
        updated = update_labels(former, labels, notes, place)
        show_soon(viewer, former)
    else:
        contour = _last_contour(viewer)
        former = add_labels(viewer, labels, name=name, notes=notes, place=place)
        former.contour = contour
    prepare_painting(former, result.classes, result.plan.spec.class_marks)
    return updated


def _show_from_disk(
    viewer: napari.viewer.Viewer, result: Segmentation, name: str, notes: LayerNotes, place: dict[str, Any]
) -> None:
    """Add labels of a pyramid that napari reads where it is looked at."""
    with selection_kept(viewer):
        layer = viewer.add_labels(
            list(result.levels), multiscale=True, name=name, metadata=as_metadata(notes), **place
        )
    if result.classes:
        show_classes(layer, result.classes, result.plan.spec.class_marks)


def _with_corrections(made: SegmentationRun) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the merged labels and what they were without the corrections."""
    assert made.corrected is not None
    merged = made.merged
    if not made.corrected.is_current:  # painted on while the network worked
        before = prediction_of(made.corrected.layer)
        assert before is not None
        merged = replace(made.corrected, before=before, after=made.corrected.layer.data).merged(made.result)
    assert merged is not None
    return merged.labels, merged.before


def _corrected(
    viewer: napari.viewer.Viewer, made: SegmentationRun, labels: NDArray[np.int32]
) -> napari.layers.Labels | None:
    """Return the layer whose corrections are in the labels, if it is still there and holds so many ids."""
    if made.corrected is None or made.merged is None or made.corrected.layer not in viewer.layers:
        return None
    layer = made.corrected.layer
    return layer if np.iinfo(layer.data.dtype).max >= labels.max(initial=0) else None


def _show_image(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, image: LayerImage, made: SegmentationRun
) -> None:
    """Add the image that a model made, a layer for each of its channels, over the one that it was made of.

    The layer is an image like any other: it can be segmented in turn.
    """
    result, spec = made.result, made.result.plan.spec
    notes = LayerNotes(provenance=made.provenance, model_path=str(made.model), pixel_size=known_size(layer))
    shown = spec.maps_to or made.provenance["model"]
    several = len(spec.classes) > 1
    place = placement(layer, image.axes, result.plan.axes, result.origin)
    for name, values in zip(spec.classes, result.labels if several else [result.labels], strict=True):
        with selection_kept(viewer):  # the panel follows what is selected, and stays with its image
            viewer.add_image(
                values,
                name=f"{layer.name} ({shown}{', ' + name if several else ''})",
                colormap=layer.colormap.name,
                metadata=as_metadata(notes),
                **place,
            )


def _inputs_text(settings: dict[str, Any]) -> str:
    """Return which channels several inputs read; empty for a single one, and for colours."""
    named = settings.get("inputs", {})
    read = [f"channel {one}" if isinstance(one, int) else str(one) for one in named.values() if one is not None]
    return f", {' and '.join(read)}" if len(read) > 1 else ""


def _last_contour(viewer: napari.viewer.Viewer) -> int:
    """Return how the latest result is drawn: 0 filled, else the width of its outlines in pixels."""
    drawn = [layer.contour for layer in viewer.layers if role_of(layer) == RESULT]
    return int(drawn[-1]) if drawn else 0


def _hide_results(
    viewer: napari.viewer.Viewer, image: napari.layers.Image, channel: int | None, *, but: Any
) -> None:
    """Hide what was found of an image before: two results over each other cannot be read."""
    for layer in viewer.layers:
        mine = role_of(layer) == RESULT and not is_copy(layer)
        if mine and layer is not but and image_of(viewer, layer) is image:
            layer.visible = layer.visible and notes_of(layer).channel != channel


def _former(
    viewer: napari.viewer.Viewer, image: str, kind: str, result: Segmentation
) -> napari.layers.Labels | None:
    """Return the layer that an earlier run with the same image, model and channel made, if it still fits.

    One that was corrected by hand stays as it is: no work is lost.
    """
    for layer in viewer.layers:
        known = notes_of(layer)
        of_all = known.image is not None and known.image.id == image and not known.origin
        if (
            not of_all
            or known.kind != kind
            or is_copy(layer)
            or not isinstance(layer, napari.layers.Labels)
            or layer.multiscale
        ):
            continue
        fits = layer.data.shape == result.labels.shape and np.iinfo(layer.data.dtype).max >= result.count
        if fits and is_untouched(layer):
            return layer
    return None
