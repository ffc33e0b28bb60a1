"""A model on trial: what the learning network sees, and whether to keep it; nothing is saved before Accept."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import napari

from napari_unet.arrays.axes import Region
from napari_unet.errors import UnetError
from napari_unet.widgets.teach.outcome import ComparisonBox
from napari_unet.widgets.teach.preview import Preview
from napari_unet.widgets.teach.visible_preview import VisiblePreview
from napari_unet.widgets.teach.work import MAX_SIDE, MIN_SIDE
from napari_unet.widgets.viewer.layers import read_layer
from napari_unet.widgets.viewer.paint import image_named

if TYPE_CHECKING:
    from napari_unet.widgets.teach.shown_part import SeenByBoth, ShownPart
    from napari_unet.widgets.teach.work import FineTuneComparison


class ComparisonView:
    """One outcome at most, its box in the panel, and the layer in the viewer that shows before and after."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self.box = ComparisonBox()
        self._preview = Preview(viewer, self.box.hidden.setVisible)
        self.following = VisiblePreview(viewer, partial(self.region, MAX_SIDE))
        self.following.seen.connect(self._saw)
        self._image = ""
        """The id of the image that is looked at."""
        self._work = 1.0
        """How many times as much as is shown must be segmented for it."""
        self.unseen = ""
        """Why nothing can be shown of it; empty where something can."""
        self._former: tuple[FineTuneComparison | None, str] = (None, "")
        """The outcome and the image before learning anew began."""
        self.outcome: FineTuneComparison | None = None
        self.box.toggled.connect(self._compare)

    def begin(self, image: str, work: float = 1.0) -> None:
        """Look at an image, given by its id, while a network learns; a former outcome waits out of sight.

        `work` says how many times as much as is shown must be segmented for it.
        """
        self._work = work
        self._former = (self.outcome, self._image)
        self.outcome, self._image = None, image
        self.following.stop()
        self.box.hide()
        self._preview.hide()

    def region(self, side: int = MIN_SIDE) -> Region | None:
        """Return the part of the image to show: of what is visible at most `side` pixels; None for nothing."""
        image = image_named(self._viewer, self._image)
        if image is None:
            return None
        try:
            region = self._preview.region(image, read_layer(image).axes, round(side / math.sqrt(self._work)))
        except UnetError as error:
            self.unseen = str(error)
            return None
        self.unseen = ""
        return region

    def see(self, seen: ShownPart | None) -> None:
        """Show a prediction of that part."""
        image = image_named(self._viewer, self._image)
        if seen is None or image is None:
            return
        with suppress(UnetError):  # the layer got another image meanwhile, over which it would lie nowhere
            self._preview.show(seen, image, read_layer(image).axes)

    def offer(self, outcome: FineTuneComparison, name: str) -> bool:
        """Show what the learnt model sees and offer it under a name; a better one learnt before stays instead."""
        former, _ = self._former
        if former is not None and former.tuned.improved and not outcome.tuned.improved:
            self.offer_former()
            return False
        self.outcome = outcome
        self.see(outcome.seen.after)
        self._preview.stand_alone()
        self.box.offer(outcome, name)
        self.following.follow(outcome.look, outcome.region)
        return True

    def offer_former(self) -> None:
        """Offer again what was learnt before, where learning anew failed."""
        self.outcome, self._image = self._former
        if self.outcome is not None:
            self.box.show()
            self._compare(self.box.after.isChecked())
            self._preview.stand_alone()
            self.following.follow(self.outcome.look, self.outcome.region)

    def forget(self) -> None:
        """Drop the outcome; layers and paint are as before."""
        self.outcome = None
        self.following.stop()
        self.box.hide()
        self._preview.remove()

    def _saw(self, seen: SeenByBoth) -> None:
        """Show the part that has become visible."""
        if self.outcome is not None:
            self.outcome = replace(self.outcome, seen=seen, region=self.following.covered)
            self.box.describe(self.outcome)
            self._compare(self.box.after.isChecked())
            self._preview.stand_alone()

    def _compare(self, after: bool) -> None:
        if self.outcome is not None:
            self.see(self.outcome.seen.after if after else self.outcome.seen.before)
